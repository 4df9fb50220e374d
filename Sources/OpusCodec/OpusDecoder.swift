public import AudioCore
import COpus
import COpusSystem

/// A multistream Opus decoder that owns its state. A packet it cannot read is an error, never the end of it.
/// Thread: any one at a time.
public struct OpusDecoder: ~Copyable, @unchecked Sendable {
  public let configuration: OpusConfiguration
  private let state: OpaquePointer

  /// Longest audio one packet may hold.
  public static let packetLimit: FrameCount = 5760

  public init(_ configuration: OpusConfiguration) throws(OpusError) {
    state = try Self.make(configuration)
    self.configuration = configuration
  }

  deinit { opus_multistream_decoder_destroy(state) }

  /// Decodes one packet into interleaved PCM in layout order. Returns its frames.
  public mutating func decode(
    _ packet: UnsafeBufferPointer<UInt8>, into pcm: UnsafeMutablePointer<Float>, capacity: FrameCount
  ) throws(OpusError) -> FrameCount {
    guard let base = packet.baseAddress, packet.count > 0 else { throw .corruptPacket }
    return try run(base, packet.count, pcm, capacity, recovering: false)
  }

  /// Makes up sound for a packet that will not come. Must be a multiple of 2.5 ms.
  public mutating func conceal(
    _ frames: FrameCount, into pcm: UnsafeMutablePointer<Float>
  ) throws(OpusError) -> FrameCount {
    try run(nil, 0, pcm, frames, recovering: false)
  }

  /// Makes up sound for a lost packet from the copy that the packet after it may carry; conceals when there is none.
  /// `frames` must be the lost duration. The next packet is to be decoded afterwards as usual.
  public mutating func recover(
    from next: UnsafeBufferPointer<UInt8>, frames: FrameCount, into pcm: UnsafeMutablePointer<Float>
  ) throws(OpusError) -> FrameCount {
    guard let base = next.baseAddress, next.count > 0 else { throw .corruptPacket }
    return try run(base, next.count, pcm, frames, recovering: true)
  }

  public mutating func reset() { _ = copus_decoder_reset(state) }

  private static func make(_ configuration: OpusConfiguration) throws(OpusError) -> OpaquePointer {
    try configuration.validate()
    var error: Int32 = 0
    let made = opus_multistream_decoder_create(
      48_000, Int32(configuration.layout.count), Int32(configuration.streams), Int32(configuration.coupled),
      configuration.mapping, &error)
    guard let made, error == OPUS_OK else { throw .library(error) }
    return made
  }

  private func run(
    _ packet: UnsafePointer<UInt8>?, _ length: Int, _ pcm: UnsafeMutablePointer<Float>, _ frames: FrameCount,
    recovering: Bool
  ) throws(OpusError) -> FrameCount {
    guard frames.value >= FrameDuration.ms2_5.rawValue else {
      throw .bufferTooSmall(needed: FrameDuration.ms2_5.rawValue)
    }
    let made = opus_multistream_decode_float(
      state, packet, Int32(clamping: length), pcm, Int32(min(frames.value, Self.packetLimit.value)),
      recovering ? 1 : 0)
    switch made {
    case 1...: return FrameCount(Int(made))
    case Int32(OPUS_INVALID_PACKET), 0: throw .corruptPacket
    case Int32(OPUS_BUFFER_TOO_SMALL): throw .bufferTooSmall(needed: Self.packetLimit.value)
    default: throw .library(made)
    }
  }
}

/// Facts that the first bytes of a packet tell without decoding it.
public enum OpusPacket {
  /// The audio a packet holds. Nil for bytes that are no Opus packet.
  public static func frames(of packet: UnsafeBufferPointer<UInt8>) -> FrameCount? {
    guard let base = packet.baseAddress, packet.count > 0 else { return nil }
    let frames = opus_packet_get_nb_samples(base, Int32(clamping: packet.count), 48_000)
    return frames > 0 ? FrameCount(Int(frames)) : nil
  }
}
