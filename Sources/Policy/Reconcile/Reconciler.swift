public import AudioCore

/// Brings streams to where they are wanted, and lets go of those that somebody else wants elsewhere.
///
/// Who moves a stream is told apart by time: what happens within `reaction` of our own write is a program's answer to
/// it, and we write again, at most five times; what happens later is a person's doing and is respected until the
/// profile or the user wants the stream elsewhere. A link drawn by hand is one that appears when ours had been there.
///
/// Thread: any, it is a value; time comes with each step.
public struct Reconciler: Sendable {
  public struct Settings: Sendable, Equatable {
    /// How soon programs answer to a write of ours.
    public var reaction = HostDuration.seconds(1)
    /// How long a write may take to be seen, and links to follow it.
    public var patience = HostDuration.seconds(2)
    public var assertions = FightDamper.defaultLimit
    public var window = HostDuration.seconds(30)

    public init() {}
  }

  public enum Action: Sendable, Equatable {
    case setTarget(stream: UInt32, node: String)
    case clearTarget(stream: UInt32)
    /// For people; said once for each hold.
    case report(Hold, stream: UInt32)
  }

  /// Why a stream is left alone.
  public enum Hold: Sendable, Equatable {
    /// Somebody set another target, or none.
    case moved(to: String?)
    /// Somebody linked it to these nodes.
    case linked(to: [String])
    /// Another program undoes what we write, each time.
    case fight(target: String?)
    /// The target is set and nobody links the stream there.
    case notFollowed(links: [String])
  }

  public var settings: Settings
  private var states: [UInt32: State] = [:]

  public init(_ settings: Settings = Settings()) { self.settings = settings }

  fileprivate struct State {
    var wanted: Destination
    /// Its target before the first write of ours.
    var original: String?
    var written: String?
    var writtenAt = HostTime(nanoseconds: 0)
    /// Whether the write was seen, and the links that follow it.
    var isSeen = false
    var isLinked = false
    var strayedAt: HostTime?
    var damper: FightDamper
    var hold: Hold?
  }

  /// Streams that are left alone, and why.
  public var held: [UInt32: Hold] { states.compactMapValues(\.hold) }
  /// The targets written by us that still stand, as far as is known.
  public var written: [UInt32: String] { states.compactMapValues(\.written) }

  /// The user wants this stream where the rules send it after all.
  public mutating func release(_ stream: UInt32) {
    // What is not left alone still has a write of ours to be put back.
    guard states[stream]?.hold != nil else { return }
    states[stream]?.hold = nil
    states[stream]?.damper.reset()
    states[stream]?.forgetWrite()
  }

  /// The same of every stream that is left alone: another profile, say.
  public mutating func releaseAll() {
    for stream in held.keys { release(stream) }
  }

  /// What must be done now. Streams without a wanted destination are left as they are.
  public mutating func step(
    _ streams: [ObservedStream], wanted: [UInt32: Destination], at now: HostTime
  ) -> [Action] {
    let ids = Set(streams.map(\.id))
    states = states.filter { ids.contains($0.key) }
    var actions: [Action] = []
    for stream in streams where stream.isMovable {
      guard let destination = wanted[stream.id] else { continue }
      step(stream, destination, now, &actions)
    }
    return actions
  }

  /// When a step is due though nothing happens: links or writes that are waited for.
  public func nextStep(after now: HostTime) -> HostTime? {
    states.values.compactMap { state -> HostTime? in
      guard state.hold == nil, state.written != nil else { return nil }
      if let strayed = state.strayedAt { return strayed + settings.reaction }
      return state.isSeen && state.isLinked ? nil : state.writtenAt + settings.patience
    }.filter { $0 > now }.min()
  }

  /// Puts every stream back to where it was; what somebody else changed since stays.
  public mutating func undo(_ streams: [ObservedStream]) -> [Action] {
    var actions: [Action] = []
    for stream in streams {
      guard let state = states[stream.id], let written = state.written, stream.target == written else { continue }
      if let action = state.putBack(stream.id) { actions.append(action) }
    }
    states = [:]
    return actions
  }

  // MARK: One stream

  private mutating func step(
    _ stream: ObservedStream, _ destination: Destination, _ now: HostTime, _ actions: inout [Action]
  ) {
    var state = states[stream.id] ?? fresh(destination)
    defer { states[stream.id] = state }
    if state.wanted != destination {
      state.wanted = destination
      state.hold = nil
      state.damper.reset()
    }
    guard state.hold == nil else { return }
    switch destination {
    case .anywhere:
      guard let written = state.written else { return }
      // What somebody else wrote over it is theirs.
      if stream.target == written || !state.isSeen, let action = state.putBack(stream.id) { actions.append(action) }
      state.forgetWrite()
    case .node(let node) where stream.target == node:
      arrived(stream, node, &state, now, &actions)
    case .node(let node):
      away(stream, node, &state, now, &actions)
    }
  }

  private func fresh(_ destination: Destination) -> State {
    State(wanted: destination, damper: FightDamper(limit: settings.assertions, window: settings.window))
  }

  /// The target is as it should be: do links follow?
  private func arrived(
    _ stream: ObservedStream, _ node: String, _ state: inout State, _ now: HostTime, _ actions: inout [Action]
  ) {
    if !state.isSeen || state.written != node {
      if state.written != node {
        // It came with this target, or was given it by somebody else.
        if state.written == nil { state.original = node }
        state.writtenAt = now
      }
      state.written = node
      state.isSeen = true
      state.isLinked = false
    }
    let strays = stream.links.subtracting([node])
    if strays.isEmpty {
      // Without any link it is paused.
      if !stream.links.isEmpty { state.isLinked = true }
      state.strayedAt = nil
    } else if state.isLinked {
      let since = state.strayedAt ?? now
      state.strayedAt = since
      // Links change one by one when a session manager does it.
      guard now - since >= settings.reaction else { return }
      hold(.linked(to: strays.sorted()), stream.id, &state, &actions)
    } else if now - state.writtenAt >= settings.patience {
      assert(node, .notFollowed(links: stream.links.sorted()), stream, &state, now, &actions)
    }
  }

  /// The target is another: not yet written, not yet seen, or undone.
  private func away(
    _ stream: ObservedStream, _ node: String, _ state: inout State, _ now: HostTime, _ actions: inout [Action]
  ) {
    guard state.written == node else {
      if state.written == nil { state.original = stream.target }
      return write(node, stream.id, &state, now, &actions)
    }
    if state.isSeen, now - state.writtenAt > settings.reaction {
      return hold(.moved(to: stream.target), stream.id, &state, &actions)
    }
    if state.isSeen || now - state.writtenAt >= settings.patience {
      assert(node, .fight(target: stream.target), stream, &state, now, &actions)
    }
  }

  private func assert(
    _ node: String, _ otherwise: Hold, _ stream: ObservedStream, _ state: inout State, _ now: HostTime,
    _ actions: inout [Action]
  ) {
    guard state.damper.allows(at: now) else { return hold(otherwise, stream.id, &state, &actions) }
    write(node, stream.id, &state, now, &actions)
  }

  private func write(
    _ node: String, _ id: UInt32, _ state: inout State, _ now: HostTime, _ actions: inout [Action]
  ) {
    state.written = node
    state.writtenAt = now
    state.isSeen = false
    state.isLinked = false
    state.strayedAt = nil
    actions.append(.setTarget(stream: id, node: node))
  }

  private func hold(_ hold: Hold, _ id: UInt32, _ state: inout State, _ actions: inout [Action]) {
    state.hold = hold
    state.forgetWrite()
    actions.append(.report(hold, stream: id))
  }
}

extension Reconciler.State {
  fileprivate mutating func forgetWrite() {
    written = nil
    isSeen = false
    isLinked = false
    strayedAt = nil
  }

  /// Nil when it came as it is.
  fileprivate func putBack(_ id: UInt32) -> Reconciler.Action? {
    guard let original else { return .clearTarget(stream: id) }
    return original == written ? nil : .setTarget(stream: id, node: original)
  }
}

extension Reconciler.Hold: CustomStringConvertible {
  public var description: String {
    switch self {
    case .moved(let target): "moved by hand to " + (target ?? "the default device")
    case .linked(let nodes): "linked by hand to " + nodes.joined(separator: ", ")
    case .fight(let target): "another program keeps moving it to " + (target ?? "the default device")
    case .notFollowed(let links): "the session manager leaves it at " + links.joined(separator: ", ")
    }
  }
}
