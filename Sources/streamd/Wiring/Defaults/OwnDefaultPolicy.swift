public import AudioCore
public import AudioIO

/// When a device of our own is the user's default: the microphone's `make_default`, and that of routing.
public enum OwnDefaultMode: String, Hashable, Sendable, CaseIterable {
  /// Applications use it when they are told to. Nothing of the user's is changed.
  case never
  /// While somebody uses it: for a microphone, while at least one client may talk.
  case whileConnected = "while_connected"
  case always
}

/// Decides when our own device is claimed as the user's default. Pure: events and the time in, actions out.
///
/// The user is never fought: whoever chooses another device while ours is the default keeps it. With
/// `while_connected` until the users have gone and come again, with `always` until the mode is set anew or the process
/// starts again.
///
/// A user or a server that is back within the linger finds all as it was: applications that follow the default are not
/// moved about by a short loss.
public struct OwnDefaultPolicy: Sendable {
  public enum Event: Hashable, Sendable {
    case mode(OwnDefaultMode)
    case users(isAny: Bool)
    /// Our device is in the graph, or has left it.
    case device(isPresent: Bool)
    /// What the user has chosen, once it has stood for a while, or `unknown` as soon as it is.
    case choice(DefaultDeviceState.Choice)
    /// The last claim could not be made.
    case refused
    /// To be sent twice a second or oftener.
    case tick
    /// The process ends.
    case stopping
  }

  public enum Action: Hashable, Sendable {
    case claim
    case release
  }

  /// For a status display.
  public enum Standing: String, Hashable, Sendable {
    /// Not wanted, or nobody to claim it for.
    case idle
    /// Wanted, and waiting for a server that answers.
    case waiting
    case claimed
    /// Not needed any more; given back when nobody comes soon.
    case lingering
    /// The user has chosen otherwise.
    case yielded
  }

  private enum Claim: Hashable, Sendable {
    case none
    case asked(at: HostTime)
    case held
  }

  public let device: String
  public let linger: HostDuration
  /// A claim that does not show after this long has been overridden.
  public let patience: HostDuration

  public private(set) var mode: OwnDefaultMode
  private var hasUsers = false
  private var isPresent = false
  private var choice = DefaultDeviceState.Choice.unknown
  private var claim = Claim.none
  /// The choice that our claim replaced.
  private var before = DefaultDeviceState.Choice.unknown
  /// The server has gone since the claim was made.
  private var lostSight = false
  private var hasYielded = false
  private var unneededSince: HostTime?
  private var retries = ReconnectPlan(first: .seconds(1), cap: .seconds(60))
  private var retryAt: HostTime?

  public init(
    device: String, mode: OwnDefaultMode, linger: HostDuration = .seconds(5), patience: HostDuration = .seconds(2)
  ) {
    self.device = device
    self.mode = mode
    self.linger = linger
    self.patience = patience
  }

  public var standing: Standing {
    if claim != .none { return isNeeded ? .claimed : .lingering }
    guard isNeeded else { return .idle }
    return hasYielded ? .yielded : .waiting
  }

  public mutating func handle(_ event: Event, at now: HostTime) -> [Action] {
    switch event {
    case .mode(let new):
      if new != mode { hasYielded = false }
      mode = new
    case .users(let isAny): hasUsers = isAny
    case .device(let present): isPresent = present
    case .choice(let new): return chosen(new, at: now) + decide(at: now)
    case .refused:
      claim = .none
      retryAt = retries.failed(at: now).retryAt
    case .tick: break
    case .stopping: mode = .never
    }
    return decide(at: now)
  }

  // MARK: Law

  private var isAskedFor: Bool { mode == .always || (mode == .whileConnected && hasUsers) }
  private var isNeeded: Bool { isPresent && isAskedFor }

  private mutating func chosen(_ new: DefaultDeviceState.Choice, at now: HostTime) -> [Action] {
    choice = new
    switch (new, claim) {
    case (.unknown, _): lostSight = true
    case (.named(device), .none): hasYielded = false
    case (_, .none): break
    case (.named(device), _):
      if claim != .held { retries.connected(at: now) }
      claim = .held
      lostSight = false
    case (before, _) where lostSight, (.unset, _) where lostSight:
      // The session manager had not yet written our claim down when it went: this is what was before it, or nothing.
      claim = .none
      return [.release]
    case (before, .asked(let since)) where now - since < patience: break
    default:
      claim = .none
      hasYielded = true
      return [.release]
    }
    return []
  }

  private mutating func decide(at now: HostTime) -> [Action] {
    guard isNeeded else { return rest(at: now) }
    unneededSince = nil
    guard claim == .none, !hasYielded, isReadable else { return [] }
    if let retryAt, now < retryAt { return [] }
    retryAt = nil
    claim = .asked(at: now)
    before = choice
    lostSight = false
    return [.claim]
  }

  private mutating func rest(at now: HostTime) -> [Action] {
    let since = unneededSince ?? now
    unneededSince = since
    guard mode == .never || now - since >= linger else { return [] }
    // The device may be away by no doing of the user's; that ends nothing.
    if !isAskedFor { hasYielded = false }
    guard claim != .none else { return [] }
    claim = .none
    return [.release]
  }

  private var isReadable: Bool {
    switch choice {
    case .unset, .named: true
    case .unknown, .unreadable: false
    }
  }
}
