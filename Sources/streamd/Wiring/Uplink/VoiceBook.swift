import AudioCore
import Synchronization
import VirtualMic

/// What every talker's voice reports of itself, to be read from any thread.
final class VoiceBook: Sendable {
  private let reports = Mutex<[TalkerID: PlayoutReport]>([:])
  private let channels = Mutex<[TalkerID: Int]>([:])
  private let gauges = Mutex<[TalkerID: LevelGauge]>([:])
  private let taps = Mutex<[TalkerID: HopTap]>([:])

  func expect(_ talker: TalkerID, channels: Int) {
    self.channels.withLock { $0[talker] = channels }
    gauges.withLock { $0[talker] = LevelGauge() }
    taps.withLock { $0[talker] = HopTap() }
  }

  func forget(_ talker: TalkerID) {
    channels.withLock { $0[talker] = nil }
    reports.withLock { $0[talker] = nil }
    gauges.withLock { $0[talker] = nil }
    taps.withLock { $0[talker] = nil }
  }

  /// Thread: the pump's.
  func makeVoice(for talker: TalkerID) -> any TalkerVoice {
    let playout = TalkerPlayout(channels: channels.withLock { $0[talker] } ?? 1)
    return ReportedVoice(playout, gauge: gauge(of: talker), tap: tap(of: talker)) { [weak self] report in
      self?.reports.withLock { $0[talker] = report }
    }
  }

  /// How loud a talker is, whatever voices it has had.
  func gauge(of talker: TalkerID) -> LevelGauge? { gauges.withLock { $0[talker] } }

  /// What a talker's voices sound like before they are brought to a source's clock.
  func tap(of talker: TalkerID) -> HopTap? { taps.withLock { $0[talker] } }

  func channels(of talker: TalkerID) -> Int? { channels.withLock { $0[talker] } }

  subscript(talker: TalkerID) -> PlayoutReport? { reports.withLock { $0[talker] } }
}

/// Thread: the pump's.
private final class ReportedVoice: TalkerVoice {
  private let playout: TalkerPlayout
  private let gauge: LevelGauge?
  private let tap: HopTap?
  private var position: Int64 = 0
  private let publish: (PlayoutReport) -> Void

  init(
    _ playout: TalkerPlayout, gauge: LevelGauge?, tap: HopTap?, publish: @escaping (PlayoutReport) -> Void
  ) {
    self.playout = playout
    self.tap = tap
    self.gauge = gauge
    self.publish = publish
  }

  var channels: Int { playout.channels }
  var garbage: UInt64 { playout.garbage }

  func insert(_ frame: MicFrame, at arrival: HostTime) { playout.insert(frame, at: arrival) }

  func step(at now: HostTime, into push: (UnsafeBufferPointer<Float>) -> Void) -> HostTime? {
    let due = playout.step(at: now) { sound in
      if let start = sound.baseAddress {
        let frames = FrameCount(sound.count / channels)
        gauge?.face.measure(interleaved: start, channels: channels, frames: frames.value)
        tap?.pass(start, channels == 1 ? .mono : .stereo, frames: frames, time: now, position: position)
        position += Int64(frames.value)
      }
      push(sound)
    }
    publish(playout.report)
    return due
  }
}
