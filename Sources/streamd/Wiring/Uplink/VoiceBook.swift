import AudioCore
import Synchronization
import VirtualMic

/// What every talker's voice reports of itself, to be read from any thread.
final class VoiceBook: Sendable {
  private let reports = Mutex<[TalkerID: PlayoutReport]>([:])
  private let channels = Mutex<[TalkerID: Int]>([:])

  func expect(_ talker: TalkerID, channels: Int) { self.channels.withLock { $0[talker] = channels } }

  func forget(_ talker: TalkerID) {
    channels.withLock { $0[talker] = nil }
    reports.withLock { $0[talker] = nil }
  }

  /// Thread: the pump's.
  func makeVoice(for talker: TalkerID) -> any TalkerVoice {
    ReportedVoice(TalkerPlayout(channels: channels.withLock { $0[talker] } ?? 1)) { [weak self] report in
      self?.reports.withLock { $0[talker] = report }
    }
  }

  subscript(talker: TalkerID) -> PlayoutReport? { reports.withLock { $0[talker] } }
}

/// Thread: the pump's.
private final class ReportedVoice: TalkerVoice {
  private let playout: TalkerPlayout
  private let publish: (PlayoutReport) -> Void

  init(_ playout: TalkerPlayout, publish: @escaping (PlayoutReport) -> Void) {
    self.playout = playout
    self.publish = publish
  }

  var channels: Int { playout.channels }
  var garbage: UInt64 { playout.garbage }

  func insert(_ frame: MicFrame, at arrival: HostTime) { playout.insert(frame, at: arrival) }

  func step(at now: HostTime, into push: (UnsafeBufferPointer<Float>) -> Void) -> HostTime? {
    let due = playout.step(at: now, into: push)
    publish(playout.report)
    return due
  }
}
