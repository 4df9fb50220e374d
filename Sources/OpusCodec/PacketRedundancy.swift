import AudioCore
import COpusSystem

extension OpusPacket {
  /// Whether a packet carries a low-bitrate copy of the packet before it. Nil for bytes that are no Opus packet.
  ///
  /// The decoder recovers from any packet without saying whether it found a copy or made something up; the flag stands in
  /// the first byte of the first frame, after one voice flag per 20 ms. Only speech modes have it.
  public static func hasCopyOfPrevious(_ packet: UnsafeBufferPointer<UInt8>) -> Bool? {
    guard let base = packet.baseAddress, let first = packet.first else { return nil }
    // Configurations from 16 on are CELT alone.
    guard first >> 3 < 16 else { return false }
    var frames = [UnsafePointer<UInt8>?](repeating: nil, count: 48)
    var sizes = [opus_int16](repeating: 0, count: 48)
    guard opus_packet_parse(base, Int32(clamping: packet.count), nil, &frames, &sizes, nil) > 0 else { return nil }
    guard let frame = frames[0], sizes[0] > 0 else { return false }
    let milliseconds = Int(opus_packet_get_samples_per_frame(base, 48_000)) / 48
    let voiceFlags = max(milliseconds / 20, 1)
    let isStereo = first & 4 != 0
    let middle = frame.pointee & (0x80 >> UInt8(voiceFlags)) != 0
    let side = isStereo && frame.pointee & (0x80 >> UInt8(2 * voiceFlags + 1)) != 0
    return middle || side
  }
}
