import AudioCore
import AudioIO
import TestSupport
import Testing

@testable import PipeWireIO

/// The capture beside a sink, against a real server.
@Suite(.serialized) struct StreamsTests {
  /// Everything the monitor has, one cycle earlier.
  @Test func onePlayerIsHeardOneCycleBeforeTheMonitor() throws {
    let rig = try StreamsRig(sink: "played")
    let player = NoisePlayer(rig.crowd, number: 1, channels: 2, to: "played")
    try #require(waitUntil(timeout: 15) { player.noise.cycles > 200 })
    rig.compare(players: [player])
    print("one player:", rig.differences, rig.loudFrames, rig.unmatched)
    #expect(rig.loudFrames > 100 * StreamsRig.quantum)
    let period = Int64(StreamsRig.quantum) * 1_000_000_000 / 48_000
    #expect(rig.leads.allSatisfy { abs($0 - period) < period / 4 }, "\(rig.leads.max() ?? 0)")
    #expect(rig.differences.allSatisfy { $0.frames <= StreamsRig.quantum && $0.missed == ["player-1"] })
    #expect(rig.differences.count <= 1)
    #expect(rig.streamsStream?.report.unheard.isEmpty == true)
  }

  /// Twenty players for twenty seconds: nothing is missed but, at a link's first cycle, one period.
  @Test func crowdIsHeardAsTheMonitorHearsIt() throws {
    let rig = try StreamsRig(sink: "played")
    let crowd = Crowd(rig, sinks: ["played", PrivatePipeWire.sinkName], size: 20)
    let end = monotonicSeconds() + 20
    while monotonicSeconds() < end {
      try crowd.act()
      _ = waitUntil(timeout: 0.12) { false }
      rig.compare(players: crowd.players)
    }
    print("crowd:", crowd.deeds, "frames", rig.comparedFrames, "loud", rig.loudFrames, "unmatched", rig.unmatched)
    for difference in rig.differences { print("  ", difference) }
    print(rig.unheard.unheard, rig.unheard.states)
  }
}
