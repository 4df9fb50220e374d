import AudioCore
import AudioIO

/// Decides what a same-cycle capture of a sink is linked to. Pure: graph and time in, decision out.
///
/// The sink's own links are the source of truth: whatever is linked to its playback port X is linked to our port X, be it
/// a player, a filter or a loopback. Nothing is guessed from targets, so no stream the sink plays can be missed and
/// nothing it does not play can be heard.
///
/// The sink's monitor is linked too, to ports that carry its copy of the cycle before: it repairs what we lose, and keeps
/// our node in the sink's driver group, its ports negotiated, before anything plays. All links are passive: they wake no
/// device and hold no player running.
enum StreamsChoice {
  typealias Pair = MonitorChoice.LinkWork.Pair

  /// A link the server did not give us.
  struct Refusal: Equatable {
    var tries: Int
    var at: HostTime
    /// Nil when the link was merely removed.
    var detail: String?

    var retryAt: HostTime { at + min(.milliseconds(50) * (1 << Int64(min(tries, 8))), .seconds(5)) }
    /// A removed link is most often a port that goes: only when it happens again is the source unheard.
    var isException: Bool { detail != nil || tries > 1 }
  }

  /// What the stream has done so far.
  struct State: Equatable {
    /// Links asked for, and when.
    var made: [Pair: HostTime] = [:]
    var refused: [Pair: Refusal] = [:]
    /// Ours, destroyed at that time; the registry may show them a little longer.
    var going: [Pair: HostTime] = [:]
    /// Players that may be moved and were let go for that, and when.
    var leaving: [UInt32: HostTime] = [:]

    /// Forgets what no longer matters.
    mutating func prune(_ work: Work, at now: HostTime) {
      refused = refused.filter { work.wanted.contains($0.key) }
      going = going.filter { now < $0.value + patience }
      // One that has left and comes again has the ports it will have.
      leaving = leaving.filter { work.players.contains($0.key) && now < $0.value + farewell }
    }

    func isOurs(_ pair: Pair, at now: HostTime) -> Bool {
      if made[pair] != nil { return true }
      guard let since = going[pair] else { return false }
      return now < since + patience
    }
  }

  struct Work: Equatable {
    /// To be made.
    var missing: [Pair] = []
    /// Ours, no longer wanted.
    var stale: [Pair] = []
    /// Links into our node that nobody may make: to be destroyed, and nothing passes until they are gone.
    var forbidden: [UInt32] = []
    var unheard: [UnheardSource] = []
    /// Pairs the sink plays now: refusals of others may be forgotten.
    var wanted: Set<Pair> = []
    /// Who plays into the sink.
    var players: Set<UInt32> = []
    /// In the sink's driver group, with nothing forbidden linked.
    var isReady = false
    /// When time alone changes the decision.
    var lookAgainAt: HostTime?
  }

  /// A link that is not in the registry after this long is an exception.
  static let patience = HostDuration.milliseconds(250)
  /// A player that is still there after this long stays.
  static let farewell = HostDuration.milliseconds(500)
  /// A player that was let go and is still there after this long is missed.
  static let grace = HostDuration.milliseconds(60)

  /// What must change so that exactly what plays into the source's sink reaches `node`, or of that what `hears` lets
  /// through; what it does not know yet waits.
  static func work(
    in graph: GraphMirror, source: MonitorChoice.Source, node: UInt32, state: State, at now: HostTime,
    reachesOwnSinks: Bool = false, hears: (UInt32) -> Bool? = { _ in true }
  ) -> Work {
    var work = Work()
    let inputs = inputs(of: node, in: graph)
    guard inputs.copies.count >= source.channels.count,
      source.channels.allSatisfy({ inputs.labelled[$0.label] != nil })
    else {
      // Ports not all there yet; what is linked to those that are was not made by us.
      work.forbidden = foreignLinks(in: graph, node: node, state: state, at: now)
      return work
    }
    let copies = zip(source.channels, inputs.copies).map { Pair(output: $0.port, input: $1) }
    work.wanted.formUnion(copies)
    let sinks = [source.sink.id] + (reachesOwnSinks ? graph.ownSinks.sorted() : [])
    let counterparts = counterparts(of: sinks, source: source, inputs: inputs.labelled, in: graph)
    let ours = graph.nodes[node]?.client
    var unheard: Set<UnheardSource> = []
    // A stream has many links and is asked about once.
    var answers: [UInt32: Bool] = [:]
    for link in graph.links.values {
      guard let input = counterparts[link.input], let port = graph.ports[link.output], port.isOutput else { continue }
      let owner = graph.nodes[port.node]
      // Our own nodes are never heard, whatever they are linked to, but for those that bring what applications play.
      let isOwn = ours.map { $0 != .max && owner?.client == $0 } ?? false
      if isOwn && !graph.heardFeeds.contains(port.node) { continue }
      let answer = answers[port.node] ?? hears(port.node) ?? false
      answers[port.node] = answer
      guard answer else { continue }
      let name = owner?.name ?? "node \(port.node)"
      guard port.isAudio else {
        unheard.insert(UnheardSource(node: name, reason: .encoded))
        continue
      }
      work.players.insert(port.node)
      if let since = state.leaving[port.node], now < since + farewell {
        let isMissed = now >= since + grace
        if isMissed { unheard.insert(UnheardSource(node: name, reason: .leaving)) }
        work.lookAgain(at: since + (isMissed ? farewell : grace))
        continue
      }
      work.wanted.insert(Pair(output: link.output, input: input))
    }
    var present: Set<Pair> = []
    for link in graph.links(into: node) {
      let pair = Pair(output: link.output, input: link.input)
      present.insert(pair)
      if !work.wanted.contains(pair) && !state.isOurs(pair, at: now) { work.forbidden.append(link.id) }
    }
    for pair in work.wanted where !present.contains(pair) {
      decide(pair, state, now, &work) { reason, detail in
        let owner = graph.ports[pair.output].flatMap { graph.nodes[$0.node]?.name } ?? "port \(pair.output)"
        unheard.insert(UnheardSource(node: owner, reason: reason, detail: detail))
      }
    }
    work.stale = state.made.keys.filter { !work.wanted.contains($0) }
    work.isReady = present.isSuperset(of: copies) && work.forbidden.isEmpty
    work.unheard = unheard.sorted { ($0.node, $0.reason.rawValue) < ($1.node, $1.reason.rawValue) }
    // In a fixed order, so that equal graphs give equal decisions.
    let order = { (a: Pair, b: Pair) in (a.output, a.input) < (b.output, b.input) }
    work.missing.sort(by: order)
    work.stale.sort(by: order)
    work.forbidden.sort()
    return work
  }

  /// Who plays into a sink and may get other ports with a move.
  static func leaving(_ sink: UInt32, with move: PlayerMove, in graph: GraphMirror) -> Set<UInt32> {
    let players = Set(graph.links(into: sink).compactMap { graph.ports[$0.output]?.node })
    switch move {
    case .ofNode(let node): return players.intersection([node])
    case .toSink(let name):
      guard let here = graph.nodes[sink], here.name != name else { return [] }
      let there = graph.sinks.first { $0.name == name }
      let channels = { graph.ports(of: $0).filter { !$0.isOutput }.map(\.channel) }
      // Between sinks of the same channels players keep their ports.
      if let there, channels(there.id) == channels(sink) { return [] }
      return players
    }
  }

  /// Links into `node` that are not ours.
  static func foreignLinks(in graph: GraphMirror, node: UInt32, state: State, at now: HostTime) -> [UInt32] {
    graph.links(into: node).filter { !state.isOurs(Pair(output: $0.output, input: $0.input), at: now) }.map(\.id)
      .sorted()
  }

  /// A wanted link that is not there: made, waited for, or given up for a while.
  private static func decide(
    _ pair: Pair, _ state: State, _ now: HostTime, _ work: inout Work,
    unheard: (UnheardSource.Reason, String?) -> Void
  ) {
    if let refusal = state.refused[pair], refusal.isException { unheard(.refused, refusal.detail) }
    if let made = state.made[pair] {
      let due = made + patience
      if now >= due { unheard(.late, nil) } else { work.lookAgain(at: due) }
    } else if let refusal = state.refused[pair], now < refusal.retryAt {
      work.lookAgain(at: refusal.retryAt)
    } else {
      work.missing.append(pair)
    }
  }

  /// Our input port for each playback port of these sinks whose channel the source's monitor carries.
  private static func counterparts(
    of sinks: [UInt32], source: MonitorChoice.Source, inputs: [ChannelLabel: UInt32], in graph: GraphMirror
  ) -> [UInt32: UInt32] {
    let labels = Set(source.channels.map(\.label))
    var found: [UInt32: UInt32] = [:]
    for sink in sinks {
      var taken: Set<ChannelLabel> = []
      for port in graph.ports(of: sink) where !port.isOutput {
        guard let label = ChannelLabel(portChannel: port.channel), labels.contains(label),
          taken.insert(label).inserted
        else { continue }
        found[port.id] = inputs[label]
      }
    }
    return found
  }

  private static func inputs(
    of node: UInt32, in graph: GraphMirror
  ) -> (labelled: [ChannelLabel: UInt32], copies: [UInt32]) {
    var labelled: [ChannelLabel: UInt32] = [:]
    var copies: [Int: UInt32] = [:]
    for port in graph.ports(of: node) where !port.isOutput {
      if let place = StreamNode.copyChannels.firstIndex(of: port.channel) {
        copies[place] = port.id
      } else if let label = ChannelLabel(name: port.channel) {
        labelled[label] = port.id
      }
    }
    // Up to the first that is not there yet.
    return (labelled, Array((0..<copies.count).prefix { copies[$0] != nil }.compactMap { copies[$0] }))
  }
}

extension StreamsChoice.Work {
  fileprivate mutating func lookAgain(at time: HostTime) { lookAgainAt = lookAgainAt.map { min($0, time) } ?? time }
}
