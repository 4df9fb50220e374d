public import AudioCore
import COpus
import COpusSystem

/// A multistream Opus encoder that owns its state. One frame in, one packet out.
///
/// The packet is always full band and, unless asked for, never shortened by silence, so that its first byte and, at
/// constant bitrate, its size stay the same for the whole stream.
/// Thread: any one at a time; nothing in it allocates or waits once made.
public struct OpusEncoder: ~Copyable, @unchecked Sendable {
  public private(set) var configuration: OpusConfiguration
  private let state: OpaquePointer

  public init(_ configuration: OpusConfiguration) throws(OpusError) {
    state = try Self.make(configuration)
    self.configuration = configuration
  }

  deinit { opus_multistream_encoder_destroy(state) }

  /// Encodes exactly one frame, interleaved in layout order. Returns the packet's length.
  public mutating func encode(
    _ interleaved: UnsafePointer<Float>, into packet: UnsafeMutableBufferPointer<UInt8>
  ) throws(OpusError) -> Int {
    // At constant bitrate the library would silently make a smaller, worse packet.
    guard let base = packet.baseAddress, packet.count >= configuration.packetBytes else {
      throw .bufferTooSmall(needed: configuration.packetBytes)
    }
    let length = opus_multistream_encode_float(
      state, interleaved, Int32(configuration.frame.rawValue), base, Int32(clamping: packet.count))
    guard length > 0 else { throw .library(length) }
    return Int(length)
  }

  /// The same for PCM of unproven length.
  public mutating func encode(
    _ interleaved: UnsafeBufferPointer<Float>, into packet: UnsafeMutableBufferPointer<UInt8>
  ) throws(OpusError) -> Int {
    guard let base = interleaved.baseAddress, interleaved.count == configuration.samplesPerFrame else {
      throw .wrongFrameLength(expected: configuration.samplesPerFrame, got: interleaved.count)
    }
    return try encode(base, into: packet)
  }

  /// From the next packet on.
  public mutating func setBitrate(_ bitrate: Int) throws(OpusError) {
    var next = configuration
    next.bitrate = bitrate
    try next.validate()
    let result = copus_encoder_set(state, OPUS_SET_BITRATE_REQUEST, Int32(bitrate))
    guard result == OPUS_OK else { throw .library(result) }
    configuration = next
  }

  /// Forgets the past: the next frame is coded as if it were the first.
  public mutating func reset() { _ = copus_encoder_reset(state) }

  /// Frames by which the decoded sound lags the sound that was fed, beyond the frame itself.
  public var lookahead: FrameCount {
    var value: Int32 = 0
    _ = copus_encoder_get(state, OPUS_GET_LOOKAHEAD_REQUEST, &value)
    return FrameCount(Int(value))
  }
}

extension OpusEncoder {
  fileprivate static func make(_ configuration: OpusConfiguration) throws(OpusError) -> OpaquePointer {
    try configuration.validate()
    var error: Int32 = 0
    let made = opus_multistream_encoder_create(
      48_000, Int32(configuration.layout.count), Int32(configuration.streams), Int32(configuration.coupled),
      configuration.mapping, configuration.application.number, &error)
    guard let made, error == OPUS_OK else { throw .library(error) }
    let settings: [(Int32, Int32)] = [
      (OPUS_SET_BITRATE_REQUEST, Int32(configuration.bitrate)),
      (OPUS_SET_VBR_REQUEST, configuration.variableBitrate ? 1 : 0),
      (OPUS_SET_COMPLEXITY_REQUEST, Int32(configuration.complexity)),
      (OPUS_SET_BANDWIDTH_REQUEST, OPUS_BANDWIDTH_FULLBAND),
      (OPUS_SET_PHASE_INVERSION_DISABLED_REQUEST, configuration.phaseInversion ? 0 : 1),
      (OPUS_SET_DTX_REQUEST, configuration.discontinuous ? 1 : 0),
      (OPUS_SET_INBAND_FEC_REQUEST, configuration.expectedLoss > 0 ? 1 : 0),
      (OPUS_SET_PACKET_LOSS_PERC_REQUEST, Int32(configuration.expectedLoss)),
    ]
    for (request, value) in settings {
      let result = copus_encoder_set(made, request, value)
      guard result == OPUS_OK else {
        opus_multistream_encoder_destroy(made)
        throw .library(result)
      }
    }
    return made
  }
}

extension OpusConfiguration.Application {
  var number: Int32 {
    switch self {
    case .lowDelay: OPUS_APPLICATION_RESTRICTED_LOWDELAY
    case .audio: OPUS_APPLICATION_AUDIO
    case .voip: OPUS_APPLICATION_VOIP
    }
  }
}
