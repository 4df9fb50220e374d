import AudioCore
import Testing

@Suite struct SmootherTests {
  @Test(arguments: [(Float(0), Float(1)), (1, 0), (1, 0.1), (0.3, 0.7), (-1, 1)], [1, 2, 3, 64, 480, 10_000])
  func settlesExactlyWithoutOvershoot(ends: (Float, Float), length: Int) {
    var smoother = Smoother(ends.0, length: FrameCount(length))
    #expect(smoother.isSettled && smoother.value == ends.0)
    smoother.aim(ends.1)
    let low = min(ends.0, ends.1) - 1e-4
    let high = max(ends.0, ends.1) + 1e-4
    let largest = 1.5 * abs(ends.1 - ends.0) / Float(length) * 1.01 + 2e-4
    var before = ends.0
    for frame in 1...length {
      #expect(!smoother.isSettled)
      let value = smoother.next()
      #expect(value >= low && value <= high)
      #expect(abs(value - before) <= largest, "a step at frame \(frame)")
      before = value
    }
    #expect(smoother.isSettled)
    #expect(smoother.value == ends.1)
    #expect(smoother.next() == ends.1)
  }

  @Test func newTargetOnTheWayStartsFromHere() {
    var smoother = Smoother(0, length: 100)
    smoother.aim(1)
    for _ in 0..<50 { _ = smoother.next() }
    let half = smoother.value
    smoother.aim(0)
    #expect(abs(smoother.next() - half) < 0.01)
    for _ in 0..<99 { _ = smoother.next() }
    #expect(smoother.isSettled && smoother.value == 0)
  }

  @Test func sameTargetDoesNotRestartTheRamp() {
    var smoother = Smoother(0, length: 100)
    for _ in 0..<100 {
      smoother.aim(1)
      _ = smoother.next()
    }
    #expect(smoother.isSettled && smoother.value == 1)
  }

  @Test func advancingIsTheSameAsAsking() {
    var asked = Smoother(0.2, length: 480)
    var advanced = asked
    asked.aim(0.9)
    advanced.aim(0.9)
    for block in [1, 100, 256, 300, 5] {
      for _ in 0..<block { _ = asked.next() }
      advanced.advance(block)
      #expect(asked.value == advanced.value && asked.isSettled == advanced.isSettled)
    }
  }

  @Test func snapIsAtOnce() {
    var smoother = Smoother(0, length: 100)
    smoother.aim(1)
    smoother.snap(0.5)
    #expect(smoother.isSettled && smoother.next() == 0.5)
  }

  @Test func cellKeepsTheLastValue() {
    let cell = ParameterCell(0.25)
    #expect(cell.value == 0.25)
    for value: Float in [-0.0, .infinity, 3] {
      cell.set(value)
      #expect(cell.value == value)
    }
  }
}

@Suite struct DelayLockedLoopTests {
  /// Deterministic noise in -1…1.
  private static func noise(_ index: Int) -> Double {
    let mixed = UInt64(index) &* 0x9E37_79B9_7F4A_7C15
    return Double((mixed ^ (mixed >> 29)) % 20_001) / 10_000 - 1
  }

  @Test(arguments: [-100.0, -10, 0, 10, 100], [64, 256, 1024]) func convergesOnTheDrift(ppm: Double, frames: Int) {
    var loop = DelayLockedLoop()
    let period = Double(frames) * 1e9 / 48_000 / (1 + ppm * 1e-6)
    for cycle in 0..<(60 * 48_000 / frames) {
      _ = loop.update(
        HostTime(nanoseconds: 1_000_000_000 + Int64(Double(cycle) * period)), frames: frames, rate: .codec)
    }
    #expect(abs(loop.driftPPM - ppm) < 0.5)
  }

  /// Half a millisecond of scheduling noise: the times that come out are far smoother, and the drift is still seen.
  @Test func rejectsJitter() {
    var loop = DelayLockedLoop()
    let period = 256 * 1e9 / 48_000 / (1 + 100 * 1e-6)
    var worst = 0.0
    for cycle in 0..<(120 * 48_000 / 256) {
      let ideal = Double(cycle) * period
      let smoothed = loop.update(
        HostTime(nanoseconds: Int64(ideal + 500_000 * Self.noise(cycle))), frames: 256, rate: .codec)
      if cycle > 60 * 48_000 / 256 { worst = max(worst, abs(Double(smoothed.nanoseconds) - ideal)) }
    }
    #expect(worst < 100_000)
    #expect(abs(loop.driftPPM - 100) < 30)
  }

  @Test func followsChangesOfTheQuantum() {
    var loop = DelayLockedLoop()
    var time = 0.0
    var worst = 0.0
    for cycle in 0..<20_000 {
      let frames = [64, 256, 1024, 480][cycle / 50 % 4]
      let smoothed = loop.update(HostTime(nanoseconds: Int64(time)), frames: frames, rate: .codec)
      worst = max(worst, abs(Double(smoothed.nanoseconds) - time))
      time += Double(frames) * 1e9 / 48_000
    }
    #expect(abs(loop.driftPPM) < 5000)
    #expect(worst < 25_000_000)
  }

  @Test func resetStartsAnew() {
    var loop = DelayLockedLoop()
    for cycle in 0..<100 { _ = loop.update(HostTime(nanoseconds: Int64(cycle) * 5_333_333), frames: 256, rate: .codec) }
    loop.reset()
    #expect(loop.driftPPM == 0)
    let late = HostTime(nanoseconds: 90_000_000_000)
    #expect(loop.update(late, frames: 256, rate: .codec) == late)
  }
}
