import AudioCore

@testable import PipeWireIO

/// When each player was linked to a sink and when not, as an onlooker sees it.
final class LinkLog: GraphFollower {
  private let connection: PipeWireConnection
  private let sink: String
  private var standing: [UInt32: String] = [:]
  private var changes: [String: [HostTime]] = [:]

  init(_ connection: PipeWireConnection, sink: String) {
    self.connection = connection
    self.sink = sink
    connection.locked { connection.attach(self) }
  }

  func stop() { connection.locked { connection.detach(self) } }

  /// Links of this player that came or went shortly before or after.
  func hasChange(of player: String, near time: Int64, within: HostDuration = .milliseconds(100)) -> Bool {
    connection.locked {
      (changes[player] ?? []).contains { abs($0.nanoseconds - time) < within.nanoseconds }
    }
  }

  /// Whose links came or went around a time.
  func players(changedNear time: Int64, within: HostDuration = .milliseconds(100)) -> [String] {
    connection.locked {
      changes.filter { $0.value.contains { abs($0.nanoseconds - time) < within.nanoseconds } }.keys.sorted()
    }
  }

  /// Thread: loop.
  func graphChanged() {
    let graph = connection.graph
    let now = renderNow()
    var found: [UInt32: String] = [:]
    for link in graph.links.values {
      guard let input = graph.ports[link.input], graph.nodes[input.node]?.name == sink,
        let output = graph.ports[link.output], let player = graph.nodes[output.node]
      else { continue }
      found[link.id] = player.name
    }
    for (link, player) in found where standing[link] == nil { changes[player, default: []].append(now) }
    for (link, player) in standing where found[link] == nil { changes[player, default: []].append(now) }
    standing = found
  }

  func serverLost() { standing = [:] }
}
