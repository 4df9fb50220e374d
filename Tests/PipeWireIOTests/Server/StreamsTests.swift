import AudioCore
import AudioIO
import TestSupport
import Testing

@testable import PipeWireIO

/// The capture beside a sink, against a real server.
@Suite(.serialized) struct StreamsTests {
  /// Everything the monitor has, one cycle earlier.
  @Test func onePlayerIsHeardOneCycleBeforeTheMonitor() throws {
    let rig = try StreamsRig()
    let player = NoisePlayer(rig.crowd, number: 1, channels: 2, to: rig.sink)
    try #require(waitUntil(timeout: 15) { player.noise.cycles > 300 })
    rig.compare(players: [player])
    #expect(rig.count.loudFrames > 100 * rig.quantum, "\(rig.count)")
    let period = Int64(rig.quantum) * 1_000_000_000 / 48_000
    let lead = rig.leads.sorted()[rig.leads.count / 2]
    #expect(abs(lead - period) < period / 4, "\(lead) ns")
    check(rig)
    #expect(rig.stream.report.unheard.isEmpty)
  }

  /// Twenty players for ten seconds. Short form: a busy machine delays our links and the server's cycles, so only the
  /// amount is judged, not each difference.
  @Test func crowdIsHeardAsTheMonitorHearsIt() throws {
    let rig = try StreamsRig()
    try watch(rig, size: 20, seconds: 10, pace: 0.12)
    let differing = rig.differences.reduce(0) { $0 + $1.frames }
    #expect(differing * 33 < rig.count.frames, "\(rig.count)")
  }

  /// The same judged difference by difference: nothing is missed but, at a link's first cycle, one period.
  @Test(.enabled(if: Environment.current["STREAMS_SOAK"] != nil)) func crowdIsHeardButForFirstCycles() throws {
    let rig = try StreamsRig()
    check(rig, deeds: try watch(rig, size: 20, seconds: 20, pace: 0.12).deeds.all)
  }

  /// The long form: STREAMS_SOAK=600 for ten minutes of three hundred players.
  @Test(.enabled(if: Environment.current["STREAMS_SOAK"] != nil)) func greatCrowdForLong() throws {
    let seconds = Environment.current["STREAMS_SOAK"].flatMap { Double($0) } ?? 600
    let rig = try StreamsRig(quantum: 1024)
    check(rig, deeds: try watch(rig, size: 300, seconds: seconds, pace: 0.03).deeds.all, surplus: 9600)
  }

  @discardableResult
  private func watch(_ rig: StreamsRig, size: Int, seconds: Double, pace: Double) throws -> Crowd {
    let crowd = Crowd(rig, sinks: [rig.sink, PrivatePipeWire.sinkName], size: size)
    let end = monotonicSeconds() + seconds
    while monotonicSeconds() < end {
      try crowd.act()
      _ = waitUntil(timeout: pace) { false }
      rig.compare(players: crowd.players)
    }
    print("crowd of \(size): \(crowd.deeds); \(rig.count); \(rig.differences.count) differences")
    print(
      "  \(rig.differences.count { !$0.missed.isEmpty && !$0.isLost }) missed, "
        + "\(rig.differences.count { $0.missed.isEmpty && !$0.isLost }) surplus or unknown, "
        + "longest \(rig.differences.map(\.frames).max() ?? 0) frames; \(rig.stream.report.unlikeCycles) cycles unlike, "
        + "\(rig.stream.report.cycles) in all")
    for difference in rig.differences { print("  \(difference) \(crowd.deeds(before: difference.time))") }
    #expect(rig.count.loudFrames > rig.count.frames / 2, "\(rig.count)")
    #expect(rig.monitor.droppedCycles == 0 && rig.streams.droppedCycles == 0)
    #expect(rig.log.unheard.isEmpty, "\(rig.log.unheard)")
    #expect(!rig.log.states.contains { if case .waiting(let error) = $0 { error.code == .foreignLink } else { false } })
    return crowd
  }

  /// Every difference is one period of named players at the moment their links came or went.
  private func check(_ rig: StreamsRig, deeds: Int = 0, surplus: Int = 0) {
    for difference in rig.differences where !difference.isLost {
      // What is missed is a period at most. A player that leaves is let go when our loop thread gets its turn.
      let limit = difference.missed.isEmpty ? max(rig.quantum, surplus) : rig.quantum
      #expect(difference.frames <= limit, "\(difference)")
      let players = difference.missed.union(difference.surplus)
      // A first cycle may be too young to be known by its sound: then the links say who it was.
      if players.isEmpty { #expect(!rig.links.players(changedNear: difference.time).isEmpty, "\(difference)") }
      // A surplus is the sink's loss: it may take up a player that resumes a cycle later than we do.
      for player in difference.missed {
        #expect(rig.links.hasChange(of: player, near: difference.time), "\(difference): \(player)")
      }
    }
    // In a cycle during which a player comes, ends or pauses, the server may wait for it in vain and run our node not at
    // all: that is repaired. What is left are neighbouring cycles of which the first is lost.
    #expect(rig.count.lostBlocks * 100 <= 100 + deeds, "\(rig.count)")
  }
}
