import Control
import Glibc
import Synchronization
import TestSupport
import Testing

extension DaemonTests {
  /// Nothing is heard that should not be: what is stale, and whoever is muted.
  @Suite(.serialized) struct MicMuteTests {
    /// 600 ms in which nothing arrives. What was said meanwhile, at another pitch, is not heard later.
    @Test(arguments: Breadth.of([MicVoice.Mode.lost, .stalled], brief: [.stalled])) func nothingStaleIsHeard(
      gap: MicVoice.Mode
    ) throws {
      let field = try MicField()
      let opened = try field.openSealed()
      let (usual, other) = (MicVoice.tone(), MicVoice.tone(2503))
      let box = Switch()
      let voice = try MicVoice(opened.wire, sound: { box.isOn.load(ordering: .relaxed) ? other($0) : usual($0) })
      defer { voice.stop() }
      let tail = try RecordedTail(field.server)
      defer { tail.stop() }
      _ = tail.next(seconds: 1)
      for round in 0..<3 {
        let before = try field.mic(opened.id)
        voice.mode = gap
        usleep(30_000)
        let start = tail.count
        box.isOn.store(true, ordering: .relaxed)
        usleep(560_000)
        box.isOn.store(false, ordering: .relaxed)
        usleep(30_000)
        voice.mode = .talking
        _ = tail.next(seconds: 1.2)
        let samples = Array(tail.samples[start...])
        // Twenty milliseconds at a time.
        let stale = stride(from: 0, to: samples.count - 960, by: 960).count {
          ToneAnalysis.level(of: 2503, in: samples[$0..<$0 + 960], rate: 48_000) > -40
        }
        measured("\(gap), round \(round): stale sound", Double(stale) * 20, "ms")
        let after = try field.mic(opened.id)
        measured("delay before", before["delay_ms"]?.doubleValue ?? -1, "ms")
        measured("delay after", after["delay_ms"]?.doubleValue ?? -1, "ms")
        // What had not been due yet when the network came back may be heard; none of it is old.
        #expect(Double(stale) * 20 <= (gap == .lost ? 0 : 120))
        let verdict = try #require(ToneVerdict(bestOf: Array(samples.suffix(9600)), frequency: 997))
        #expect(abs(verdict.level + 20) < 0.3, "\(verdict)")
        #expect(after["delay_ms"]?.doubleValue ?? .infinity < 200, "\(after)")
      }
    }

    /// Everybody at once, and one client. Muted means zeros, from the next cycle on.
    @Test(arguments: Breadth.of([true, false], brief: [true])) func muteIsSilentAtOnce(everybody: Bool) throws {
      let field = try MicField()
      let opened = try field.openSealed()
      let voice = try MicVoice(opened.wire)
      defer { voice.stop() }
      let tail = try RecordedTail(field.server)
      defer { tail.stop() }
      let target: JSONObject = everybody ? [:] : ["mic": .string(opened.id)]
      var rests: [Double] = []
      for _ in 0..<5 {
        #expect(waitUntil(timeout: 10) { Array(tail.samples.suffix(960)).contains { abs($0) > 0.09 } })
        _ = tail.next(seconds: 0.3)
        let before = tail.count
        _ = try field.daemon.client.request("mic.update", target.with(["muted": true]))
        let answered = tail.count
        _ = tail.next(seconds: 0.5)
        let samples = tail.samples
        let last = samples[before...].lastIndex { $0 != 0 } ?? before
        rests.append(Double(max(0, last + 1 - answered)) / 256)
        #expect(samples[(last + 1)...].count > 12_000, "digital silence is missing")
        let state = try field.mic(opened.id)["state"]
        #expect(state == "muted")
        if everybody { #expect(try field.report()["state"] == "muted") }
        let muted = try field.mic(opened.id)["muted_packets"]?.intValue ?? 0
        #expect(muted > 10)
        _ = try field.daemon.client.request("mic.update", target.with(["muted": false]))
      }
      rests.sort()
      print("measured: cycles with sound after the answer to mute: \(rests)")
      // One cycle fades, one may have been on its way to the recorder.
      #expect(rests[rests.count / 2] <= 3, "\(rests)")
      #expect(waitUntil(timeout: 10) { Array(tail.samples.suffix(960)).contains { abs($0) > 0.09 } })
    }

    @Test func whoStartsMutedIsNotHeard() throws {
      let field = try MicField()
      let opened = try field.openSealed(["muted": true])
      let voice = try MicVoice(opened.wire)
      defer { voice.stop() }
      #expect(try waitUntil(timeout: 10) { try field.mic(opened.id)["muted_packets"]?.intValue ?? 0 > 20 })
      let tail = try RecordedTail(field.server)
      defer { tail.stop() }
      #expect(tail.next(seconds: 1).allSatisfy { $0 == 0 })
      _ = try field.daemon.client.request("mic.update", ["mic": .string(opened.id), "muted": false])
      #expect(waitUntil(timeout: 10) { Array(tail.samples.suffix(960)).contains { abs($0) > 0.09 } })
    }
  }
}

private final class Switch: Sendable {
  let isOn = Atomic<Bool>(false)
}
