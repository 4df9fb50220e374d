import AudioCore
import CRenderGuard
import Control
import Glibc
import PipeWireIO
import TestSupport
import Testing
import VirtualMic
import Wire
import Wiring

extension DaemonTests {
  /// What clients' microphones cost.
  @Suite(.serialized) struct MicLoadTests {
    /// Processor time of the whole daemon: with nobody, with clients that are silent, with one that talks and with four.
    @Test func processorTimeOfTalkers() throws {
      let field = try MicField()
      let seconds = Breadth.isLong ? 10.0 : 1
      func share() throws -> Double {
        let start = (cpu: try Self.cpuSeconds(field.daemon.pid), time: monotonicSeconds())
        usleep(useconds_t(seconds * 1e6))
        return (try Self.cpuSeconds(field.daemon.pid) - start.cpu) / (monotonicSeconds() - start.time) * 100
      }
      let nobody = try share()
      let first = try field.openSealed()
      let opened = [first] + (try (1..<4).map { _ in try field.openSealed(["port": JSON(Int(first.wire.port))]) })
      let idle = try share()
      let unheard = try MicVoice(opened[0].wire)
      try field.waitUntilHeard(opened[0].id)
      let unrecorded = try share()
      let tail = try RecordedTail(field.server)
      defer { tail.stop() }
      let one = try share()
      let more = try zip(opened.dropFirst(), [701.0, 1499, 1999]).map {
        try MicVoice($0.wire, sound: MicVoice.tone($1))
      }
      for one in opened { try field.waitUntilHeard(one.id) }
      let four = try share()
      for voice in more + [unheard] { voice.stop() }
      measured("processor, no client", nobody, "%")
      measured("processor, 4 silent clients", idle, "%")
      measured("an idle client costs", (idle - nobody) / 4, "%")
      measured("processor, 1 talks and nobody records", unrecorded, "%")
      measured("processor, 1 talks", one, "%")
      measured("processor, 4 talk", four, "%")
      measured("a further talker costs", (four - one) / 3, "%")
      // Silent clients wake nobody up: what they cost is lost in what the daemon does anyway.
      let before = try Self.wakes(field.daemon.pid)
      usleep(1_000_000)
      let after = try Self.wakes(field.daemon.pid)
      #expect(before["streamd-mic-in"] != nil)
      #expect((after["streamd-mic-in"] ?? 0) - (before["streamd-mic-in"] ?? 0) <= 2, "\(before) \(after)")
    }

    /// Seconds of voices, one that comes and goes and one that is muted now and then: the cycles in which they are
    /// heard neither allocate nor free nor lock.
    @Test(.enabled(if: render_guard_available() != 0, "the guard is not in this build"))
    func theRenderThreadBreaksNoRule() throws {
      let server = try PrivatePipeWire(microphone: true)
      try server.setQuantum(256)
      let backend = try PipeWireBackend(remote: server.remote)
      let names = Uplink.Names(node: MicField.source, description: MicField.description, channels: 1)
      let uplink = try Uplink(backend: backend, names: names) { _ in }
      defer { uplink.stop() }
      func open(_ session: UInt32, port: UInt16) throws -> (TalkerID, SealedWire) {
        let talker = uplink.makeTalker()
        let key = try MicKey(from: GameStreamKey(hexadecimal: MicField.secret), session: session)
        let opened = try uplink.open(
          MicTerms(talker: talker, kind: .sealed(key: key, session: session)), channels: 1, bind: nil, port: port)
        uplink.admit(talker, ownSource: nil, muted: false)
        return (talker, try SealedWire(port: opened, session: session))
      }
      let (steady, wire) = try open(1, port: 0)
      let voice = try MicVoice(wire)
      defer { voice.stop() }
      let tail = try RecordedTail(server)
      defer { tail.stop() }
      #expect(waitUntil(timeout: 15) { Array(tail.samples.suffix(960)).contains { abs($0) > 0.09 } })
      render_guard_reset()
      let start = tail.count
      let rounds = Breadth.rounds(short: 4, long: 10)
      for round in 0..<rounds {
        let (talker, wire) = try open(UInt32(10 + round), port: wire.port)
        let other = try MicVoice(wire, sound: MicVoice.tone(1499))
        usleep(500_000)
        uplink.setMuted(round % 2 == 0, of: steady)
        _ = uplink.report
        _ = uplink.device(MicField.source)
        usleep(500_000)
        uplink.setMuted(round % 3 == 0)
        other.stop()
        uplink.close(talker, ownSource: nil)
      }
      let sections = render_guard_sections()
      let hits = (0..<Int32(RENDER_GUARD_KINDS)).map { render_guard_hits_of($0) }
      measured("render sections under the guard", Double(sections), "")
      #expect(sections > 150 * UInt64(rounds))
      #expect(hits.allSatisfy { $0 == 0 }, "allocations, releases, locks, sleeps: \(hits)")
      #expect(tail.samples[start...].contains { abs($0) > 0.09 })
    }

    /// Of all its threads so far.
    private static func cpuSeconds(_ pid: pid_t) throws -> Double {
      let lines = try Child.run(["sh", "-c", "cat /proc/\(pid)/task/*/schedstat"]).standardOutput.split(separator: "\n")
      return lines.reduce(0) { $0 + (Double($1.split(separator: " ").first ?? "") ?? 0) } / 1e9
    }

    /// How often each of its threads has gone to sleep so far, by name.
    private static func wakes(_ pid: pid_t) throws -> [String: Int] {
      let files = try Child.run(["sh", "-c", "cat /proc/\(pid)/task/*/status"]).standardOutput
      var (found, name): ([String: Int], String) = ([:], "")
      for line in files.split(separator: "\n") {
        if line.hasPrefix("Name:") { name = String(line.dropFirst(6)) }
        guard line.hasPrefix("voluntary_ctxt_switches:"), let count = line.split(separator: "\t").last else { continue }
        found[name, default: 0] += Int(count) ?? 0
      }
      return found
    }
  }
}
