public import AudioCore

/// Everything that decides what an Opus packet of a stream looks like. A value: equal configurations make packets that
/// the same decoder understands.
public struct OpusConfiguration: Hashable, Sendable {
  /// What libopus tunes itself for. Low delay is pure CELT: 2.5 ms look-ahead instead of 6.5 ms.
  public enum Application: String, Hashable, Sendable, CaseIterable {
    case lowDelay, audio, voip
  }

  /// Order of the PCM that is fed and that comes back.
  public var layout: ChannelLayout
  /// Elementary Opus streams in a packet; the first `coupled` of them are stereo, the others mono.
  public var streams: Int
  public var coupled: Int
  /// For each channel of `layout` the coded channel that carries it: 2s and 2s+1 are the left and right of coupled
  /// stream s, the mono streams follow.
  public var mapping: [UInt8]
  /// Bits per second over all streams.
  public var bitrate: Int
  public var frame: FrameDuration
  /// 0…10: CPU for quality. 9 is the library's own choice.
  public var complexity: Int
  /// Variable bitrate. Game streams must not use it: their error correction needs packets of one size.
  public var variableBitrate: Bool
  public var application: Application
  /// Whether joint stereo may code a band of the right channel as the inverse of the left. Without it sound out of phase
  /// loses its low bands at 5 ms, at any bitrate. With it a decoder that ignores it, as GStreamer's `opusdec` does unless
  /// told `phase-inversion=true`, flips the right channel's bands frame by frame.
  public var phaseInversion: Bool
  /// Packets in a hundred that are expected to be lost. Above 0 the speech modes carry a poorer copy of the frame before,
  /// from which a lost one is recovered (in-band FEC).
  public var expectedLoss: Int
  /// Whether silence may become packets of at most two bytes that need not be sent (DTX). At variable bitrate only.
  public var discontinuous: Bool

  public init(
    layout: ChannelLayout, streams: Int, coupled: Int, mapping: [UInt8], bitrate: Int, frame: FrameDuration = .ms5,
    complexity: Int = 9, variableBitrate: Bool = false, application: Application = .lowDelay,
    phaseInversion: Bool = true, expectedLoss: Int = 0, discontinuous: Bool = false
  ) {
    self.layout = layout
    self.streams = streams
    self.coupled = coupled
    self.mapping = mapping
    self.bitrate = bitrate
    self.frame = frame
    self.complexity = complexity
    self.variableBitrate = variableBitrate
    self.application = application
    self.phaseInversion = phaseInversion
    self.expectedLoss = expectedLoss
    self.discontinuous = discontinuous
  }

  /// Left and right partners share a coupled stream, the other channels get mono streams: what belongs together is
  /// coded together. Works for every layout.
  public static func standard(layout: ChannelLayout, bitrate: Int, frame: FrameDuration = .ms5) -> Self {
    let pairs: [(ChannelLabel, ChannelLabel)] = [
      (.frontLeft, .frontRight), (.rearLeft, .rearRight), (.sideLeft, .sideRight),
    ]
    var mapping = [UInt8](repeating: 0, count: layout.count)
    var paired = Set<Int>()
    var coupled = 0
    for (left, right) in pairs {
      guard let l = layout.index(of: left), let r = layout.index(of: right) else { continue }
      mapping[l] = UInt8(2 * coupled)
      mapping[r] = UInt8(2 * coupled + 1)
      paired.formUnion([l, r])
      coupled += 1
    }
    var next = UInt8(2 * coupled)
    for index in 0..<layout.count where !paired.contains(index) {
      mapping[index] = next
      next += 1
    }
    return Self(
      layout: layout, streams: layout.count - coupled, coupled: coupled, mapping: mapping, bitrate: bitrate,
      frame: frame)
  }

  /// Bytes of a packet at constant bitrate; an upper bound that fits any packet at variable bitrate.
  public var packetBytes: Int {
    variableBitrate ? streams * (Self.streamPacketLimit + 2) : bitrate * frame.rawValue / (8 * 48_000)
  }

  /// Samples of one interleaved frame.
  public var samplesPerFrame: Int { frame.rawValue * layout.count }

  /// Largest elementary frame of the format.
  static let streamPacketLimit = 1275

  /// The bitrates that make sense for this shape: at least six bytes a channel in every frame and 6 kb/s, at most
  /// 256 kb/s a channel and what the largest elementary frame carries.
  public var bitrateRange: ClosedRange<Int> {
    let perSecond = 48_000 / frame.rawValue
    let lower = max(6_000, 6 * 8 * perSecond) * layout.count
    let upper = min(256_000 * layout.count, Self.streamPacketLimit * 8 * perSecond * max(streams, 1))
    return lower...max(lower, upper)
  }

  /// Throws what is wrong first. Encoder and decoder call it; so may whoever takes settings from a user.
  public func validate() throws(OpusError) {
    let channels = layout.count
    guard (1...channels).contains(streams) else {
      throw .badConfiguration(field: .streams, allowed: "1 to \(channels)")
    }
    guard (0...streams).contains(coupled), streams + coupled == channels else {
      throw .badConfiguration(field: .coupled, allowed: "\(channels) channels less the streams")
    }
    guard mapping.count == channels, Set(mapping) == Set((0..<channels).map { UInt8($0) }) else {
      throw .badConfiguration(field: .mapping, allowed: "each of 0 to \(channels - 1) once")
    }
    guard bitrateRange.contains(bitrate) else {
      throw .badConfiguration(
        field: .bitrate, allowed: "\(bitrateRange.lowerBound) to \(bitrateRange.upperBound) bits per second")
    }
    guard (0...10).contains(complexity) else { throw .badConfiguration(field: .complexity, allowed: "0 to 10") }
    guard (0...100).contains(expectedLoss) else {
      throw .badConfiguration(field: .expectedLoss, allowed: "0 to 100 percent")
    }
    guard !discontinuous || variableBitrate else {
      throw .badConfiguration(field: .discontinuous, allowed: "at variable bitrate only")
    }
  }
}
