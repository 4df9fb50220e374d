/// Decides when our own sink exists, when it is the default and when a real sink plays a copy of it. Pure: events in, actions
/// out.
///
/// The order is what matters: players are moved to the sink only once it is there, and moved away from it before it goes,
/// so that none of them ever finds its device gone. After the last session the sink stays for a while: a client that
/// reconnects finds it as it was, and players are not moved about.
///
/// The copy is there before players move and stays until they are back. While anybody asks for silence there is none.
///
/// Who made our sink the default, we or the user, is nothing to sessions that follow the default: what it plays is heard.
public struct HostAudioPolicy: Sendable {
  public enum Event: Hashable, Sendable {
    case opened(session: String, HostAudioMode)
    case closed(session: String)
    /// Our sink joined the graph, or left it with the server.
    case sink(isRunning: Bool)
    /// The sink that plays what follows the default has changed.
    case defaultSink(isOurs: Bool)
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
    case openCopy
    case closeCopy
    /// `isDefault` has changed: sessions that follow the default hear another sink.
    case follow
    /// Send `lingered` after a while; a new one replaces the one before.
    case linger
  }

  private enum Claim: Sendable { case none, held, returning }

  private var modes: [String: HostAudioMode] = [:]
  private var hasSink = false
  private var isRunning = false
  private var claim = Claim.none
  private var isLingering = false
  private var hasCopy = false
  private var isShown = false
  /// Our own sink plays what follows the default.
  public private(set) var isDefault = false

  public init() {}

  public mutating func handle(_ event: Event) -> [Action] {
    switch event {
    case .opened(let session, let mode):
      modes[session] = mode
      isLingering = isLingering && !needsSink
    case .closed(let session): modes[session] = nil
    case .sink(let running): isRunning = running
    case .defaultSink(let isOurs): isShown = isOurs
    case .choiceReturned: if claim == .returning { claim = .none }
    case .lingered:
      guard isLingering else { return [] }
      isLingering = false
      return needsSink ? [] : closing()
    }
    return reconcile()
  }

  private var needsSink: Bool { modes.values.contains(where: \.needsSink) }
  private var needsDefault: Bool { modes.values.contains(where: \.needsDefault) }
  private var needsCopy: Bool {
    guard hasSink, !modes.values.contains(.mute) else { return false }
    return modes.values.contains(.mirror) || (hasCopy && claim != .none)
  }

  private mutating func reconcile() -> [Action] {
    var actions: [Action] = []
    if needsSink, !hasSink {
      hasSink = true
      actions.append(.openSink)
    }
    if needsCopy != hasCopy {
      hasCopy.toggle()
      actions.append(hasCopy ? .openCopy : .closeCopy)
    }
    if needsDefault, isRunning, claim != .held {
      claim = .held
      actions.append(.claimDefault)
    } else if !needsDefault, claim == .held {
      claim = .returning
      actions.append(.returnDefault)
    }
    actions += following()
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
    return following() + [.closeSink]
  }

  private mutating func following() -> [Action] {
    guard isDefault != (isShown && hasSink) else { return [] }
    isDefault.toggle()
    return [.follow]
  }
}
