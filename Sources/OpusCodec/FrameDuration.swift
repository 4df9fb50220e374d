public import AudioCore

/// How long one Opus frame lasts. The raw value is its length at 48 kHz.
public enum FrameDuration: Int, CaseIterable, Hashable, Sendable {
  // swift-format-ignore: AlwaysUseLowerCamelCase
  case ms2_5 = 120
  case ms5 = 240
  case ms10 = 480
  case ms20 = 960

  public var frames: FrameCount { FrameCount(rawValue) }
  public var duration: HostDuration { frames.duration(at: .codec) }

  public init?(frames: FrameCount) { self.init(rawValue: frames.value) }

  /// The duration of this many microseconds: 2500, 5000, 10000 or 20000.
  public init?(microseconds: Int) {
    guard microseconds > 0, microseconds <= 20_000, microseconds % 2500 == 0 else { return nil }
    self.init(rawValue: microseconds * 48 / 1000)
  }
}
