import AudioCore
import CAppRing
import Testing

@testable import AppRings

extension AppRingsTests {
  /// What a graph writes is what an application reads.
  @Suite struct SinkTests {
    @Test(arguments: [1, 2, 6, 8]) func everySampleArrives(channels: Int) throws {
      let rig = try RingRig(.sink, channels: channels, capacity: 2048)
      var dice = Dice(UInt64(100 + channels))
      var written = 0
      var heard = [[Float]](repeating: [], count: channels)
      for _ in 0..<400 {
        let period = [16, 64, 128, 256, 480].randomElement(using: &dice)!
        rig.write(period) { ramp($0, written + $1) }
        written += period
        while written - heard[0].count > 1000 {
          let block = rig.get(Int.random(in: 1...300, using: &dice))
          for channel in 0..<channels { heard[channel] += block[channel] }
        }
      }
      for channel in 0..<channels {
        #expect(heard[channel].enumerated().allSatisfy { $1 == ramp(channel, $0) }, "channel \(channel)")
      }
      let facts = rig.facts
      #expect(heard[0].count > 20_000 && facts.xruns == 0 && facts.faults.isEmpty && facts.isMoving)
      #expect(abs(facts.peak.value - -6.02) < 0.05 && streamd_ring_fill(&rig.end) == UInt32(written - heard[0].count))
      #expect(rig.notice.written == written && rig.notice.writer_beat == 400)
    }

    /// A reader that lags gets one gap with soft edges; the graph never waits.
    @Test func whatDoesNotFitIsLost() throws {
      let rig = try RingRig(.sink, channels: 1, capacity: 1024, low: 256)
      var written = 0
      for _ in 0..<20 {
        rig.write(100) { tone(written + $1) }
        written += 100
      }
      #expect(rig.facts.xruns == 1 && rig.facts.lost.value == 976 && !rig.facts.isMoving)
      var heard = rig.get(700)[0]
      // There is room, but not enough to go on with.
      rig.write(100) { tone(written + $1) }
      written += 100
      #expect(rig.facts.lost.value == 1076 && rig.facts.xruns == 1)
      heard += rig.get(100)[0]
      for _ in 0..<5 {
        rig.write(100) { tone(written + $1) }
        written += 100
      }
      heard += rig.get(2000)[0]
      #expect(rig.facts.lost.value == 1076 && rig.facts.xruns == 1)
      #expect(heard.count == written - 1076 && rig.notice.lost == 1076 && rig.notice.xruns == 1)
      #expect(heard.steepest < 0.07, "\(heard.steepest)")
      #expect(heard[..<900].enumerated().allSatisfy { $1 == tone($0) })
      #expect(heard.suffix(300).enumerated().allSatisfy { $1 == tone(written - 300 + $0) })
    }

    @Test func theBellSaysThatThereIsSound() throws {
      let rig = try RingRig(.sink, capacity: 1024, high: 256)
      var rung: [Bool] = []
      for _ in 0..<4 {
        rig.write(128, ramp)
        rung.append(rig.isRung())
      }
      #expect(rung == [false, true, false, false])
      #expect(rig.get(500)[0].count == 500)
      rig.write(128, ramp)
      #expect(!rig.isRung())
      rig.write(128, ramp)
      #expect(rig.isRung())
    }

    @Test func aReaderThatLiesIsNotBelieved() throws {
      let rig = try RingRig(.sink, capacity: 256)
      rig.write(64, ramp)
      cappring_set_read(&rig.end, 65)
      rig.write(64, ramp)
      #expect(rig.faults(.ahead) == 1 && rig.notice.written == 64)
      cappring_set_read(&rig.end, 64)
      rig.write(64, ramp)
      #expect(rig.notice.written == 64 && rig.faults(.backwards) == 1)
      rig.write(64, ramp)
      #expect(rig.notice.written == 128)
      cappring_set_read(&rig.end, 0)
      rig.write(64, ramp)
      #expect(rig.faults(.backwards) == 2)
      var dice = Dice(7)
      for _ in 0..<20_000 {
        cappring_set_read(&rig.end, hostilePosition(&dice, near: rig.notice.written))
        rig.write(Int.random(in: 1...600, using: &dice), ramp)
      }
      // Believed again at once when it makes sense again.
      for _ in 0..<2 {
        cappring_set_read(&rig.end, rig.notice.written)
        rig.write(16, ramp)
      }
      let frames = rig.facts.frames
      rig.write(16, ramp)
      #expect(rig.facts.frames == frames + 16)
    }

    @Test func aReaderThatHasGoneIsNoticed() throws {
      let rig = try RingRig(.sink, capacity: 256)
      rig.write(64, ramp)
      _ = rig.get(10)
      for _ in 0..<800 { rig.write(64, ramp) }
      #expect(rig.faults(.vanished) == 1 && !rig.facts.isMoving)
      _ = rig.get(256)
      for _ in 0..<2 { rig.write(64, ramp) }
      #expect(rig.facts.isMoving && rig.faults(.vanished) == 1)
      rig.ring.close()
      let written = rig.notice.written
      rig.write(64, ramp)
      #expect(rig.notice.written == written && streamd_ring_wait(&rig.end, 0) == -1)
    }
  }
}

/// Positions of all kinds: near the right one, far from it, and at the ends of what a word can say.
func hostilePosition(_ dice: inout Dice, near position: UInt64) -> UInt64 {
  switch Int.random(in: 0..<8, using: &dice) {
  case 0: .max
  case 1: 0
  case 2: 1 << 63
  case 3: dice.next()
  case 4: position &- UInt64.random(in: 0...2000, using: &dice)
  default: position &+ UInt64.random(in: 0...2000, using: &dice)
  }
}
