import Control
internal import Glibc
import WebAccess

/// One request and what becomes of it. Thread: the server's.
@safe final class Exchange {
  enum Stage {
    case receiving
    /// For the daemon; the connection sleeps meanwhile.
    case waiting
    case ready(Answer)
    case streaming(EventStream)
    case answered
  }

  let connection: OpaquePointer
  let head: RequestHead
  let verdict: Gate.Verdict
  var stage = Stage.receiving
  var body: [UInt8] = []
  /// Of a body that nobody announced to be so long.
  var excess = 0
  var isSuspended = false
  /// What the daemon was asked and has not answered.
  var asked: Set<Int> = []
  var replies: [String: Result<JSON, ControlError>] = [:]
  /// What makes an answer of all replies.
  var conclude: (([String: Result<JSON, ControlError>]) -> Answer)?
  var since: Int

  init(_ connection: OpaquePointer, _ head: RequestHead, _ verdict: Gate.Verdict, at now: Int) {
    unsafe self.connection = connection
    (self.head, self.verdict, since) = (head, verdict, now)
  }
}

/// Seconds of the clock that never jumps.
func monotonicSeconds() -> Int {
  var time = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return time.tv_sec
}

/// Seconds since 1970, for what people are told of.
func calendarSeconds() -> Int {
  var time = timespec()
  unsafe clock_gettime(CLOCK_REALTIME, &time)
  return time.tv_sec
}
