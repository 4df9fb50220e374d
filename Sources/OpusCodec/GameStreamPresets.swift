import AudioCore

/// The configurations GameStream clients know. All are 5 ms, constant bitrate, low delay.
extension OpusConfiguration {
  public static let mono = standard(layout: .mono, bitrate: 64_000)

  public static let gameStreamStereo = standard(layout: .stereo, bitrate: 96_000)
  public static let gameStreamStereoHigh = standard(layout: .stereo, bitrate: 512_000)

  /// As the common hosts code it: coded channels in layout order, which couples FC with LFE.
  public static let gameStreamSurround51 = identity(.surround51, streams: 4, bitrate: 256_000)
  public static let gameStreamSurround51High = identity(.surround51, streams: 6, bitrate: 1_536_000)
  public static let gameStreamSurround71 = identity(.surround71, streams: 5, bitrate: 450_000)
  public static let gameStreamSurround71High = identity(.surround71, streams: 8, bitrate: 2_048_000)

  /// Same sizes, partners coupled: mapping 0 1 4 5 2 3 and 0 1 6 7 2 3 4 5.
  public static let gameStreamSurround51Paired = standard(layout: .surround51, bitrate: 256_000)
  public static let gameStreamSurround71Paired = standard(layout: .surround71, bitrate: 450_000)

  private static func identity(_ layout: ChannelLayout, streams: Int, bitrate: Int) -> Self {
    Self(
      layout: layout, streams: streams, coupled: layout.count - streams,
      mapping: (0..<layout.count).map { UInt8($0) }, bitrate: bitrate)
  }
}
