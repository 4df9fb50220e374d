/// A loudspeaker position.
@frozen
public enum ChannelLabel: UInt8, Hashable, Sendable, CaseIterable {
  case mono, frontLeft, frontRight, frontCenter, lowFrequency, rearLeft, rearRight, sideLeft, sideRight

  /// PipeWire's short name for the position.
  public var name: String {
    switch self {
    case .mono: "MONO"
    case .frontLeft: "FL"
    case .frontRight: "FR"
    case .frontCenter: "FC"
    case .lowFrequency: "LFE"
    case .rearLeft: "RL"
    case .rearRight: "RR"
    case .sideLeft: "SL"
    case .sideRight: "SR"
    }
  }

  public init?(name: String) {
    guard let label = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = label
  }
}

/// Up to eight labelled channels in order. A trivial value, so render code may carry it.
@frozen
public struct ChannelLayout: Hashable, Sendable {
  /// One label a byte, first channel lowest.
  @usableFromInline var packed: UInt64
  public let count: Int

  public static let limit = 8

  /// Nil for no channels, too many, or a position named twice.
  public init?(_ labels: [ChannelLabel]) {
    guard (1...Self.limit).contains(labels.count), Set(labels).count == labels.count else { return nil }
    packed = 0
    count = labels.count
    for (index, label) in labels.enumerated() { packed |= UInt64(label.rawValue) << (8 * UInt64(index)) }
  }

  /// The layouts game streams use, in the order FL FR FC LFE RL RR SL SR. Nil unless 1, 2, 6 or 8.
  public init?(channels: Int) {
    switch channels {
    case 1: self = .mono
    case 2: self = .stereo
    case 6: self = .surround51
    case 8: self = .surround71
    default: return nil
    }
  }

  /// Thread: render.
  @_noLocks @inlinable public static func == (a: Self, b: Self) -> Bool { a.packed == b.packed && a.count == b.count }

  public subscript(index: Int) -> ChannelLabel {
    precondition(index >= 0 && index < count)
    return ChannelLabel(rawValue: UInt8(truncatingIfNeeded: packed >> (8 * UInt64(index)))).unsafelyUnwrapped
  }

  public func index(of label: ChannelLabel) -> Int? {
    var index = 0
    while index < count {
      if self[index] == label { return index }
      index += 1
    }
    return nil
  }

  public var labels: [ChannelLabel] { (0..<count).map { self[$0] } }
  public var names: [String] { labels.map(\.name) }

  public static let mono = ChannelLayout([.mono])!
  public static let stereo = ChannelLayout([.frontLeft, .frontRight])!
  public static let surround51 = ChannelLayout([
    .frontLeft, .frontRight, .frontCenter, .lowFrequency, .rearLeft, .rearRight,
  ])!
  public static let surround71 = ChannelLayout([
    .frontLeft, .frontRight, .frontCenter, .lowFrequency, .rearLeft, .rearRight, .sideLeft, .sideRight,
  ])!
}

/// Rate and channels of a stream of 32-bit floats.
@frozen
public struct StreamFormat: Hashable, Sendable {
  public var rate: SampleRate
  public var layout: ChannelLayout

  @_noLocks @inlinable public init(rate: SampleRate, layout: ChannelLayout) {
    self.rate = rate
    self.layout = layout
  }
}
