/// What the host itself plays while clients listen.
public enum HostAudioMode: String, Hashable, Sendable, CaseIterable {
  /// The host plays on; clients hear its sink's monitor. Nothing of the user's is changed.
  case keep
  /// Our own sink is made the default, so players move to it and the host falls silent.
  case mute
  /// Our own sink exists and is captured; who plays into it is the user's business.
  case virtualOnly = "virtual_only"
}

/// Decides when our own sink exists and when it is the default. Pure: events in, actions out.
///
/// The order is what matters: players are moved to the sink only once it is there, and moved away from it before it goes,
/// so that none of them ever finds its device gone. After the last session the sink stays for a while: a client that
/// reconnects finds it as it was, and players are not moved about.
public struct HostAudioPolicy: Sendable {
  public enum Event: Hashable, Sendable {
    case opened(session: String, HostAudioMode)
    case closed(session: String)
    /// Our sink joined the graph, or left it with the server.
    case sink(isRunning: Bool)
    /// The user's choice is back, or is the user's own again.
    case choiceReturned
    /// `Action.linger` has passed.
    case lingered
  }

  public enum Action: Hashable, Sendable {
    case openSink
    case closeSink
    case claimDefault
    case returnDefault
    /// Send `lingered` after a while; a new one replaces the one before.
    case linger
  }

  private enum Claim: Sendable { case none, held, returning }

  private var modes: [String: HostAudioMode] = [:]
  private var hasSink = false
  private var isRunning = false
  private var claim = Claim.none
  private var isLingering = false

  public init() {}

  /// Whether a session with this mode hears our own sink instead of the user's.
  public static func hearsOwnSink(_ mode: HostAudioMode) -> Bool { mode != .keep }

  public mutating func handle(_ event: Event) -> [Action] {
    switch event {
    case .opened(let session, let mode):
      modes[session] = mode
      isLingering = isLingering && !needsSink
    case .closed(let session): modes[session] = nil
    case .sink(let running): isRunning = running
    case .choiceReturned: if claim == .returning { claim = .none }
    case .lingered:
      guard isLingering else { return [] }
      isLingering = false
      return needsSink ? [] : closing()
    }
    return reconcile()
  }

  private var needsSink: Bool { modes.values.contains { Self.hearsOwnSink($0) } }
  private var needsDefault: Bool { modes.values.contains(.mute) }

  private mutating func reconcile() -> [Action] {
    var actions: [Action] = []
    if needsSink, !hasSink {
      hasSink = true
      actions.append(.openSink)
    }
    if needsDefault, isRunning, claim != .held {
      claim = .held
      actions.append(.claimDefault)
    } else if !needsDefault, claim == .held {
      claim = .returning
      actions.append(.returnDefault)
    }
    if !needsSink, hasSink, !isLingering {
      isLingering = true
      actions.append(.linger)
    }
    return actions
  }

  /// Not while players may still be on the sink: the choice has to be back first.
  private mutating func closing() -> [Action] {
    guard claim == .none else {
      isLingering = true
      return [.linger]
    }
    hasSink = false
    isRunning = false
    return [.closeSink]
  }
}
