import AudioCore
import AudioIO
import TestSupport
import Testing

@testable import PipeWireIO

/// What may and may not reach a capture beside a sink.
@Suite(.serialized) struct StreamsGateTests {
  private func inputs(_ rig: StreamsRig) throws -> Set<String> {
    Set(
      try rig.server.links().filter { $0.input.hasPrefix("streamd-streams:") && !$0.input.contains("_T") }
        .map(\.output))
  }

  /// A link somebody else makes shuts the gate, is said and is gone; nothing of it is recorded.
  @Test func foreignLinkIsRefused() throws {
    let rig = try StreamsRig()
    rig.stopMonitor()
    #expect(try inputs(rig).isEmpty)
    let microphone = try #require(try rig.server.ports().first { $0.hasPrefix("private-mic:capture") })
    _ = rig.streams.take()
    try rig.server.run(["pw-link", microphone, "streamd-streams:input_FL"])
    try #require(
      waitUntil(timeout: 10) {
        rig.log.states.contains { if case .waiting(let error) = $0 { error.code == .foreignLink } else { false } }
      }, "\(rig.log.states)")
    try #require(waitUntil(timeout: 10) { rig.isRunning })
    #expect(try inputs(rig).isEmpty)
    #expect(rig.streams.take().allSatisfy { $0.samples.allSatisfy { $0 == 0 } })
  }

  /// A microphone the sink plays is heard, as in the monitor, and no longer than that.
  @Test func microphoneThatTheSinkPlaysIsHeard() throws {
    let rig = try StreamsRig()
    let microphone = try #require(try rig.server.ports().first { $0.hasPrefix("private-mic:capture") })
    try rig.server.run(["pw-link", microphone, "\(rig.sink):playback_FR"])
    try #require(waitUntil(timeout: 10) { (try? inputs(rig)) == [microphone] })
    _ = rig.streams.take()
    try #require(waitUntil(timeout: 10) { rig.streams.take().contains { $0.samples.contains { $0 != 0 } } })
    try rig.server.run(["pw-link", "-d", microphone, "\(rig.sink):playback_FR"])
    try #require(waitUntil(timeout: 10) { (try? inputs(rig)) == [] })
    #expect(!rig.log.states.contains { if case .waiting(let error) = $0 { error.code == .foreignLink } else { false } })
  }

  /// A loopback into the sink is a source like any other.
  @Test func loopbackIntoTheSinkIsHeard() throws {
    let rig = try StreamsRig()
    let loopback = try rig.server.start([
      "pw-loopback", "--capture", PrivatePipeWire.microphoneName, "--playback", rig.sink, "-n", "hall",
    ])
    defer { loopback.stop() }
    try #require(waitUntil(timeout: 10) { (try? inputs(rig))?.count == 2 })
    _ = rig.streams.take()
    try #require(waitUntil(timeout: 10) { rig.streams.take().contains { $0.samples.contains { $0 != 0 } } })
  }

  /// A link of ours that somebody removes is made again.
  @Test func removedLinkIsMadeAgain() throws {
    let rig = try StreamsRig()
    let player = NoisePlayer(rig.crowd, number: 1, channels: 2, to: rig.sink)
    try #require(waitUntil(timeout: 10) { (try? inputs(rig))?.count == 2 })
    try rig.server.run(["pw-link", "-d", "player-1:output_FL", "streamd-streams:input_FL"])
    try #require(waitUntil(timeout: 10) { (try? inputs(rig))?.count == 2 })
    player.leave()
  }

  /// Our links keep nothing awake: without players no cycle runs, and the first one is heard from its first cycle but one.
  @Test func idleSinkStaysIdle() throws {
    let rig = try StreamsRig()
    rig.stopMonitor()
    try #require(
      waitUntil(timeout: 10) {
        let before = rig.streams.count
        _ = waitUntil(timeout: 0.3) { false }
        return rig.streams.count == before
      }, "the sink still runs")
    #expect(rig.isRunning)
    for number in 1...8 {
      let player = NoisePlayer(rig.crowd, number: number, channels: 2, to: rig.sink)
      try #require(waitUntil(timeout: 10) { player.noise.cycles > 40 })
      let heard = rig.streams.take().filter { $0.samples.contains { $0 != 0 } }
      let first = try #require(heard.first)
      // The player's cycle of that moment, counted from its own first.
      let period = Int64(rig.quantum) * 1_000_000_000 / 48_000
      let start = try #require(player.noise.start(at: first.time - period))
      print("player \(number): first heard after \(start.place) frames")
      #expect(start.place <= Int64(rig.quantum))
      player.leave()
      _ = waitUntil(timeout: 0.5) { false }
      _ = rig.streams.take()
    }
  }
}
