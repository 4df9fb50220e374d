public import AudioCore
import Glibc

/// What a value is measured in.
public enum ValueUnit: String, Sendable, CaseIterable {
  case none = ""
  case decibels = "dB"
  case decibelsFullScale = "dBFS"
  case loudness = "LUFS"
  case hertz = "Hz"
  case milliseconds = "ms"
  case seconds = "s"
  case frames
  case percent = "%"
  case ratio
}

/// One live value of a node: what control may set it to and how render goes there. Everything that checks, lists or
/// documents parameters follows from it.
public struct ParameterSpec: Hashable, Sendable {
  public enum Kind: String, Sendable { case number, toggle }

  /// How control's value becomes render's. Ramps run in render's scale.
  public enum Scale: Sendable {
    case plain
    /// Decibels become a factor; the lowest of the range becomes zero.
    case amplitude
  }

  public let name: String
  public let summary: String
  public let kind: Kind
  public let unit: ValueUnit
  public let range: ClosedRange<Double>
  public let initial: Double
  /// How long a change takes where the one who sets it does not say; zero for at once.
  public let smoothing: HostDuration
  public let scale: Scale
  /// One for each input port, or for each channel of the first, named `name.1` and on; nil for one of the whole node.
  public let per: Each?

  public enum Each: Sendable { case input, channel }

  public static func number(
    _ name: String, _ summary: String, unit: ValueUnit = .none, range: ClosedRange<Double>, initial: Double,
    smoothing: HostDuration = .milliseconds(10), scale: Scale = .plain, per: Each? = nil
  ) -> Self {
    precondition(range.contains(initial))
    return Self(
      name: name, summary: summary, kind: .number, unit: unit, range: range, initial: initial, smoothing: smoothing,
      scale: scale, per: per)
  }

  public static func gain(_ name: String, _ summary: String, initial: Double = 0, per: Each? = nil) -> Self {
    .number(
      name, summary, unit: .decibels, range: -120...24, initial: initial, smoothing: .milliseconds(10),
      scale: .amplitude, per: per)
  }

  /// Off or on; what it switches may take a while to follow.
  public static func toggle(
    _ name: String, _ summary: String, initial: Bool = false, smoothing: HostDuration = .milliseconds(10),
    per: Each? = nil
  ) -> Self {
    Self(
      name: name, summary: summary, kind: .toggle, unit: .none, range: 0...1, initial: initial ? 1 : 0,
      smoothing: smoothing, scale: .plain, per: per)
  }

  func named(_ name: String) -> Self {
    Self(
      name: name, summary: summary, kind: kind, unit: unit, range: range, initial: initial, smoothing: smoothing,
      scale: scale, per: per)
  }

  /// What render works with.
  public func rendered(_ value: Double) -> Float {
    switch scale {
    case .plain: Float(value)
    case .amplitude: value <= range.lowerBound ? 0 : Float(pow(10, value / 20))
    }
  }

  public func accepts(_ value: Double) -> Bool {
    range.contains(value) && (kind == .number || value == 0 || value == 1)
  }

  /// As the catalog writes it.
  public var pattern: String { per == nil ? name : "\(name).N" }

  /// The list of a node with such ports: first what it has once, then one group for each input, then one for each channel.
  public static func expanded(_ specs: [ParameterSpec], of shape: NodeShape) -> [ParameterSpec] {
    func groups(_ each: Each, _ count: Int) -> [ParameterSpec] {
      let repeated = specs.filter { $0.per == each }
      return (0..<count).flatMap { place in repeated.map { $0.named("\($0.name).\(place + 1)") } }
    }
    return specs.filter { $0.per == nil } + groups(.input, shape.inputs.count)
      + groups(.channel, shape.inputs.first?.layout.count ?? 0)
  }
}
