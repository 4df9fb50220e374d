import AudioCore
import Capture
import Testing

@Suite struct PacerTests {
  private static let origin = HostTime(nanoseconds: 1_000_000_000_000)

  /// Departures of packets whose sound comes in cycles of `quantum`, each up to `jitter` late.
  private func departures(
    _ pacer: inout Pacer, quantum: Int, count: Int, jitter: HostDuration = .zero, ppm: Int64 = 0
  ) -> [HostTime] {
    var generator = SplitMix(seed: 7)
    var sent: [HostTime] = []
    var now = Self.origin
    for index in 0..<count {
      let first = index * 240
      let nominal = FrameCount(first).duration(at: .codec)
      let captured = Self.origin + nominal + nominal * ppm / 1_000_000
      // A block is there when its cycle begins; the packet is whole with the block that holds its last frame.
      let cycle = FrameCount((first + 239) / quantum * quantum).duration(at: .codec)
      let late = HostDuration(nanoseconds: Int64(generator.next() % UInt64(jitter.nanoseconds + 1)))
      let ready = Self.origin + cycle + cycle * ppm / 1_000_000 + late
      now = max(now, ready)
      let release = pacer.release(capturedAt: captured, cycle: FrameCount(quantum), now: now)
      now = max(now, release)
      sent.append(now)
    }
    return sent
  }

  private func gaps(_ times: [HostTime]) -> [Double] {
    zip(times.dropFirst(), times).map { ($0 - $1).milliseconds }
  }

  @Test(arguments: [64, 128, 256, 480]) func shortCyclesAreSentAsTheyAreReady(quantum: Int) {
    var pacer = Pacer(mode: .auto, frame: 240)
    for index in 0..<100 {
      let now = Self.origin + .milliseconds(Int64(index) * 5)
      #expect(pacer.release(capturedAt: now - .milliseconds(3), cycle: FrameCount(quantum), now: now) == now)
    }
    #expect(!pacer.isEven)
  }

  @Test(arguments: [512, 1024, 2048, 8192]) func longCyclesAreSpread(quantum: Int) {
    var pacer = Pacer(mode: .auto, frame: 240)
    let sent = departures(&pacer, quantum: quantum, count: 4000, jitter: .milliseconds(1))
    #expect(pacer.isEven)
    // Once the delay has been learnt.
    let settled = gaps(Array(sent.dropFirst(1000)))
    #expect(settled.allSatisfy { abs($0 - 5) <= 1 })
    let worst = settled.map { abs($0 - 5) }.sorted()[settled.count * 99 / 100]
    #expect(worst < 0.5)
  }

  @Test(arguments: [-200, 200] as [Int64]) func theRateIsTheGraphs(ppm: Int64) {
    var pacer = Pacer(mode: .even, frame: 240)
    let sent = departures(&pacer, quantum: 1024, count: 40_000, ppm: ppm)
    let lasted = (sent[39_999] - sent[1000]).milliseconds
    let media = Double(38_999 * 5) * (1 + Double(ppm) / 1e6)
    #expect(abs(lasted - media) < 6)
  }

  /// A late wake-up costs its lateness, and not for ever.
  @Test func aLateWakeUpIsForgotten() {
    var pacer = Pacer(mode: .even, frame: 240)
    let at = { (index: Int) in Self.origin + HostDuration.milliseconds(Int64(index) * 5) }
    _ = pacer.release(capturedAt: at(0), cycle: 1024, now: at(0) + .milliseconds(5))
    let late = pacer.release(capturedAt: at(1), cycle: 1024, now: at(1) + .milliseconds(35))
    #expect(late == at(1) + .milliseconds(35))
    var last = late
    for index in 2..<8000 {
      last = pacer.release(capturedAt: at(index), cycle: 1024, now: max(last, at(index) + .milliseconds(5)))
    }
    #expect(last - at(7999) < .milliseconds(6))
  }

  /// What is minutes off is a fault elsewhere: it is sent at once and teaches nothing.
  @Test func nonsenseIsNotHeld() {
    var pacer = Pacer(mode: .even, frame: 240)
    let now = Self.origin
    #expect(pacer.release(capturedAt: now - .seconds(60), cycle: 1024, now: now) == now)
    #expect(pacer.release(capturedAt: now + .seconds(60), cycle: 1024, now: now) == now)
    #expect(pacer.release(capturedAt: now, cycle: 1024, now: now) == now + .milliseconds(5))
  }
}

/// The same numbers in every run.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
