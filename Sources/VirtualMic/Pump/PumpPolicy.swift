import AudioCore
import AudioIO

/// When to open one device, when to ask whether it lives, and when to open another. Pure; time is an argument.
///
/// The device is wanted from the beginning, not from the first word: applications choose their microphone when they
/// start. Opening proves nothing; only a life of `stableAfter` makes the next failure start from the shortest wait.
struct PumpPolicy: Sendable {
  enum Phase: Hashable, Sendable {
    /// No device; the next attempt is at this time.
    case closed(until: HostTime)
    /// An attempt is under way.
    case opening
    case open(since: HostTime)
  }

  enum Due: Hashable, Sendable {
    /// Open now; `opened` or `failed` must follow.
    case open
    /// Ask the device whether it lives; `lives` or `died` must follow.
    case probe
    /// Nothing before this time, or before the attempt under way has ended.
    case nothing(until: HostTime?)
  }

  struct Failure: Hashable, Sendable {
    /// Failures since a device last proved good.
    var attempts: UInt64
    /// The 1st, 2nd, 4th, 8th … are.
    var worthSaying: Bool
  }

  private(set) var phase: Phase
  private let tuning: PumpTuning
  private var plan: ReconnectPlan
  private var lastAttempt: HostTime?
  /// When the open device last gave a sign of life.
  private var seen: HostTime
  /// The server came back while an attempt was under way or a device was believed to live.
  private var hinted = false

  init(_ tuning: PumpTuning, start: HostTime) {
    self.tuning = tuning
    plan = Self.freshPlan(tuning)
    phase = .closed(until: start)
    seen = start
  }

  var attempts: UInt64 { plan.failures }

  /// When `due` has something to say; nil while an attempt is under way.
  var deadline: HostTime? {
    switch phase {
    case .closed(let until): until
    case .opening: nil
    case .open(let since): hinted ? since : seen + tuning.heartbeat
    }
  }

  /// What to do now. `open` is answered once: the attempt counts as under way from then on.
  mutating func due(at now: HostTime) -> Due {
    guard let deadline, now >= deadline else { return .nothing(until: deadline) }
    if case .open = phase { return .probe }
    phase = .opening
    lastAttempt = now
    return .open
  }

  mutating func opened(at now: HostTime) {
    guard case .opening = phase else { return }
    phase = .open(since: now)
    seen = now
    hinted = false
  }

  mutating func failed(at now: HostTime) -> Failure {
    let (retry, worthSaying) = plan.failed(at: now)
    phase = .closed(until: retry)
    if hinted { hasten(at: now) }
    return Failure(attempts: plan.failures, worthSaying: worthSaying)
  }

  /// The device took sound, or said that it lives.
  mutating func lives(at now: HostTime) {
    seen = max(seen, now)
    hinted = false
  }

  /// The device is seen to be dead. Nil when it had lived long enough to be an accident: another is due at once.
  mutating func died(at now: HostTime) -> Failure? {
    guard case .open(let since) = phase, now - since >= tuning.stableAfter else { return failed(at: now) }
    plan = Self.freshPlan(tuning)
    phase = .closed(until: now)
    hinted = false
    return nil
  }

  /// Somebody who knows says that the server is back, so the wait is pointless. The law of failures stays as it was: if
  /// this attempt fails too, the next wait is the long one. Attempts never come closer together than `backoffStart`,
  /// however often this is said. A device believed to live is asked at once: it may be one of the server that went.
  mutating func serverReturned(at now: HostTime) {
    if case .closed = phase { hasten(at: now) } else { hinted = true }
  }

  private mutating func hasten(at now: HostTime) {
    hinted = false
    guard case .closed(let until) = phase else { return }
    let earliest = lastAttempt.map { max(now, $0 + tuning.backoffStart) } ?? now
    phase = .closed(until: min(until, earliest))
  }

  private static func freshPlan(_ tuning: PumpTuning) -> ReconnectPlan {
    ReconnectPlan(first: tuning.backoffStart, cap: tuning.backoffCap, stableAfter: tuning.stableAfter)
  }
}

/// Whether what was pushed before is stale by now.
struct PushGap: Hashable, Sendable {
  let limit: HostDuration
  private(set) var last: HostTime?

  init(limit: HostDuration) { self.limit = limit }

  mutating func pushed(at now: HostTime) { last = now }
  func isStale(at now: HostTime) -> Bool { last.map { now - $0 > limit } ?? false }
}
