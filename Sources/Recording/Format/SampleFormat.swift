public import AudioCore

/// How a recording keeps its samples: little-endian, the channels of a frame one behind the other.
public enum SampleFormat: UInt32, Sendable, CaseIterable {
  case float32 = 1
  case integer16
  /// Three bytes a sample.
  case integer24
  case integer32

  public var name: String {
    switch self {
    case .float32: "f32"
    case .integer16: "s16"
    case .integer24: "s24"
    case .integer32: "s32"
    }
  }

  public init?(name: String) {
    guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  public var bytes: Int {
    switch self {
    case .integer16: 2
    case .integer24: 3
    case .float32, .integer32: 4
    }
  }
}

/// What is recorded, in all that a reader must know of the samples.
public struct RecordingFormat: Sendable, Hashable {
  public var rate: SampleRate
  public var layout: ChannelLayout
  public var samples: SampleFormat

  public init(rate: SampleRate, layout: ChannelLayout, samples: SampleFormat) {
    self.rate = rate
    self.layout = layout
    self.samples = samples
  }

  public var frameBytes: Int { layout.count * samples.bytes }
  public var bytesPerSecond: Int { frameBytes * rate.hertz }

  public static let rates = 8000...384_000

  /// How long so many frames last.
  func nanoseconds(_ frames: Int) -> Int64 {
    let (seconds, rest) = frames.quotientAndRemainder(dividingBy: rate.hertz)
    return Int64(seconds) * 1_000_000_000 + Int64(rest) * 1_000_000_000 / Int64(rate.hertz)
  }

  /// The nearest whole number of frames in a time, which may be negative.
  func frames(_ nanoseconds: Int64) -> Int {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    let half: Int64 = rest < 0 ? -500_000_000 : 500_000_000
    return Int(seconds) * rate.hertz + Int((rest * Int64(rate.hertz) + half) / 1_000_000_000)
  }
}

extension ChannelLayout {
  /// The usual order of so many channels.
  public static func usual(_ count: Int) -> ChannelLayout? {
    if let known = ChannelLayout(channels: count) { return known }
    switch count {
    case 3: return ChannelLayout([.frontLeft, .frontRight, .frontCenter])
    case 4: return ChannelLayout([.frontLeft, .frontRight, .rearLeft, .rearRight])
    case 5: return ChannelLayout([.frontLeft, .frontRight, .frontCenter, .rearLeft, .rearRight])
    case 7: return ChannelLayout([.frontLeft, .frontRight, .frontCenter, .rearLeft, .rearRight, .sideLeft, .sideRight])
    default: return nil
    }
  }
}
