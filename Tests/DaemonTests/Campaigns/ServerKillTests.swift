import AudioCore
import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Servers are killed at random instants under one session, again and again. The session stays what it was, silence
  /// comes on time while there is nothing to hear, and nothing is left over.
  @Suite(.serialized) struct ServerKillTests {
    private final class Field {
      let server: PrivatePipeWire
      let daemon: DaemonUnderTest
      let recorder: PacketRecorder
      let judge: StreamJudge
      private let directory: TemporaryDirectory
      private var player: Child?

      /// - Parameter sink: what is played to; one that the server does not have at its start is made.
      init(sink: String = PrivatePipeWire.sinkName) throws {
        // A sink of the server's own configuration would outlive a session manager, whose successor would wait for it in
        // vain: on a desktop, devices are the session manager's.
        server = try PrivatePipeWire(sinkChannels: sink == PrivatePipeWire.sinkName ? 2 : 0)
        daemon = try DaemonUnderTest(on: server)
        directory = try TemporaryDirectory()
        let file = directory.path + "/tone.wav"
        try TestTone(channels: 2).write(to: file, seconds: 120)
        if sink != PrivatePipeWire.sinkName { try Self.plug(sink, into: server) }
        // Plays again as soon as there is something to play to. A player that outlived the session manager that linked it
        // would never become an item of the next one, which then links nobody, with or without us (WirePlumber 0.4).
        player = try server.start([
          "sh", "-c",
          """
          trap 'kill $player' EXIT
          while :; do
            pw-cat --playback --target \(sink) \(file) & player=$!
            for try in 1 2 3 4 5 6 7 8; do pw-link -l | grep -q 'pw-cat:' && break; sleep 0.05; done
            while kill -0 $player && pw-link -l | grep -q 'pw-cat:'; do sleep 0.05; done
            kill $player
            sleep 0.02
          done
          """,
        ])
        recorder = try PacketRecorder()
        judge = try StreamJudge(recorder, try daemon.open(recorder))
        try daemon.waitUntilHearing()
        #expect(try judge.waitForSound(after: monotonicSeconds()))
      }

      deinit { player?.stop() }

      static func plug(_ sink: String, into server: PrivatePipeWire) throws {
        try server.createSink(sink, channels: 2)
        try server.setDefaultSink(sink)
      }

      func ownNodes() throws -> Int { try server.nodes().count { $0.hasPrefix("streamd") } }

      func conclude(descriptors: Int, memory: Double, nodes: Int) throws {
        try judge.follow()
        #expect(judge.sources.count == 1)
        #expect(judge.sequenceBreaks == 0)
        #expect(judge.timestampFaults == 0)
        #expect(abs(judge.clockOffset) < 0.05, "\(judge.clockOffset)")
        #expect(
          waitUntil(timeout: 10) { daemon.descriptors <= descriptors }, "\(descriptors), now \(daemon.descriptors)")
        #expect(try waitUntil(timeout: 10) { try ownNodes() == nodes })
        let grown = Campaign.memory(of: daemon.pid) - memory
        measured("memory grown", grown, "MB")
        // The first few reconnections each reach a part of the allocator's pools that was not used before.
        if Breadth.isLong { #expect(grown < 2) }
        measured("longest pause between packets", judge.longestPause * 1000, "ms")
      }
    }

    @Test func pipeWireIsKilledAtRandomInstants() throws {
      let field = try Field()
      let rounds = Breadth.rounds(short: 3, long: 50)
      var (returns, losses): ([Double], [Double]) = ([], [])
      // One loss first: what a second connection needs is allocated then.
      var (descriptors, memory, nodes) = (0, 0.0, 0)
      for round in 0...rounds {
        if round == (Breadth.isLong ? 6 : 1) { memory = Campaign.memory(of: field.daemon.pid) }
        if round == 1 {
          descriptors = field.daemon.descriptors
          nodes = try field.ownNodes()
        }
        _ = try field.judge.follow(timeout: Double.random(in: 0.05...0.8)) { false }
        field.judge.beginRound()
        field.server.kill(.pipewire)
        let killed = monotonicSeconds()
        _ = try field.judge.follow(timeout: Double.random(in: 0.2...1.5)) { false }
        // Silence in the place of what is missing, packet by packet.
        #expect(field.judge.lastSound - killed < 0.1)
        #expect(monotonicSeconds() - field.judge.lastArrival < 0.1)
        try field.server.restartServer()
        let ready = monotonicSeconds()
        guard try field.judge.waitForSound(after: ready) else {
          Issue.record("round \(round): no sound again: \(try field.daemon.status())")
          return
        }
        if round > 0 {
          returns.append(max(0, field.judge.holeEnd - ready))
          losses.append(field.judge.longestHole)
        }
      }
      Campaign.report("sound back after the server and its session manager are ready", returns, "s")
      Campaign.report("silence from the kill on", losses, "s")
      #expect(returns.allSatisfy { $0 <= (Breadth.isLong ? 1 : 3) }, "\(returns)")
      #expect(try field.daemon.capture()["heals"]?.intValue ?? 0 > rounds)
      try field.conclude(descriptors: descriptors, memory: memory, nodes: nodes)
    }

    /// The session manager's devices go with it, and it makes them anew. Our own links need no session manager.
    @Test func wirePlumberIsKilledAtRandomInstants() throws {
      let field = try Field(sink: "card")
      let judge = field.judge
      var (descriptors, memory, nodes) = (0, 0.0, 0)
      var returns: [Double] = []
      let rounds = Breadth.rounds(short: 2, long: 20)
      for round in 0...rounds {
        if round == (Breadth.isLong ? 6 : 1) { memory = Campaign.memory(of: field.daemon.pid) }
        if round == 1 {
          descriptors = field.daemon.descriptors
          nodes = try field.ownNodes()
        }
        _ = try judge.follow(timeout: Double.random(in: 0.05...0.8)) { false }
        judge.beginRound()
        field.server.kill(.wirePlumber)
        _ = try judge.follow(timeout: Double.random(in: 0.1...1)) { false }
        #expect(try field.server.links().contains { $0.output.hasPrefix("card:") }, "our links went with it")
        try field.server.destroyNode("card")
        try field.server.restartWirePlumber()
        try Field.plug("card", into: field.server)
        let ready = monotonicSeconds()
        guard try judge.waitForSound(after: ready) else {
          Issue.record("no sound again: \(try field.daemon.capture()), \(try field.server.links())")
          return
        }
        returns.append(max(0, judge.holeEnd - ready))
        #expect(monotonicSeconds() - judge.lastArrival < 0.1)
      }
      Campaign.report("sound back after the session manager and its device", returns, "s")
      #expect(returns.allSatisfy { $0 <= (Breadth.isLong ? 1 : 3) }, "\(returns)")
      try field.conclude(descriptors: descriptors, memory: memory, nodes: nodes)
    }

    /// A session manager that finds our own sink at work must still serve everybody else.
    @Test func aNewSessionManagerFindsOurOwnSink() throws {
      let server = try PrivatePipeWire(sinkChannels: 0)
      try Field.plug("card", into: server)
      let daemon = try DaemonUnderTest(on: server)
      _ = try daemon.client.request("session.open", ["to": "127.0.0.1:9", "host_audio": "mute", "name": "mute"])
      var tone: TonePlayer? = try TonePlayer(server)
      #expect(try waitUntil(timeout: 15) { try daemon.session()["state"] == "live" })
      server.kill(.wirePlumber)
      tone = nil
      try server.destroyNode("card")
      try server.restartWirePlumber()
      try Field.plug("card", into: server)
      try server.setDefaultSink("streamd")
      tone = try TonePlayer(server)
      #expect(try waitUntil(timeout: 15) { try daemon.session()["state"] == "live" })
      withExtendedLifetime(tone) {}
    }
  }
}
