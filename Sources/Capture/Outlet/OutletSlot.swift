public import AudioCore
import Synchronization

/// A client's place at an encoder, and its way to another one: it leaves and joins only where a block begins, so that what
/// is protected together stays of one kind. Numbers go on; only the encoder changes.
public final class OutletSlot: Sendable {
  public let outlet: any PacketOutlet
  private let frame: FrameCount
  private let state: Mutex<State>

  private struct State {
    /// Encoder that is listened to, and the one that takes over.
    var current: Int?
    var next: Int?
    /// When the next packet's first frame is due, if packets follow each other.
    var due: HostTime?
  }

  public init(_ outlet: any PacketOutlet, frame: FrameCount) {
    self.outlet = outlet
    self.frame = frame
    state = Mutex(State())
  }

  /// From the next block on, packets of this encoder count. Thread: control.
  public func follow(_ encoder: Int) { state.withLock { $0.next = encoder } }

  /// True once nothing of another encoder is listened to any more. Thread: any.
  public func follows(_ encoder: Int) -> Bool { state.withLock { $0.current == encoder && $0.next == nil } }

  /// Thread: that encoder's.
  func deliver(_ payload: UnsafeRawBufferPointer?, _ facts: Reframer.Facts, from encoder: Int) {
    let skipped: FrameCount? = state.withLock { state in
      let isJoining = state.next == encoder && state.current != encoder
      if state.current == encoder, state.next == encoder { state.next = nil }
      if state.current == encoder, state.next != nil, outlet.phase == 0 {
        // The block is complete: the other encoder's begins when it comes.
        state.current = nil
        return nil
      }
      guard state.current == encoder || (isJoining && canJoin(state, facts)) else { return nil }
      var skipped = facts.skipped
      if isJoining {
        skipped = gap(since: state.due, until: facts.captureTime)
        state.current = encoder
        state.next = nil
      }
      state.due = facts.captureTime + frame.duration(at: .codec)
      return skipped
    }
    guard let skipped else { return }
    outlet.deliver(payload, skipped: skipped, capturedAt: facts.captureTime)
  }

  private func canJoin(_ state: borrowing State, _ facts: Reframer.Facts) -> Bool {
    state.current == nil && outlet.phase == 0 && outlet.isReady
      && facts.position % Int64(frame.value * outlet.block) == 0
  }

  /// Whole blocks between two packets of different encoders.
  private func gap(since due: HostTime?, until time: HostTime) -> FrameCount {
    guard let due, time > due else { return 0 }
    let block = frame.value * outlet.block
    return FrameCount(SampleRate.codec.frames(in: time - due).value / block * block)
  }
}
