import AudioIO
import Leases

/// What a lease of an application's stream is about. A pure translation between streams and the ledger's words.
struct AppStreamKey: Hashable {
  enum Aspect: String {
    /// The raw `target.object`.
    case target
    /// The channels' factors, apart by spaces.
    case volumes
  }

  /// The life of the server that the stream is of.
  var instance: String
  var stream: AppStream.ID
  var aspect: Aspect

  init(instance: String, stream: AppStream.ID, aspect: Aspect) {
    self.instance = instance
    self.stream = stream
    self.aspect = aspect
  }

  private static let prefix = "stream"

  var name: String { "\(Self.prefix)/\(instance)/\(stream.node)/\(stream.serial)/\(aspect.rawValue)" }

  /// Nil for a key of something else.
  init?(name: String) {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 5, parts[0] == Self.prefix, let node = UInt32(parts[2]), let serial = UInt64(parts[3]),
      let aspect = Aspect(rawValue: String(parts[4]))
    else { return nil }
    self.init(instance: String(parts[1]), stream: AppStream.ID(node: node, serial: serial), aspect: aspect)
  }

  static func text(_ volumes: [Float]) -> String { volumes.map { "\($0)" }.joined(separator: " ") }

  static func volumes(_ text: String) -> [Float]? {
    let parts = text.split(separator: " ")
    let volumes = parts.compactMap { Float($0) }
    return volumes.isEmpty || volumes.count != parts.count ? nil : volumes
  }

  /// The value as it is now; in the words of one of `known` where it is that one but for rounding.
  func value(of stream: AppStream, known: [String]) -> LeasedValue {
    switch aspect {
    case .target: return .known(stream.target.object)
    case .volumes:
      guard !stream.volumes.isEmpty else { return .unknown }
      let same = known.first { text in
        guard let volumes = Self.volumes(text), volumes.count == stream.volumes.count else { return false }
        return zip(volumes, stream.volumes).allSatisfy { abs($0 - $1) <= Self.tolerance }
      }
      return .known(same ?? Self.text(stream.volumes))
    }
  }

  /// Servers and applications round: a step that nobody hears.
  private static let tolerance: Float = 1e-4
}
