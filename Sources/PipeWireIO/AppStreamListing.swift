import AudioCore
import AudioIO

/// What applications play, put together from registry, metadata and what bound objects have told. Pure.
struct AppStreamListing {
  let graph: GraphMirror
  /// Players and sinks.
  let nodes: [UInt32: ObjectFacts]
  let clients: [UInt32: ObjectFacts]
  /// This process, as the server knows it.
  let process: Int32
  private let channels: [UInt32: [String]]
  private let heard: [UInt32: Set<UInt32>]

  /// One pass over the graph, for however many streams.
  init(graph: GraphMirror, nodes: [UInt32: ObjectFacts], clients: [UInt32: ObjectFacts], process: Int32) {
    self.graph = graph
    self.nodes = nodes
    self.clients = clients
    self.process = process
    var ports: [UInt32: [GraphMirror.Port]] = [:]
    for port in graph.ports.values where !port.isMonitor {
      let isWanted = graph.nodes[port.node].map { $0.isSink ? !port.isOutput : $0.isPlayer && port.isOutput } ?? false
      if isWanted { ports[port.node, default: []].append(port) }
    }
    channels = ports.mapValues { ports in
      ports.sorted { ($0.index, $0.id) < ($1.index, $1.id) }.map(\.channel)
    }
    var heard: [UInt32: Set<UInt32>] = [:]
    for link in graph.links.values {
      guard let output = graph.ports[link.output]?.node, let input = graph.ports[link.input]?.node,
        graph.nodes[input]?.isSink == true
      else { continue }
      heard[output, default: []].insert(input)
    }
    self.heard = heard
  }

  /// Oldest first.
  var streams: [AppStream] {
    graph.nodes.values.compactMap { $0.isPlayer && nodes[$0.id] != nil ? stream($0) : nil }.sorted { $0.id < $1.id }
  }

  /// Also of a node that plays into a sink without being an application's stream: it says less of itself.
  func stream(_ node: GraphMirror.Node) -> AppStream {
    let own = nodes[node.id]
    let client = clients[node.client]
    var labels = own?.labels ?? [:]
    for (label, value) in [
      (AppLabel.nodeName, node.name), (.nodeDescription, node.description), (.mediaClass, node.mediaClass),
      (.applicationName, node.application),
    ] where labels[label.rawValue] == nil && !value.isEmpty {
      labels[label.rawValue] = value
    }
    // What the server knows of the client is nobody else's to say.
    for label in [AppLabel.trustedProcessID, .portalID, .access] { labels[label.rawValue] = nil }
    labels.merge(client?.labels ?? [:]) { own, _ in own }
    let hasClient = graph.clients.contains(node.client)
    let isComplete = !node.isPlayer || own?.isKnown == true && (!hasClient || client?.isKnown == true)
    return AppStream(
      id: AppStream.ID(node: node.id, serial: node.serial), labels: labels, isComplete: isComplete,
      state: own?.state ?? .idle, channels: channels[node.id] ?? [], volumes: own?.volumes ?? [],
      isMuted: own?.isMuted ?? false, target: graph.targets[node.id] ?? AppStream.Target(),
      sinks: (heard[node.id] ?? []).compactMap { graph.nodes[$0]?.name }.sorted(),
      isOurs: client?.labels[AppLabel.trustedProcessID.rawValue] == "\(process)")
  }

  /// Oldest first.
  var sinks: [SinkFacts] {
    graph.sinks.sorted { ($0.serial, $0.id) < ($1.serial, $1.id) }.map { sink in
      SinkFacts(
        node: sink.id, name: sink.name, description: sink.description, serial: sink.serial,
        channels: channels[sink.id] ?? [],
        rate: nodes[sink.id]?.rate.map { SampleRate(hertz: $0) }, isDefault: sink.name == graph.defaultSink,
        isOurs: graph.ownSinks.contains(sink.id))
    }
  }

  static func links(of stream: AppStream.ID, in graph: GraphMirror) -> [AppStreamLink] {
    guard graph.nodes[stream.node]?.serial == stream.serial else { return [] }
    return graph.links(from: stream.node).sorted { ($0.output, $0.input) < ($1.output, $1.input) }.compactMap { link in
      guard let output = graph.ports[link.output], let input = graph.ports[link.input] else { return nil }
      let node = graph.nodes[input.node]
      return AppStreamLink(
        output: output.channel, input: input.channel, node: node?.name ?? "", isSink: node?.isSink ?? false)
    }
  }

  /// What has become different; nil when nothing has.
  static func change(
    from old: (streams: [AppStream], sinks: [SinkFacts], isReady: Bool)?,
    to new: (streams: [AppStream], sinks: [SinkFacts], isReady: Bool)
  ) -> AppStreamChange? {
    let before = Dictionary(uniqueKeysWithValues: (old?.streams ?? []).map { ($0.id, $0) })
    let now = Set(new.streams.map(\.id))
    let change = AppStreamChange(
      removed: (old?.streams ?? []).map(\.id).filter { !now.contains($0) },
      added: new.streams.filter { before[$0.id] == nil },
      changed: new.streams.filter { stream in before[stream.id].map { $0 != stream } ?? false },
      sinks: old?.sinks == new.sinks ? nil : new.sinks, isReady: new.isReady)
    let isSame =
      change.removed.isEmpty && change.added.isEmpty && change.changed.isEmpty && change.sinks == nil
      && old?.isReady == new.isReady
    return isSame ? nil : change
  }
}
