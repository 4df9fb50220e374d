import AudioIO
import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// The default sink goes to and fro between two sinks that both play; and sinks come and go.
  @Suite(.serialized) struct DefaultSinkChangeTests {
    @Test func theDefaultSinkChangesUnderASession() throws {
      let server = try PrivatePipeWire()
      try server.createSink("other", channels: 2)
      let daemon = try DaemonUnderTest(on: server)
      // The session manager may move one to the other's sink: of one pitch they could cancel.
      let tones = try [(PrivatePipeWire.sinkName, 997.0), ("other", 1499.0)].map {
        try TonePlayer(server, frequency: $1, to: .named($0))
      }
      let recorder = try PacketRecorder()
      let judge = try StreamJudge(recorder, try daemon.open(recorder))
      try daemon.waitUntilHearing()
      #expect(try judge.waitForSound(after: monotonicSeconds()))
      let rounds = Breadth.rounds(short: 6, long: 100)
      let heals = try daemon.capture()["heals"]?.intValue ?? -1
      var (descriptors, memory) = (0, 0.0)
      var (delays, holes): ([Double], [Double]) = ([], [])
      for round in 0..<rounds {
        if round == 2 { descriptors = daemon.descriptors }
        if round == 10 { memory = Campaign.memory(of: daemon.pid) }
        let name = round % 2 == 0 ? "other" : PrivatePipeWire.sinkName
        _ = try judge.follow(timeout: Double.random(in: 0.05...0.3)) { false }
        judge.beginRound()
        let asked = monotonicSeconds()
        try server.setDefaultSink(name)
        let followed = try judge.follow(timeout: 10) { try daemon.capture()["device"]?.stringValue == name }
        #expect(followed)
        delays.append(monotonicSeconds() - asked)
        if try !judge.waitForSound(after: monotonicSeconds(), timeout: 3) {
          Issue.record("round \(round): silence at \(name); \(try server.links())")
        }
        holes.append(judge.longestHole)
      }
      Campaign.report("following a change, with the tool that asks for it", delays, "s")
      Campaign.report("silence at a change", holes, "s")
      #expect(holes.allSatisfy { $0 <= 0.2 }, "\(holes)")
      #expect(judge.sequenceBreaks == 0 && judge.timestampFaults == 0)
      #expect(try waitUntil(timeout: 5) { try daemon.capture()["heals"]?.intValue == heals + rounds })
      #expect(waitUntil(timeout: 10) { daemon.descriptors <= descriptors }, "\(descriptors), now \(daemon.descriptors)")
      if Breadth.isLong { #expect(Campaign.memory(of: daemon.pid) - memory < 2) }
      withExtendedLifetime(tones) {}
    }

    /// The captured sink goes and comes back under the same name.
    @Test func theCapturedSinkGoesAndReturns() throws {
      let server = try PrivatePipeWire()
      try server.createSink("other", channels: 2)
      let daemon = try DaemonUnderTest(on: server)
      let recorder = try PacketRecorder()
      let judge = try StreamJudge(recorder, try daemon.open(recorder, ["target": "sink:other"]))
      try daemon.waitUntilHearing()
      for _ in 0..<Breadth.rounds(short: 2, long: 20) {
        let tone = try TonePlayer(server, to: .named("other"))
        #expect(try judge.waitForSound(after: monotonicSeconds()))
        tone.stop()
        try server.destroyNode("other")
        #expect(try judge.follow(timeout: 10) { try daemon.status()["problems"]?[0]?["code"] == "sink_not_found" })
        try server.createSink("other", channels: 2)
        try daemon.waitUntilHearing()
      }
      let last = try daemon.capture()["last_heal"]
      #expect(last?["cause"] == "sink_not_found" && last?["device"] == "other", "\(String(describing: last))")
      #expect(judge.sequenceBreaks == 0 && judge.timestampFaults == 0)
    }
  }
}
