public import AudioCore
import AudioIO
public import Leases

/// Carries out `OwnDefaultPolicy` with a lease on the user's default device.
///
/// Also where nothing is ever claimed it undoes what an earlier process has left. Thread: control.
public final class OwnDefault {
  public enum News: Sendable, Hashable {
    case note(LeaseNote)
    /// The same failure is said once until something else comes of it.
    case failed(LeaseError)
  }

  private var policy: OwnDefaultPolicy
  private let lease: DefaultDeviceLease
  private let say: (News) -> Void
  private var settled = SettledChoice()
  private var lastFailure: LeaseError?
  private let holder: String

  /// `lease` is one on the default device of that kind; `holder` is who it is taken for.
  public init(
    policy: OwnDefaultPolicy, lease: DefaultDeviceLease, for holder: String, say: @escaping (News) -> Void
  ) {
    self.holder = holder
    self.policy = policy
    self.lease = lease
    self.say = say
  }

  public var mode: OwnDefaultMode { policy.mode }
  public var standing: OwnDefaultPolicy.Standing { policy.standing }

  public func set(_ mode: OwnDefaultMode, at now: HostTime) { handle(.mode(mode), at: now) }
  public func usersChanged(isAny: Bool, at now: HostTime) { handle(.users(isAny: isAny), at: now) }
  public func deviceChanged(isPresent: Bool, at now: HostTime) { handle(.device(isPresent: isPresent), at: now) }

  /// The user's device that ours stands in for.
  public var replaced: String? { lease.replaced }

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

  private func handle(_ event: OwnDefaultPolicy.Event, at now: HostTime) {
    for action in policy.handle(event, at: now) {
      switch action {
      case .claim:
        let isMade = attempt { () throws(LeaseError) in try lease.acquire(policy.device, for: holder) }
        if !isMade { _ = policy.handle(.refused, at: now) }
      case .release: attempt { () throws(LeaseError) in try lease.release(policy.device, for: holder) }
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
