import AudioCore
import AudioIO

/// One device by name: keeps it open as `PumpPolicy` says, and says what happened.
/// Thread: the pump's.
final class Mouth {
  let id: MicDeviceID
  let audience: MicAudience
  private(set) var device: OpenDevice?
  private(set) var report: MicReport.Device

  private let opener: MicOpener
  private let tuning: PumpTuning
  private var policy: PumpPolicy
  /// What the opener answered. It is judged in the next step, whose time is after the attempt.
  private var attempt: Result<any VirtualMicrophone, BackendError>?
  /// When the last device died, if that was told.
  private var toldDeath: HostTime?

  init(_ id: MicDeviceID, _ audience: MicAudience, tuning: PumpTuning, start: HostTime, opener: @escaping MicOpener) {
    (self.id, self.audience, self.tuning, self.opener) = (id, audience, tuning, opener)
    policy = PumpPolicy(tuning, start: start)
    report = MicReport.Device(id: id, condition: MicCondition(quietAfter: tuning.staleGap), isOpen: false)
  }

  /// When `settle` must be called again at the latest; nil is at once.
  var deadline: HostTime? { policy.deadline }

  func serverReturned(at now: HostTime) { policy.serverReturned(at: now) }

  func mute(_ muted: Bool) {
    if muted != report.condition.isMuted { report.condition.mute(muted) }
  }

  /// Judges the last attempt, asks a device that was quiet whether it lives, and opens when that is due.
  func settle(at now: HostTime, _ tell: (MicEvent) -> Void) {
    if let attempt {
      self.attempt = nil
      judge(attempt, at: now, tell)
    }
    // A device found dead may be due again at once.
    var due = policy.due(at: now)
    if due == .probe {
      if device?.isAlive == true { policy.lives(at: now) } else { bury(.heartbeat, at: now, tell) }
      due = policy.due(at: now)
    }
    if due == .open { open() }
  }

  func push(
    _ samples: UnsafeBufferPointer<Float>, channels: Int, of talker: TalkerID, at now: HostTime,
    _ tell: (MicEvent) -> Void
  ) {
    switch device?.push(samples, channels: channels, of: talker, at: now) {
    case nil: break
    case .taken:
      policy.lives(at: now)
      report.condition.sounded(at: now)
    case .crowded: report.crowded += 1
    case .dead: bury(.push, at: now, tell)
    }
  }

  /// What was opened is let go.
  func close() { (device, attempt, report.isOpen) = (nil, nil, false) }

  private func open() {
    do throws(BackendError) {
      let made = try opener()
      guard (1...2).contains(made.channels) else {
        throw BackendError(.unsupportedFormat, "a microphone has 1 or 2 channels, not \(made.channels)")
      }
      attempt = .success(made)
    } catch { attempt = .failure(error) }
  }

  private func judge(
    _ attempt: Result<any VirtualMicrophone, BackendError>, at now: HostTime, _ tell: (MicEvent) -> Void
  ) {
    switch attempt {
    case .success(let made):
      device = OpenDevice(made, since: now, staleGap: tuning.staleGap)
      policy.opened(at: now)
      report.condition.opened()
      (report.isOpen, report.opens) = (true, report.opens + 1)
      if report.opens == 1 { tell(.opened(id)) } else if let died = toldDeath { tell(.reopened(id, after: now - died)) }
      toldDeath = nil
    case .failure(let error):
      let failure = policy.failed(at: now)
      report.condition.failed(error.code)
      if failure.worthSaying { tell(.unavailable(id, error, attempts: failure.attempts)) }
    }
    report.attempts = policy.attempts
  }

  private func bury(_ cause: MicEvent.Death, at now: HostTime, _ tell: (MicEvent) -> Void) {
    let lived = device.map { now - $0.since } ?? .zero
    device = nil
    let failure = policy.died(at: now)
    report.condition.died()
    (report.isOpen, report.deaths, report.attempts) = (false, report.deaths + 1, policy.attempts)
    guard failure?.worthSaying ?? true else { return }
    toldDeath = now
    tell(.died(id, cause: cause, lived: lived))
  }
}
