import AudioCore
import Policy

/// A graph as a session manager keeps it: links follow targets, a while later.
struct ToyGraph {
  struct Stream {
    var labels = AppLabels()
    var target: String?
    var links: Set<String> = []
    var isMovable = true
  }

  var streams: [UInt32: Stream] = [:]
  var defaultSink = "speakers"
  var now = HostTime(nanoseconds: 1_000_000_000)
  private(set) var written = 0

  var observed: [ObservedStream] {
    streams.sorted { $0.key < $1.key }.map { id, stream in
      ObservedStream(
        id: id, labels: stream.labels, target: stream.target, links: stream.links, isMovable: stream.isMovable)
    }
  }

  mutating func add(_ id: UInt32, target: String? = nil, isMovable: Bool = true) {
    streams[id] = Stream(target: target, links: [target ?? defaultSink], isMovable: isMovable)
  }

  mutating func apply(_ actions: [Reconciler.Action]) {
    for action in actions {
      switch action {
      case .setTarget(let id, let node): streams[id]?.target = node
      case .clearTarget(let id): streams[id]?.target = nil
      case .report: continue
      }
      written += 1
    }
  }

  mutating func follow() {
    streams = streams.mapValues { stream in
      var stream = stream
      stream.links = [stream.target ?? defaultSink]
      return stream
    }
  }

  mutating func pass(_ duration: HostDuration) { now = now + duration }
}

extension Reconciler {
  /// A step on the toy graph, done there.
  mutating func run(_ graph: inout ToyGraph, _ wanted: [UInt32: Destination]) -> [Action] {
    let actions = step(graph.observed, wanted: wanted, at: graph.now)
    graph.apply(actions)
    return actions
  }
}
