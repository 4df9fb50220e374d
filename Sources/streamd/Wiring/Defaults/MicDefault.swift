public import AudioCore
import AudioIO
public import Leases

/// Carries out `MicDefaultPolicy` with a lease on the user's default source.
///
/// Also where nothing is ever claimed it undoes what an earlier process has left. Thread: control.
public final class MicDefault {
  public enum News: Sendable, Hashable {
    case note(LeaseNote)
    /// The same failure is said once until something else comes of it.
    case failed(LeaseError)
  }

  private var policy: MicDefaultPolicy
  private let lease: DefaultDeviceLease
  private let say: (News) -> Void
  private var settled = SettledChoice()
  private var lastFailure: LeaseError?
  private static let holder = "microphone"

  /// `lease` is one on a default source.
  public init(policy: MicDefaultPolicy, lease: DefaultDeviceLease, say: @escaping (News) -> Void) {
    self.policy = policy
    self.lease = lease
    self.say = say
  }

  public var mode: MicDefaultMode { policy.mode }
  public var standing: MicDefaultPolicy.Standing { policy.standing }

  public func set(_ mode: MicDefaultMode, at now: HostTime) { handle(.mode(mode), at: now) }
  public func talkersChanged(isAny: Bool, at now: HostTime) { handle(.talkers(isAny: isAny), at: now) }
  public func sourceChanged(isPresent: Bool, at now: HostTime) { handle(.source(isPresent: isPresent), at: now) }

  /// Twice a second or oftener.
  public func step(at now: HostTime) {
    let state = lease.choice.state
    // Not that it is unknown, but anything else may yet be a session manager's first word.
    if let choice = settled.look(state, at: now)?.configured ?? (state.configured == .unknown ? .unknown : nil) {
      handle(.choice(choice), at: now)
    } else {
      handle(.tick, at: now)
    }
    // After the claim, which takes over what a process that has ended left claimed.
    attempt { () throws(LeaseError) in try lease.step(at: now) }
  }

  /// Gives the default back before the process ends, as far as the server answers in time.
  public func shutdown(within patience: HostDuration = .seconds(1)) {
    handle(.stopping, at: renderNow())
    attempt { () throws(LeaseError) in try lease.finish(within: patience) }
  }

  private func handle(_ event: MicDefaultPolicy.Event, at now: HostTime) {
    for action in policy.handle(event, at: now) {
      switch action {
      case .claim:
        let isMade = attempt { () throws(LeaseError) in try lease.acquire(policy.source, for: Self.holder) }
        if !isMade { _ = policy.handle(.refused, at: now) }
      case .release: attempt { () throws(LeaseError) in try lease.release(policy.source, for: Self.holder) }
      }
    }
  }

  @discardableResult
  private func attempt(_ work: () throws(LeaseError) -> [LeaseNote]) -> Bool {
    do throws(LeaseError) {
      let notes = try work()
      if !notes.isEmpty { lastFailure = nil }
      for note in notes { say(.note(note)) }
      return true
    } catch {
      // What is in the ledger stays there for the next step, or the next start.
      if error != lastFailure { say(.failed(error)) }
      lastFailure = error
      return false
    }
  }
}
