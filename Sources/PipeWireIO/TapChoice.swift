import AudioCore
import AudioIO

/// Decides what a tap is linked to. Pure: graph and time in, decision out.
enum TapChoice {
  typealias Pair = MonitorChoice.LinkWork.Pair

  struct Source: Equatable {
    var channels: [MonitorChoice.Channel] = []
    /// Nil without a port whose channel is known.
    var layout: ChannelLayout? { ChannelLayout(channels.map(\.label)) }
  }

  struct Work: Equatable {
    var missing: [Pair] = []
    var stale: [Pair] = []
    /// Links into our node from elsewhere.
    var forbidden: [UInt32] = []
    var isComplete = false
  }

  /// A stream's own ports, in their order, as many as a layout holds.
  static func source(_ node: UInt32, in graph: GraphMirror) -> Source {
    var source = Source()
    for port in graph.ports(of: node) where port.isOutput && !port.isMonitor && port.isAudio {
      guard let label = ChannelLabel(portChannel: port.channel),
        !source.channels.contains(where: { $0.label == label }), source.channels.count < ChannelLayout.limit
      else { continue }
      source.channels.append(MonitorChoice.Channel(label: label, port: port.id))
    }
    return source
  }

  static func work(in graph: GraphMirror, source: Source, node: UInt32, made: Set<Pair>) -> Work {
    var inputs: [ChannelLabel: UInt32] = [:]
    for port in graph.ports(of: node) where !port.isOutput {
      if let label = ChannelLabel(name: port.channel) { inputs[label] = port.id }
    }
    var work = Work()
    let wanted = Set(
      source.channels.compactMap { channel in inputs[channel.label].map { Pair(output: channel.port, input: $0) } })
    var present: Set<Pair> = []
    for link in graph.links(into: node) {
      let pair = Pair(output: link.output, input: link.input)
      present.insert(pair)
      if !wanted.contains(pair) && !made.contains(pair) { work.forbidden.append(link.id) }
    }
    let order = { (a: Pair, b: Pair) in (a.output, a.input) < (b.output, b.input) }
    work.forbidden.sort()
    work.stale = made.subtracting(wanted).sorted(by: order)
    guard wanted.count == source.channels.count else { return work }
    work.missing = wanted.subtracting(present).subtracting(made).sorted(by: order)
    work.isComplete = wanted.isSubset(of: present) && work.forbidden.isEmpty
    return work
  }

  /// Whether a move may give a stream other ports.
  static func concerns(_ move: PlayerMove, _ stream: UInt32, in graph: GraphMirror) -> Bool {
    switch move {
    case .ofNode(let node): node == stream
    // Whoever follows the default may be any.
    case .toSink(let name):
      graph.neighbours(of: stream).contains { graph.nodes[$0].map { $0.isSink && $0.name != name } ?? false }
    }
  }

  /// A stream that was let go because it may be moved: it is measured again once it plays elsewhere, or stays.
  struct Move: Equatable {
    private let sinks: Set<UInt32>
    private let since: HostTime

    init(of stream: UInt32, in graph: GraphMirror, at now: HostTime) {
      sinks = Self.sinks(of: stream, in: graph)
      since = now
    }

    /// Nil when it need not be waited for any more.
    func wait(for stream: UInt32, in graph: GraphMirror, at now: HostTime) -> HostDuration? {
      let left = since + StreamsChoice.farewell - now
      guard left > .zero else { return nil }
      let there = Self.sinks(of: stream, in: graph)
      return there.isEmpty || there == sinks ? left : nil
    }

    private static func sinks(of stream: UInt32, in graph: GraphMirror) -> Set<UInt32> {
      graph.neighbours(of: stream).filter { graph.nodes[$0]?.isSink ?? false }
    }
  }
}
