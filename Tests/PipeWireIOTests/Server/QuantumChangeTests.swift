import AudioCore
import AudioIO
import TestSupport
import Testing

@testable import PipeWireIO

/// The graph's cycle changes under a capture beside a sink: not a sample of what is played may be missed.
@Suite(.serialized) struct QuantumChangeTests {
  @Test func changesOfTheQuantumCostNotASample() throws {
    let server = try PrivatePipeWire.start(sinkChannels: 2)
    defer { server.stop() }
    try server.setQuantum(256)
    let crowd = try PipeWireConnection(remote: server.remote) { _ in }
    let backend = try PipeWireBackend(remote: server.remote)
    let tape = CycleTape(channels: 2)
    let stream = try backend.open(
      StreamRequest(role: .streams(of: .defaultSink), name: "streamd-streams", description: "streams"), client: tape,
      events: { _ in })
    try stream.start()
    defer { stream.stop() }
    let player = NoisePlayer(crowd, number: 1, channels: 2, to: PrivatePipeWire.sinkName)
    defer { player.leave() }
    try #require(waitUntil(timeout: 15) { player.noise.cycles > 300 })
    _ = tape.take()
    let growing = [1024, 512, 1024, 256, 64, 1024, 256]
    for quantum in growing {
      try server.setQuantum(quantum)
      _ = waitUntil(timeout: 0.6) { false }
    }
    let cycles = tape.take()
    #expect(tape.droppedCycles == 0)
    #expect(cycles.count { $0.isRepaired } >= 3, "nothing was repaired")
    let unreported = breaks(in: cycles, of: player)
    #expect(unreported.isEmpty, "\(unreported)")
    #expect(cycles.count { $0.jumped } < cycles.count / 20)
  }

  /// Where the sound, or the time it is due, does not go on although nothing was reported.
  private func breaks(in cycles: [CycleTape.Cycle], of player: NoisePlayer) -> [String] {
    var found: [String] = []
    var place: Int64?
    for (before, cycle) in zip(cycles, cycles.dropFirst()) {
      let isReported = cycle.jumped || cycle.position != before.position + Int64(before.frames)
      let start = place.flatMap { plays(cycle, $0, player) ? $0 : nil }
      if place != nil, start == nil, !isReported {
        found.append("\(cycle.frames) frames at \(cycle.position) after \(before.frames)")
      }
      let due = before.time + Int64(before.frames) * 1_000_000_000 / 48_000
      if !isReported, abs(cycle.time - due) > 2_000_000 {
        found.append("due \((cycle.time - due) / 1_000_000) ms late at \(cycle.position)")
      }
      // Found again anywhere near, after a loss.
      let near = (place ?? player.noise.start(at: cycle.time)?.place ?? 0)
      let begin = start ?? (-20_000...20_000).lazy.map { near + $0 }.first { plays(cycle, $0, player) }
      place = begin.map { $0 + Int64(cycle.frames) }
    }
    return found
  }

  private func plays(_ cycle: CycleTape.Cycle, _ place: Int64, _ player: NoisePlayer) -> Bool {
    place >= 0
      && (0..<cycle.frames).allSatisfy {
        cycle.samples[$0] == Noise.sample(player.noise.seed, 0, place + Int64($0))
      }
  }
}
