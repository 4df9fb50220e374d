import AudioCore
import AudioIO

/// Decides which real sink a stream of ours plays into, and over which links. Pure: graph in, decision out.
///
/// Sinks of this process never count: what we play would come back to us.
enum FeedChoice {
  typealias Pair = MonitorChoice.LinkWork.Pair

  /// The preferred sink, else the one that is used now, else the most important.
  static func source(
    in graph: GraphMirror, preferred: String?, current: UInt32?
  ) -> Result<MonitorChoice.Source, BackendError> {
    let sinks = graph.realSinks
    let chosen =
      sinks.first { $0.name == preferred } ?? sinks.first { $0.id == current }
      ?? sinks.max { ($0.priority, $1.id) < ($1.priority, $0.id) }
    guard let chosen else {
      return .failure(BackendError(.noSink, "there is no real sink to play into", hint: "no audio output exists yet"))
    }
    let channels = MonitorChoice.channels(of: chosen, in: graph) { !$0.isOutput }
    guard !channels.isEmpty else {
      return .failure(BackendError(.noPorts, "sink \"\(chosen.name)\" has no playback ports yet"))
    }
    return .success(MonitorChoice.Source(sink: chosen, channels: channels))
  }

  /// What must change so that exactly the sink's playback ports get what `node` plays.
  static func linkWork(
    in graph: GraphMirror, source: MonitorChoice.Source, node: UInt32, made: Set<Pair>
  ) -> MonitorChoice.LinkWork {
    var outputs: [ChannelLabel: UInt32] = [:]
    for port in graph.ports(of: node) where port.isOutput && !port.isMonitor {
      if let label = ChannelLabel(portChannel: port.channel) { outputs[label] = port.id }
    }
    var work = MonitorChoice.LinkWork()
    guard source.channels.allSatisfy({ outputs[$0.label] != nil }) else {
      work.forbidden = foreignLinks(in: graph, node: node, made: made)
      return work
    }
    let wanted = Set(source.channels.map { Pair(output: outputs[$0.label]!, input: $0.port) })
    let present = Set(graph.links(from: node).map { Pair(output: $0.output, input: $0.input) })
    work.forbidden = foreignLinks(in: graph, node: node, made: made.union(wanted))
    work.missing = wanted.subtracting(present).subtracting(made).sorted {
      ($0.output, $0.input) < ($1.output, $1.input)
    }
    work.stale = made.subtracting(wanted).sorted { ($0.output, $0.input) < ($1.output, $1.input) }
    work.isComplete = wanted.isSubset(of: present) && work.forbidden.isEmpty
    return work
  }

  /// Links from `node` that are not ours: somebody wants to hear it elsewhere, at worst in our own sink.
  static func foreignLinks(in graph: GraphMirror, node: UInt32, made: Set<Pair>) -> [UInt32] {
    graph.links(from: node).filter { link in
      !made.contains(Pair(output: link.output, input: link.input)) && !isCapture(link, of: node, in: graph)
    }.map(\.id).sorted()
  }

  /// A capture of ours that hears this feed beside the sink.
  private static func isCapture(_ link: GraphMirror.Link, of node: UInt32, in graph: GraphMirror) -> Bool {
    guard graph.heardFeeds.contains(node), let hearer = graph.ports[link.input]?.node,
      !graph.ownSinks.contains(hearer), let ours = graph.nodes[node]?.client, ours != .max
    else { return false }
    return graph.nodes[hearer]?.client == ours
  }
}
