import AudioCore
import AudioIO

/// Decides what a capture may be linked to. Pure: graph in, decision out.
///
/// A target that is missing is a reason to wait. Nothing else is ever taken instead of it.
enum MonitorChoice {
  struct Channel: Equatable {
    var label: ChannelLabel
    var port: UInt32
  }

  struct Source: Equatable {
    var sink: GraphMirror.Node
    /// In the canonical order of positions.
    var channels: [Channel]

    var layout: ChannelLayout? { ChannelLayout(channels.map(\.label)) }
  }

  /// The sink to hear, or why there is none. `current` is kept when the session manager names no default.
  static func source(
    in graph: GraphMirror, target: SinkTarget, current: UInt32?
  ) -> Result<Source, BackendError> {
    switch sink(in: graph, target: target, current: current) {
    case .failure(let error): return .failure(error)
    case .success(let sink):
      let channels = channels(of: sink, in: graph) { $0.isOutput && $0.isMonitor }
      guard !channels.isEmpty else {
        return .failure(BackendError(.noPorts, "sink \"\(sink.name)\" has no monitor ports yet"))
      }
      return .success(Source(sink: sink, channels: channels))
    }
  }

  private static func sink(
    in graph: GraphMirror, target: SinkTarget, current: UInt32?
  ) -> Result<GraphMirror.Node, BackendError> {
    let sinks = graph.sinks
    switch target {
    case .named(let name):
      if let sink = sinks.first(where: { $0.name == name }) { return .success(sink) }
      if let other = graph.nodes.values.first(where: { $0.name == name }) {
        let kind = other.mediaClass.isEmpty ? "another kind of node" : other.mediaClass
        return .failure(
          BackendError(.notASink, "\"\(name)\" is no sink but \(kind); only sinks are captured", hint: listing(sinks)))
      }
      return .failure(BackendError(.sinkNotFound, "no sink is named \"\(name)\"", hint: listing(sinks)))
    case .defaultSink:
      // What is played into a sink of our own is heard there; this is for all the others.
      let sinks = graph.realSinks
      if let name = graph.defaultSink, let sink = sinks.first(where: { $0.name == name }) { return .success(sink) }
      if let name = graph.playedSink, let sink = sinks.first(where: { $0.name == name }) { return .success(sink) }
      if let current, let sink = sinks.first(where: { $0.id == current }) { return .success(sink) }
      if let sink = sinks.max(by: { ($0.priority, $1.id) < ($1.priority, $0.id) }) { return .success(sink) }
      return .failure(BackendError(.noSink, "there is no sink to capture", hint: "no audio output exists yet"))
    }
  }

  static func listing(_ sinks: [GraphMirror.Node]) -> String {
    guard !sinks.isEmpty else { return "no sink exists" }
    let shown = sinks.prefix(8).map { "\"\($0.name)\"" }.joined(separator: ", ")
    return "sinks here: \(shown)" + (sinks.count > 8 ? " and \(sinks.count - 8) more" : "")
  }

  /// Those ports of a sink that say which channel they carry.
  static func channels(
    of sink: GraphMirror.Node, in graph: GraphMirror, where counts: (GraphMirror.Port) -> Bool
  ) -> [Channel] {
    var found: [ChannelLabel: UInt32] = [:]
    for port in graph.ports(of: sink.id) where counts(port) {
      guard let label = ChannelLabel(portChannel: port.channel), found[label] == nil else { continue }
      found[label] = port.id
    }
    let order = [ChannelLabel.mono] + ChannelLayout.surround71.labels
    return order.compactMap { label in found[label].map { Channel(label: label, port: $0) } }
      .prefix(ChannelLayout.limit).map { $0 }
  }

  struct LinkWork: Equatable {
    struct Pair: Hashable {
      var output: UInt32
      var input: UInt32
    }

    /// To be made.
    var missing: [Pair] = []
    /// Links into our node from ports we may not hear: to be destroyed, and nothing passes until they are gone.
    var forbidden: [UInt32] = []
    /// Ours from an earlier choice of sink.
    var stale: [Pair] = []
    /// Every wanted pair is linked and nothing forbidden is.
    var isComplete = false
  }

  /// What must change so that exactly the source's monitor ports reach `node`.
  static func linkWork(in graph: GraphMirror, source: Source, node: UInt32, made: Set<LinkWork.Pair>) -> LinkWork {
    var inputs: [ChannelLabel: UInt32] = [:]
    for port in graph.ports(of: node) where !port.isOutput {
      if let label = ChannelLabel(portChannel: port.channel) { inputs[label] = port.id }
    }
    var work = LinkWork()
    guard source.channels.allSatisfy({ inputs[$0.label] != nil }) else { return work }
    let wanted = Set(source.channels.map { LinkWork.Pair(output: $0.port, input: inputs[$0.label]!) })
    var present = Set<LinkWork.Pair>()
    for link in graph.links(into: node) {
      present.insert(LinkWork.Pair(output: link.output, input: link.input))
      if !graph.isSinkMonitor(link.output) { work.forbidden.append(link.id) }
    }
    work.forbidden.sort()
    work.missing = wanted.subtracting(present).subtracting(made).sorted {
      ($0.output, $0.input) < ($1.output, $1.input)
    }
    work.stale = made.subtracting(wanted).sorted { ($0.output, $0.input) < ($1.output, $1.input) }
    work.isComplete = wanted.isSubset(of: present) && work.forbidden.isEmpty
    return work
  }

  /// Links into `node` that must not be, whatever the target: checked even while waiting.
  static func forbiddenLinks(in graph: GraphMirror, node: UInt32) -> [UInt32] {
    graph.links(into: node).filter { !graph.isSinkMonitor($0.output) }.map(\.id).sorted()
  }
}
