import AudioCore

/// Media time at 48 kHz out of GameStream's milliseconds.
///
/// A millisecond is too coarse: rounded stamps would make holes and overlaps of a few samples at every packet. So packets
/// that follow each other lie end to end, and the clients' time only says how long a pause was.
struct MillisecondTimeline: Hashable, Sendable {
  private struct Packet: Hashable {
    var sequence: UInt16
    var milliseconds: UInt32
    var time: UInt32
    var frames: Int32

    /// A stamp may be this far off from packet to packet: less than the shortest pause, which is one packet.
    var tolerance: Int32 { min(frames * 3 / 4, 720) }
  }

  private var last: Packet?

  /// Media time of a packet's first frame; wraps.
  mutating func time(sequence: UInt16, milliseconds: UInt32, frames: FrameCount) -> UInt32 {
    var packet = Packet(
      sequence: sequence, milliseconds: milliseconds, time: milliseconds &* 48, frames: Int32(frames.value))
    guard let last else {
      last = packet
      return packet.time
    }
    let steps = Int32(Int16(bitPattern: sequence &- last.sequence))
    let expected = steps * last.frames
    let stated = Int32(bitPattern: (milliseconds &- last.milliseconds) &* 48)
    let isNear = (-last.tolerance...last.tolerance).contains(stated &- expected)
    packet.time = last.time &+ UInt32(bitPattern: isNear ? expected : stated)
    if steps > 0 { self.last = packet }
    return packet.time
  }
}
