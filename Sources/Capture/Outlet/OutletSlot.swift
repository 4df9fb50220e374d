public import AudioCore
import Synchronization

/// A client's place at an encoder, and its way to another one: it leaves and joins only where a block begins, so that what
/// is protected together stays of one kind. Numbers go on; only the encoder changes. An encoder is left only once the other
/// delivers.
public final class OutletSlot: Sendable {
  public let outlet: any PacketOutlet
  /// What its encoders are given for it.
  public let tap = HopTap()
  private let frame: FrameCount
  private let state: Mutex<State>

  private struct State {
    /// Encoder that is listened to, and the one that takes over.
    var current: Int?
    var next: Int?
    /// The one that takes over has come so far as to deliver. Until then the other is listened to.
    var isNextThere = false
    /// When the next packet's first frame is due, if packets follow each other.
    var due: HostTime?
    /// Frames that passed at changes and were not skipped.
    var owed = 0
  }

  public init(_ outlet: any PacketOutlet, frame: FrameCount) {
    self.outlet = outlet
    self.frame = frame
    state = Mutex(State())
  }

  /// From the next block on, packets of this encoder count. Thread: control.
  public func follow(_ encoder: Int) {
    state.withLock { state in
      if state.next != encoder { state.isNextThere = false }
      state.next = encoder
    }
  }

  /// True once nothing of another encoder is listened to any more. Thread: any.
  public func follows(_ encoder: Int) -> Bool { state.withLock { $0.current == encoder && $0.next == nil } }

  /// A frame as an encoder is given it, interleaved.
  struct Sound {
    let samples: UnsafePointer<Float>
    let layout: ChannelLayout
  }

  /// `sound` is what `payload` was made of. Thread: that encoder's.
  func deliver(
    _ payload: UnsafeRawBufferPointer?, _ facts: Reframer.Facts, of sound: Sound? = nil, from encoder: Int
  ) {
    var hasJoined = false
    let skipped: FrameCount? = state.withLock { state in
      let isJoining = state.next == encoder && state.current != encoder
      if state.current == encoder, state.next == encoder { state.next = nil }
      if isJoining { state.isNextThere = true }
      if state.current == encoder, state.next != nil, state.isNextThere, outlet.phase == 0 {
        // The block is complete: the other encoder's begins when it comes.
        state.current = nil
        return nil
      }
      guard state.current == encoder || (isJoining && canJoin(state, facts)) else { return nil }
      var skipped = facts.skipped
      if isJoining {
        skipped = gap(&state, until: facts.captureTime)
        state.current = encoder
        state.next = nil
        hasJoined = true
      }
      state.due = facts.captureTime + frame.duration(at: .codec)
      return skipped
    }
    guard let skipped else { return }
    if let sound {
      tap.pass(
        sound.samples, sound.layout, frames: frame, time: facts.captureTime, position: facts.position,
        flags: hasJoined ? .discontinuity : .none)
    }
    outlet.deliver(payload, skipped: skipped, capturedAt: facts.captureTime)
  }

  private func canJoin(_ state: borrowing State, _ facts: Reframer.Facts) -> Bool {
    let due = state.due
    return state.current == nil && outlet.phase == 0 && outlet.isReady
      && facts.position % Int64(frame.value * outlet.block) == 0 && !overlaps(due, facts.captureTime)
  }

  /// The other encoder has sent this already: its capture was ahead. A clock that is far behind is another clock.
  private func overlaps(_ due: HostTime?, _ time: HostTime) -> Bool {
    guard let due else { return false }
    let ahead = due - time
    return ahead > frame.duration(at: .codec) / 2 && ahead < Self.anotherClock
  }

  /// Whole blocks between two packets of different encoders, to the nearest; what is left over is owed to the next change,
  /// so that many of them add up to nothing.
  private func gap(_ state: inout State, until time: HostTime) -> FrameCount {
    guard let due = state.due, due - time < Self.anotherClock else { return 0 }
    let block = frame.value * outlet.block
    let passed = SampleRate.codec.frames(in: time - due).value + state.owed
    let blocks = max(passed + (block - 1) / 2, 0) / block
    state.owed = passed - blocks * block
    return FrameCount(blocks * block)
  }

  private static let anotherClock = HostDuration.milliseconds(200)
}
