import AudioCore
import AudioIO
import Glibc

/// What applications play on a PipeWire server: listed, told, and changed where a policy asks for it.
///
/// Their nodes and clients are bound while somebody wants to know; nothing of it is on the render thread.
final class AppStreams: AppStreamBook, GraphFollower, @unchecked Sendable {
  let place: String
  private let connection: PipeWireConnection
  private let process = getpid()

  // Loop thread.
  private var nodes: [UInt32: BoundObject] = [:]
  private var clients: [UInt32: BoundObject] = [:]
  /// Who needs this to be up to date.
  private var users = 0
  /// Somebody has asked since the backend was made.
  private var wasAsked = false
  private var observer: (@Sendable (AppStreamChange) -> Void)?
  private var told: (streams: [AppStream], sinks: [SinkFacts], isReady: Bool)?
  private var routes: [AppStream.ID: Route] = [:]
  /// Streams whose other target was last written in its second way.
  private var repeated: Set<AppStream.ID> = []
  private(set) var taps = 0

  /// A target of ours: what it was before, and what we have written last.
  private struct Route {
    var before: String?
    var ours: String
  }

  /// More are not listed.
  static let limit = 512
  static let tapLimit = 64

  init(connection: PipeWireConnection, place: String) {
    self.connection = connection
    self.place = place
  }

  // MARK: Thread: any

  var instance: String? { connection.locked { connection.cookie.map { String($0, radix: 16) } } }

  var isReady: Bool { connection.locked { connection.isReady && connection.isManaged } }

  var streams: [AppStream]? {
    connection.locked {
      ask()
      return isListed ? listing.streams : nil
    }
  }

  var sinks: [SinkFacts] {
    connection.locked {
      ask()
      return connection.isReady ? listing.sinks : []
    }
  }

  func links(of stream: AppStream.ID) -> [AppStreamLink] {
    connection.locked { AppStreamListing.links(of: stream, in: connection.graph) }
  }

  func observe(_ changed: (@Sendable (AppStreamChange) -> Void)?) {
    connection.locked {
      if observer == nil, changed != nil { hold() }
      let wasObserved = observer != nil
      observer = changed
      told = nil
      if changed != nil { tell() } else if wasObserved { drop() }
    }
  }

  func route(_ stream: AppStream.ID, to sink: String?) throws(BackendError) {
    try connection.locked { () -> Result<Void, BackendError> in
      switch found(stream) {
      case .failure(let error): return .failure(error)
      case .success(let facts):
        guard let sink else { return restore(facts) }
        guard facts.isRoutable else { return .failure(.fixed(facts)) }
        let value = TargetValue.text(for: sink, in: connection.graph)
        routes[stream] = Route(before: routes[stream].map(\.before) ?? facts.target.object, ours: value)
        // Where it plays there already nothing is to be moved, and the session manager is told for what comes.
        return write(value, of: facts)
      }
    }.get()
  }

  func setTarget(_ stream: AppStream.ID, object: String?) throws(BackendError) {
    try connection.locked { () -> Result<Void, BackendError> in
      found(stream).flatMap { facts in
        routes[stream] = nil
        return write(object, of: facts)
      }
    }.get()
  }

  func setVolumes(_ stream: AppStream.ID, _ volumes: [Float]) throws(BackendError) {
    try connection.locked { () -> Result<Void, BackendError> in
      found(stream).flatMap { facts in
        guard !facts.isOurs else { return .failure(.fixed(facts)) }
        guard volumes.count == facts.volumes.count, !volumes.isEmpty else {
          return .failure(
            BackendError(
              .badLevel, "\(facts.displayName) has \(facts.volumes.count) volumes, not \(volumes.count)",
              hint: "one for each of its own channels"))
        }
        guard volumes.allSatisfy({ $0 >= 0 && $0 <= 10 }) else {
          return .failure(BackendError(.badLevel, "a volume is a factor from 0 to 10", hint: "1 is as it was played"))
        }
        guard nodes[stream.node]?.setVolumes(volumes) == true else {
          return .failure(BackendError(.linkRefused, "the server did not take the volumes of \(facts.displayName)"))
        }
        return .success(())
      }
    }.get()
  }

  func tap(_ stream: AppStream.ID) throws(BackendError) -> any AppStreamTap {
    let tap = try connection.locked { () -> Result<TapStream, BackendError> in
      found(stream).flatMap { facts in
        guard !facts.isOurs else { return .failure(.fixed(facts)) }
        guard taps < Self.tapLimit else {
          return .failure(BackendError(.tooMany, "\(Self.tapLimit) streams are measured already"))
        }
        taps += 1
        return .success(TapStream(connection: connection, book: self, stream: stream))
      }
    }.get()
    try tap.start()
    return tap
  }

  /// The backend goes: what was bound because somebody asked is let go.
  func retire() {
    observe(nil)
    connection.locked {
      guard wasAsked else { return }
      wasAsked = false
      drop()
    }
  }

  // MARK: Thread: loop

  func tapEnded() { taps -= 1 }

  func hold() {
    users += 1
    guard users == 1 else { return }
    connection.attach(self)
    bind()
  }

  func drop() {
    users -= 1
    guard users == 0 else { return }
    connection.detach(self)
    unbind()
  }

  /// What is known of a node that plays into a sink; nil while too little is.
  func source(_ node: UInt32) -> AppStream? {
    connection.graph.nodes[node].map(brief).flatMap { $0.isComplete ? $0 : nil }
  }

  /// A stream but for its ports and what they are linked to: that would cost a pass over the graph.
  private func brief(_ node: GraphMirror.Node) -> AppStream {
    let facts = { (objects: [UInt32: BoundObject], id: UInt32) in objects[id].map { [id: $0.facts] } ?? [:] }
    return AppStreamListing(
      graph: connection.graph.alone(node), nodes: facts(nodes, node.id), clients: facts(clients, node.client),
      process: process
    ).stream(node)
  }

  func graphChanged() {
    bind()
    tell()
  }

  func serverLost() {
    unbind()
    routes = [:]
    tell()
  }

  func sessionManagerCame() {}

  private func ask() {
    guard !wasAsked else { return }
    wasAsked = true
    hold()
  }

  private var isListed: Bool {
    connection.isReady
      && connection.graph.nodes.values.allSatisfy { !$0.isPlayer || nodes[$0.id]?.facts.isKnown == true }
  }

  private var listing: AppStreamListing {
    AppStreamListing(
      graph: connection.graph, nodes: nodes.mapValues(\.facts), clients: clients.mapValues(\.facts), process: process)
  }

  private func bind() {
    guard connection.isReady, let registry = connection.registry else { return }
    let graph = connection.graph
    nodes = nodes.filter { graph.nodes[$0.key]?.serial == $0.value.serial }
    routes = routes.filter { graph.nodes[$0.key.node]?.serial == $0.key.serial }
    repeated = repeated.filter { graph.nodes[$0.node]?.serial == $0.serial }
    var wanted: Set<UInt32> = []
    for node in graph.nodes.values where node.isPlayer || node.isSink {
      if node.isPlayer, graph.clients.contains(node.client) { wanted.insert(node.client) }
      guard nodes[node.id] == nil, nodes.count < Self.limit else { continue }
      nodes[node.id] = BoundObject(
        node.isPlayer ? .player : .sink, id: node.id, serial: node.serial, registry: registry
      ) { [unowned connection] in connection.later() }
    }
    clients = clients.filter { wanted.contains($0.key) }
    for client in wanted where clients[client] == nil && clients.count < Self.limit {
      clients[client] = BoundObject(.client, id: client, serial: 0, registry: registry) { [unowned connection] in
        connection.later()
      }
    }
  }

  private func unbind() {
    nodes = [:]
    clients = [:]
  }

  private func tell() {
    guard let observer else { return }
    // Until the first listing is complete there is nothing to be compared with.
    guard told != nil || !connection.isReady || isListed else { return }
    let listing = listing
    let isReady = connection.isReady && connection.isManaged
    let now = connection.isReady ? (listing.streams, listing.sinks, isReady) : ([], [], false)
    guard let change = AppStreamListing.change(from: told, to: now) else { return }
    told = now
    observer(change)
  }

  private func found(_ stream: AppStream.ID) -> Result<AppStream, BackendError> {
    ask()
    guard connection.isReady else { return .failure(connection.failure) }
    guard let node = connection.graph.nodes[stream.node], node.serial == stream.serial, nodes[node.id] != nil else {
      return .failure(BackendError(.streamGone, "stream \(stream) has ended"))
    }
    return .success(brief(node))
  }

  private func restore(_ facts: AppStream) -> Result<Void, BackendError> {
    guard let route = routes.removeValue(forKey: facts.id) else { return .success(()) }
    // Somebody has sent it elsewhere since: that stays. What we have written may not be back yet.
    let isForeign = facts.target.object != route.ours && facts.target.object != route.before
    return isForeign ? .success(()) : write(route.before, of: facts)
  }

  private func write(_ value: String?, of facts: AppStream) -> Result<Void, BackendError> {
    guard connection.setTarget(of: facts.id.node, value) else {
      return .failure(
        BackendError(.starting, "nobody moves \(facts.displayName) now", hint: "is WirePlumber running?"))
    }
    // The session manager remembers targets for whatever plays with the same role or name, and forgets the user's when it
    // hears of ours. What it restored stands beside ours, and only a change of it is heard of: so its type changes.
    if let own = facts.target.node.flatMap({ Int($0) }), own >= 0 {
      let isSecond = repeated.insert(facts.id).inserted
      if !isSecond { repeated.remove(facts.id) }
      connection.repeatTarget(of: facts.id.node, "\(own)", type: isSecond ? "Spa:Int" : "Spa:Id")
    }
    return .success(())
  }
}

extension BackendError {
  fileprivate static func fixed(_ stream: AppStream) -> BackendError {
    let reason =
      stream.isOurs ? "is a stream of our own" : stream.isComplete ? "wants to stay where it is" : "is not known yet"
    return BackendError(.streamFixed, "\(stream.displayName) \(reason)")
  }
}
