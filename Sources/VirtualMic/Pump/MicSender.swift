public import AudioCore

/// The way into the pump. A copy is another sender; when the last copy is gone the queue closes.
/// Thread: any, many at a time.
public struct MicSender: Sendable {
  public enum Answer: Hashable, Sendable {
    case taken
    /// The queue is full: this frame is lost, the next may not be.
    case full
    /// The pump has ended.
    case closed
  }

  private let hold: Hold

  init(_ queue: FrameQueue) { hold = Hold(queue) }

  /// Hands a frame to the pump. Never waits: what does not fit is dropped.
  @discardableResult
  public func offer(_ frame: MicFrame, of talker: TalkerID, at arrival: HostTime) -> Answer {
    hold.queue.put(FrameQueue.Entry(talker: talker, frame: frame, arrival: arrival))
  }

  /// Shared by all copies, so its end is the end of the last one.
  private final class Hold: Sendable {
    let queue: FrameQueue
    init(_ queue: FrameQueue) { self.queue = queue }
    deinit { queue.close() }
  }
}
