import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// The server is killed under the source, with and without somebody talking. The daemon stays, the source returns.
  @Suite(.serialized) struct MicServerKillTests {
    @Test func theSourceReturns() throws {
      let field = try MicField()
      let opened = try field.openSealed()
      let voice = try MicVoice(opened.wire)
      defer { voice.stop() }
      try field.waitUntilHeard(opened.id)
      let pid = field.daemon.pid
      var (descriptors, memory) = (0, 0.0)
      var returns: [Double] = []
      let rounds = Breadth.rounds(short: 2, long: 50)
      // Two losses first, one of each kind: what a second connection needs is allocated then.
      for round in 0..<rounds + 2 {
        if round == 2 { (descriptors, memory) = (field.daemon.descriptors, Campaign.memory(of: pid)) }
        voice.mode = round % 2 == 0 ? .talking : .quiet
        let before = round % 2 == 0 ? try RecordedTail(field.server) : nil
        usleep(useconds_t.random(in: 50_000...500_000))
        field.server.kill(.pipewire)
        before?.stop()
        #expect(try waitUntil(timeout: 10) { try field.report()["state"] == "degraded" })
        usleep(useconds_t.random(in: 0...500_000))
        try field.server.restartServer()
        let ready = monotonicSeconds()
        guard try waitUntil(timeout: 15, { try field.isReady() }) else {
          Issue.record("round \(round): \(try field.report()), \(field.daemon.log.suffix(2000))")
          return
        }
        if round > 1 { returns.append(monotonicSeconds() - ready) }
        #expect(try field.server.nodes().count { $0 == MicField.source } == 1)
        try field.server.setQuantum(256)
        voice.mode = .talking
        let tail = try RecordedTail(field.server)
        defer { tail.stop() }
        let heard = waitUntil(timeout: 15) { Array(tail.samples.suffix(960)).contains { abs($0) > 0.09 } }
        if !heard { Issue.record("round \(round): \(try field.mic(opened.id))") }
        let verdict = try #require(tail.settled(frequency: 997))
        #expect(abs(verdict.level + 20) < 0.3 && verdict.residual < -40, "round \(round): \(verdict)")
      }
      Campaign.report("source back after the server and its session manager are ready", returns, "s")
      #expect(returns.allSatisfy { $0 <= 2 }, "\(returns)")
      #expect(field.daemon.pid == pid && field.daemon.wait(timeout: 0) == nil)
      #expect(try field.mic(opened.id)["restarts"] == 0)
      #expect(
        waitUntil(timeout: 10) { field.daemon.descriptors <= descriptors },
        "\(descriptors), now \(field.daemon.descriptors)")
      let grown = Campaign.memory(of: pid) - memory
      measured("memory grown", grown, "MB")
      #expect(grown < 4)
    }

    /// The session manager goes and comes: our source is still there for whoever asks for it.
    @Test func aNewSessionManagerFindsTheSource() throws {
      let field = try MicField(devices: false)
      let opened = try field.openSealed()
      let voice = try MicVoice(opened.wire)
      defer { voice.stop() }
      for _ in 0..<2 {
        field.server.kill(.wirePlumber)
        try field.server.restartWirePlumber()
        let tail = try RecordedTail(field.server)
        let verdict = try #require(tail.settled(frequency: 997))
        #expect(abs(verdict.level + 20) < 0.3 && verdict.residual < -40, "\(verdict)")
        tail.stop()
      }
    }
  }
}
