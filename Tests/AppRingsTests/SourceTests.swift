import AudioCore
import CAppRing
import Testing

@testable import AppRings

extension AppRingsTests {
  /// What an application writes is what a graph hears.
  @Suite struct SourceTests {
    @Test(arguments: [1, 2, 3, 6, 8]) func everySampleArrives(channels: Int) throws {
      let rig = try RingRig(.source, channels: channels, capacity: 1024, high: 256)
      var dice = Dice(UInt64(channels))
      var written = 0
      var heard = [[Float]](repeating: [], count: channels)
      for _ in 0..<400 {
        while written < heard[0].count + 512 {
          let chunk = Int.random(in: 1...300, using: &dice)
          let (start, count) = (written, rig.put(chunk) { ramp($0, written + $1) })
          #expect(count > 0)
          written = start + count
        }
        let block = rig.read([16, 64, 128, 256, 480].randomElement(using: &dice)!)
        for channel in 0..<channels { heard[channel] += block[channel] }
      }
      for channel in 0..<channels {
        #expect(heard[channel].enumerated().allSatisfy { $1 == ramp(channel, $0) }, "channel \(channel)")
      }
      #expect(heard[0].count > 20_000)
      let facts = rig.facts
      #expect(facts.xruns == 0 && facts.faults.isEmpty && facts.frames == heard[0].count)
      #expect(abs(facts.peak.value - -6.02) < 0.05 && facts.isMoving)
      #expect(facts.fill.value == written - heard[0].count)
      let notice = rig.notice
      #expect(notice.read == heard[0].count && notice.state == STREAMD_RING_RUNNING && notice.read_at > 0)
      #expect(notice.reader_beat == 400)
    }

    /// It begins once `high` frames wait, and a sound that is shorter than that is heard all the same.
    @Test func itBeginsAtTheWatermarkOrWhenNothingFollows() throws {
      let rig = try RingRig(.source, capacity: 1024, high: 512)
      rig.put(500, ramp)
      #expect(rig.read(64)[0].allSatisfy { $0 == 0 })
      rig.put(12) { ramp($0, 500 + $1) }
      #expect(rig.read(64)[0] == (0..<64).map { ramp(0, $0) })
      let short = try RingRig(.source, capacity: 1024, high: 512)
      short.put(100) { _, _ in 0.25 }
      var heard: [Float] = []
      for _ in 0..<40 { heard += short.read(64)[0] }
      #expect(heard.count { $0 == 0.25 } == 100)
      #expect(heard.steepest < 0.26 && short.facts.xruns == 1)
    }

    /// A hole has soft edges, is counted once, and is told to the application. A pause is no hole.
    @Test(arguments: [64, 256, 1024]) func aHoleHasSoftEdges(period: Int) throws {
      let rig = try RingRig(.source, channels: 1, capacity: 4096, high: 1024)
      rig.put(3000) { tone($1) }
      var heard: [Float] = []
      while heard.count < 6144 { heard += rig.read(period)[0] }
      #expect(rig.facts.xruns == 1 && rig.notice.xruns == 1)
      #expect(heard.steepest < 0.07, "\(heard.steepest)")
      #expect(heard[..<3000].enumerated().allSatisfy { $1 == tone($0) })
      #expect(heard[3120...].allSatisfy { $0 == 0 } && heard[3000..<3100].contains { $0 != 0 })
      let silence = heard.count - 3000
      rig.put(4000) { tone(3000 + $1) }
      let start = heard.count
      heard += rig.read(period)[0]
      #expect(heard.steepest < 0.07 && heard[start] != 0 && rig.facts.lost.value == silence)
      #expect(rig.notice.lost == 0 || rig.notice.lost == UInt64(silence))

      for _ in 0..<2 { while rig.facts.fill.value > 0 { rig.read(period) } }
      for _ in 0..<(60_000 / period) { rig.read(period) }
      let lost = rig.facts.lost
      rig.put(2000) { _, _ in 0.5 }
      // After a pause it begins as it was written: a drum keeps its attack.
      #expect(rig.read(period)[0][0] == 0.5 && rig.facts.lost == lost)
    }

    @Test func theBellSaysThatThereIsRoom() throws {
      let rig = try RingRig(.source, capacity: 1024, low: 300, high: 64)
      rig.put(1024, ramp)
      for expected in [false, false, true] {
        rig.read(256)
        #expect(rig.isRung() == expected)
      }
      // It is there already, and nothing was written since.
      rig.read(64)
      #expect(!rig.isRung())
      rig.put(32, ramp)
      rig.read(16)
      #expect(rig.isRung())
      // A wake that was lost is repeated, fifty times a second and not every period.
      var rings = 0
      for _ in 0..<300 {
        rig.read(32)
        if rig.isRung() { rings += 1 }
      }
      #expect(rings >= 9 && rings <= 11)
      cappring_set_waits(&rig.end, 0)
      for _ in 0..<100 { rig.read(32) }
      #expect(!rig.isRung())
      #expect(streamd_ring_wait(&rig.end, 1) == 0)
    }

    @Test func oneGraphAtATimeHasTheEnd() throws {
      let rig = try RingRig(.source, taken: false)
      rig.put(700, ramp)
      #expect(rig.facts.fill.value == 700 && !rig.ring.isInUse && rig.notice.state == STREAMD_RING_IDLE)
      rig.take()
      #expect(rig.ring.isInUse && rig.notice.state == STREAMD_RING_RUNNING)
      let isFree = rig.ring.takeReader() != nil
      #expect(!isFree && rig.ring.takeWriter() == nil)
      #expect(rig.read(64)[0] == (0..<64).map { ramp(0, $0) })
      rig.giveBack()
      #expect(!rig.ring.isInUse && rig.notice.state == STREAMD_RING_IDLE)
      // The next one goes on where the last one stopped.
      rig.take()
      #expect(rig.read(64)[0] == (64..<128).map { ramp(0, $0) })
    }

    @Test func formatsAreChecked() {
      func code(_ make: () throws(RingError) -> RingFormat) -> RingError.Code? {
        do throws(RingError) {
          _ = try make()
          return nil
        } catch {
          return error.code
        }
      }
      #expect(code { () throws(RingError) in try RingFormat(.source, channels: 0, capacity: 64) } == .channels)
      #expect(code { () throws(RingError) in try RingFormat(.source, channels: 9, capacity: 64) } == .channels)
      #expect(code { () throws(RingError) in try RingFormat(.source, channels: 2, capacity: 63) } == .capacity)
      #expect(
        code { () throws(RingError) in
          try RingFormat(.sink, channels: 2, capacity: FrameCount(1_048_577))
        } == .capacity)
      #expect(
        code { () throws(RingError) in
          try RingFormat(.source, channels: 2, rate: SampleRate(hertz: 7999), capacity: 64)
        } == .rate)
      #expect(code { () throws(RingError) in try RingFormat(.source, channels: 2, capacity: 64, low: 64) } == .low)
      #expect(code { () throws(RingError) in try RingFormat(.source, channels: 2, capacity: 64, high: 0) } == .high)
      #expect(code { () throws(RingError) in try RingFormat(.source, channels: 2, capacity: 64, high: 65) } == .high)
      let rounded = try? RingFormat(.source, channels: 2, capacity: 1000)
      #expect(rounded?.capacity == 1024 && rounded?.low == 512 && rounded?.bytes == 4096 + 8 * 1024)
    }
  }
}
