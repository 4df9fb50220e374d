import AudioCore
import AudioIO
import CRenderGuard
import Glibc
import Testing

@testable import VirtualMic

@Suite struct FeedTests {
  static func tone(_ hertz: Double, _ amplitude: Double = 0.1) -> (Int) -> Float {
    { Float(amplitude * sin(2 * .pi * hertz * Double($0) / 48_000)) }
  }

  static func largestStep(_ samples: some Sequence<Float>) -> Float {
    let all = Array(samples)
    return zip(all, all.dropFirst()).reduce(0) { max($0, abs($1.1 - $1.0)) }
  }

  static let start = HostTime(nanoseconds: 100_000_000)

  /// Sound is heard one quantum and the margin after it was pushed, at once and for good.
  @Test(arguments: [64, 256, 1024], [120, 480, 960, 2880]) func theWayIsShort(quantum: Int, packet: Int) throws {
    let rig = try FeedRig(quantum: quantum)
    let lane = try #require(rig.feed.openLane())
    let period = 48_000 / packet * packet
    var driver = LaneDriver(lane, packet: packet, from: Self.start) { $0 % period == 0 ? 0.9 : 0.01 }
    while driver.position < 10 * 48_000 { driver.push(rig) }
    rig.run(until: driver.due)
    var delays: [Double] = []
    for (frame, sample) in rig.heard[0].enumerated() where sample > 0.6 {
      let pushed = Self.start.nanoseconds * 48 / 1_000_000 % Int64(period)
      delays.append(Double((Int64(frame) - pushed) % Int64(period)))
    }
    #expect(delays.count >= 7)
    for delay in delays {
      // The margin holds 2 ms and the resampler's half.
      #expect(delay >= Double(quantum) + 110 && delay <= Double(quantum) + 126, "\(delay - Double(quantum)) frames")
    }
    #expect(lane.report.underruns == 0 && lane.report.primes == 1 && lane.report.overruns == 0)
    #expect(abs(lane.report.ppm) < 5)
  }

  /// The sender's clock against the graph's, minutes of real sound, pushed a millisecond early or late.
  @Test(arguments: [-500.0, -200, 200, 500]) func driftIsBridged(ppm: Double) throws {
    let rig = try FeedRig(ppm: -ppm / 2)
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, from: Self.start, ppm: ppm / 2, signal: Self.tone(1000, 0.5))
    var dice = Dice(21)
    var (squares, count) = (0.0, 0.0)
    while driver.position < 150 * 48_000 {
      driver.push(rig, late: dice.next() * 2 - 1)
      guard driver.position > 60 * 48_000 else { continue }
      // How far it is off without the jitter of this reading, averaged like the ear does.
      let error = Double(lane.report.fill.value - lane.report.target.value) / 48
      squares += error * error
      count += 1
    }
    let error = (squares / count).squareRoot()
    // The reading itself is off by the jitter: a third of its span, in milliseconds.
    #expect(error < 0.25 + 1 / 3.0.squareRoot(), "\(error) ms")
    #expect(abs(lane.report.ppm - ppm) < 3, "\(lane.report.ppm)")
    #expect(lane.report.underruns == 0 && lane.report.primes == 1 && lane.report.overruns == 0)
    // After a minute the tone is clean, at the pitch its sender gave it.
    let heard = rig.heard[0]
    let hertz = 1000 * (1 + ppm * 1e-6)
    for place in stride(from: 70 * 48_000, to: 145 * 48_000, by: 480_000) {
      let fit = ToneFit(heard[place..<place + 4800], hertz: hertz)
      #expect(fit.residue < -60 && abs(fit.amplitude - 0.5) < 0.01, "\(fit)")
    }
    #expect(Self.largestStep(heard[96_000...]) < 0.07)
  }

  @Test func voicesSoundTogether() throws {
    let rig = try FeedRig(layout: .stereo)
    let one = try #require(rig.feed.openLane())
    let two = try #require(rig.feed.openLane())
    var first = LaneDriver(one, from: Self.start, signal: { _ in 0.25 })
    var second = LaneDriver(two, packet: 480, from: Self.start + .milliseconds(333), signal: { _ in 0.5 })
    for _ in 0..<100 {
      while second.due < first.due { second.push(rig) }
      first.push(rig)
    }
    for channel in 0..<2 {
      #expect(abs(rig.heard[channel][15_000] - 0.25) < 1e-3)
      #expect(abs(rig.heard[channel][90_000] - 0.75) < 1e-3)
    }
    #expect(Self.largestStep(rig.heard[0]) < 0.01)
    #expect(rig.feed.report.lanes == 2)
  }

  /// Two channels into a device of two, one and four.
  @Test func channelsGoWhereTheyBelong() throws {
    for (layout, expected) in [
      (ChannelLayout.stereo, [Float(0.4), -0.2]), (.mono, [0.1]), (.surround51, [0.4, -0.2, 0, 0, 0, 0]),
    ] {
      let rig = try FeedRig(channels: 2, layout: layout)
      let lane = try #require(rig.feed.openLane())
      for packet in 0..<20 {
        let time = Self.start + .milliseconds(20) * Int64(packet)
        rig.run(until: time)
        rig.push((0..<1920).map { $0 % 2 == 0 ? 0.4 : -0.2 }, into: lane, at: time)
      }
      for (channel, value) in expected.enumerated() { #expect(abs(rig.heard[channel][12_000] - value) < 1e-3) }
    }
  }

  /// The worker falls silent in the middle of a tone, and comes back.
  @Test(arguments: [64, 256, 1024]) func anUnderrunIsNoClick(quantum: Int) throws {
    let rig = try FeedRig(quantum: quantum)
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, from: Self.start, signal: Self.tone(440, 0.3))
    for packet in 0..<300 {
      if packet > 0, packet % 50 == 0 {
        driver.next += 100e6
        driver.position += 4800
      }
      driver.push(rig)
    }
    #expect(lane.report.underruns == 5 && lane.report.primes == 6)
    #expect(rig.feed.report.underruns == 5)
    // The tone's own step is 0.017.
    #expect(Self.largestStep(rig.heard[0]) < 0.05)
    let silent = rig.heard[0][9600...].count { $0 == 0 }
    #expect(abs(silent - 5 * 4800) < 5 * 2500, "\(silent)")
  }

  /// Sound that ends in silence is no underrun: its talker has finished.
  @Test func anEndIsNoUnderrun() throws {
    let rig = try FeedRig()
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, from: Self.start) { $0 < 9000 ? 0.1 : 0 }
    for _ in 0..<10 { driver.push(rig) }
    rig.run(until: driver.due + .seconds(1))
    #expect(lane.report.underruns == 0 && rig.feed.report.underruns == 0)
  }

  @Test func whatIsDiscardedIsNotHeard() throws {
    let rig = try FeedRig(quantum: 1024)
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, packet: 2880, from: Self.start, signal: { _ in 0.5 })
    for _ in 0..<20 { driver.push(rig) }
    rig.collect()
    let before = rig.heard[0].count
    #expect(rig.heard[0].last! > 0.45)
    lane.discard()
    rig.run(until: driver.due)
    let after = rig.heard[0][before...]
    #expect(after.prefix(120).contains { $0 > 0.1 } && after.dropFirst(120).allSatisfy { $0 == 0 })
    #expect(Self.largestStep(rig.heard[0]) < 0.01)
    // The next word is heard, whole and on time.
    driver.signal = { _ in -0.25 }
    for _ in 0..<10 { driver.push(rig) }
    #expect(rig.heard[0][before...].allSatisfy { $0 <= 0.5 } && abs(rig.heard[0].last! + 0.25) < 1e-3)
  }

  @Test(arguments: [64, 256, 1024]) func muteIsSilentAtOnce(quantum: Int) throws {
    let rig = try FeedRig(quantum: quantum)
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, from: Self.start, signal: { _ in 0.5 })
    for _ in 0..<20 { driver.push(rig) }
    rig.feed.setMuted(true)
    rig.forget()
    for _ in 0..<20 { driver.push(rig) }
    #expect(rig.heard[0].dropFirst(quantum).allSatisfy { $0 == 0 })
    #expect(Self.largestStep([0.5] + rig.heard[0]) < 0.01)
    rig.feed.setMuted(false)
    rig.forget()
    for _ in 0..<3 { driver.push(rig) }
    #expect(Self.largestStep([0] + rig.heard[0]) < 0.01 && abs(rig.heard[0].last! - 0.5) < 1e-3)
  }

  /// Nobody records: nothing is worked on, and a new recorder hears nothing old.
  @Test func anUnreadDeviceCostsNothing() throws {
    let rig = try FeedRig(starts: false)
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, from: Self.start) { 0.1 + Float($0) * 1e-7 }
    for _ in 0..<100 { driver.push(rig) }
    #expect(lane.report.unheard == FrameCount(96_000) && !lane.report.isRead)
    for round in 0..<3 {
      try rig.stream.start()
      rig.forget()
      let from = driver.position
      for _ in 0..<100 { driver.push(rig) }
      #expect(lane.report.isRead && rig.feed.report.quantum == FrameCount(256))
      let oldest = Float(from) * 1e-7 + 0.1
      // The first packets come before the first cycle was seen; nothing is from before.
      // Not the fade-in.
      let firm = rig.heard[0].drop { $0 == 0 }.dropFirst(130).filter { $0 > 0.1 }
      #expect(firm.count > 80_000 && firm.allSatisfy { $0 > oldest - 1e-4 }, "\(round): \(firm.first ?? 0), \(oldest)")
      rig.stream.stop()
      let unheard = lane.report.unheard
      for _ in 0..<100 { driver.push(rig) }
      #expect(lane.report.unheard.value - unheard.value >= 96_000 - 20 * 960)
    }
    #expect(lane.report.overruns == 0)
  }

  /// The quantum moves both ways: hardly a hole, and soon the shortest way again.
  @Test func theQuantumMayChange() throws {
    var faults = FaultScript()
    var cycle = 0
    var plan: [Int] = []
    for (quantum, seconds) in [(256, 2), (1024, 5), (256, 5), (64, 5), (2048, 5), (128, 5)] {
      faults.at(cycle: cycle, .quantum(quantum))
      cycle += seconds * 48_000 / quantum
      plan.append(quantum)
    }
    let rig = try FeedRig(faults: faults)
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, from: Self.start, signal: Self.tone(440, 0.3))
    var ends: [Int: Int] = [:]
    while driver.position < 27 * 48_000 - 9600 {
      driver.push(rig)
      let quantum = rig.feed.report.quantum.value
      ends[quantum] = lane.report.fill.value - lane.report.target.value
    }
    for (quantum, surplus) in ends { #expect(abs(surplus) < 48, "quantum \(quantum): \(surplus) frames off") }
    #expect(Set(ends.keys) == Set(plan))
    #expect(Self.largestStep(rig.heard[0]) < 0.05)
    #expect(lane.report.primes <= 4 && lane.report.underruns <= 2, "\(lane.report)")
  }

  /// Cycles that never happen, late calls, a device that goes and comes back.
  @Test func theGraphMisbehaves() throws {
    var faults = FaultScript()
    for cycle in stride(from: 300, to: 3000, by: 97) { faults.at(cycle: cycle, .lateWake(.milliseconds(4))) }
    for cycle in stride(from: 3000, to: 4500, by: 311) { faults.at(cycle: cycle, .missedCycles(2)) }
    faults.at(cycle: 5000, .deviceLost(cycles: 400))
    let rig = try FeedRig(faults: faults)
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, from: Self.start, signal: Self.tone(440, 0.3))
    while driver.position < 45 * 48_000 { driver.push(rig) }
    #expect(lane.report.underruns <= 1 && lane.report.primes <= 3, "\(lane.report)")
    let settled = rig.heard[0].suffix(240_000)
    #expect(ToneFit(settled.prefix(4800), hertz: 440).residue < -50)
    #expect(abs(lane.report.fill.value - lane.report.target.value) < 24)
  }

  /// The server does not run us for a cycle: what the ring then holds too much is left out, not played faster for seconds.
  @Test(arguments: [128, 256, 1024]) func aLostCycleKeepsThePitch(quantum: Int) throws {
    var faults = FaultScript()
    let lost = 20 * 48_000 / quantum
    faults.at(cycle: lost, .missedCycles(1))
    let rig = try FeedRig(quantum: quantum, faults: faults)
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, packet: 480, from: Self.start, signal: Self.tone(997, 0.3))
    while driver.position < 19 * 48_000 { driver.push(rig) }
    var worst = 0.0
    while driver.position < 26 * 48_000 {
      driver.push(rig)
      worst = max(worst, abs(lane.report.ppm))
    }
    #expect(worst < 60, "\(worst) ppm")
    #expect(abs(lane.report.fill.value - lane.report.target.value) < 48, "\(lane.report)")
    #expect(lane.report.underruns == 0 && lane.report.primes == 1, "\(lane.report)")
    for place in stride(from: 21 * 48_000, to: 25 * 48_000, by: 24_000) {
      #expect(ToneFit(rig.heard[0][place..<place + 4800], hertz: 997).residue < -50)
    }
  }

  /// A worker that is often late gets a longer ring, and a shorter one again.
  @Test func aLateWorkerIsGivenTime() throws {
    let rig = try FeedRig()
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, from: Self.start, signal: Self.tone(440, 0.3))
    var dice = Dice(2)
    var late = 0
    while driver.position < 120 * 48_000 {
      let isLate = dice.next() < 0.05
      driver.push(rig, late: isLate ? 9 : 0)
      if driver.position == 60 * 48_000 { late = lane.report.underruns }
    }
    #expect(late > 0 && late < 12, "\(late)")
    #expect(lane.report.underruns - late <= 3, "\(lane.report)")
    #expect(lane.report.target.value > 256 + 120 + 200)
    while driver.position < 330 * 48_000 { driver.push(rig) }
    #expect(lane.report.target.value == 256 + 120)
    #expect(abs(lane.report.fill.value - lane.report.target.value) < 24)
  }

  @Test func lanesComeAndGo() throws {
    let rig = try FeedRig()
    var time = Self.start
    for _ in 0..<200 {
      let lane = try #require(rig.feed.openLane())
      var driver = LaneDriver(lane, from: time, signal: { _ in 0.2 })
      for _ in 0..<4 { driver.push(rig) }
      rig.feed.closeLane(lane)
      time = driver.due
    }
    rig.run(until: time + .milliseconds(50))
    #expect(Self.largestStep(rig.heard[0]) < 0.01)
    #expect(rig.heard[0].max()! > 0.19 && rig.heard[0].max()! < 0.42)
    #expect(rig.feed.report.lanes == 0)
    #expect(rig.heard[0].suffix(480).allSatisfy { $0 == 0 })
  }

  @Test func lanesAreLimited() throws {
    let rig = try FeedRig()
    let all = (0..<SourceFeed.laneLimit).map { _ in rig.feed.openLane() }
    #expect(all.allSatisfy { $0 != nil } && rig.feed.openLane() == nil)
    rig.feed.closeLane(try #require(all[3]))
    #expect(rig.feed.openLane() != nil)
    rig.feed.die()
    for lane in all {
      #expect(lane?.push(UnsafeBufferPointer(start: nil, count: 0)) == false && lane?.isAlive == false)
    }
  }

  @Test func theMeterTells() throws {
    let rig = try FeedRig(channels: 2)
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, from: Self.start, signal: Self.tone(997, 0.5))
    for _ in 0..<100 { driver.push(rig) }
    let meter = rig.feed.report.meter
    #expect(abs(meter.peak.value + 6.02) < 0.1 && abs(meter.level.value + 9.03) < 0.1, "\(meter)")
    rig.run(until: driver.due + .seconds(8))
    _ = rig.feed.report
    rig.run(until: driver.due + .seconds(9))
    #expect(rig.feed.report.meter == FeedMeter.Reading(peak: .floor, level: .floor))
  }

  /// Everything the render side can do, under the guard.
  @Test func renderAllocatesNothing() throws {
    guard render_guard_available() != 0 else { return }
    var faults = FaultScript()
    for (index, quantum) in [256, 64, 1024, 128].enumerated() { faults.at(cycle: 200 * index, .quantum(quantum)) }
    faults.at(cycle: 850, .missedCycles(3))
    faults.at(cycle: 900, .deviceLost(cycles: 100))
    let rig = try FeedRig(channels: 2, faults: faults)
    let lane = try #require(rig.feed.openLane())
    var driver = LaneDriver(lane, from: Self.start, ppm: 300, signal: Self.tone(440, 0.3))
    let before = (render_guard_hits(), render_guard_sections())
    for packet in 0..<600 {
      driver.push(rig)
      if packet % 50 == 10 { lane.discard() }
      if packet % 50 == 20 { rig.feed.setMuted(packet % 100 == 20) }
      if packet % 50 == 30 { driver.next += 60e6 }
      if packet % 50 == 40, let other = rig.feed.openLane() {
        rig.push([Float](repeating: 0.1, count: 1920), into: other, at: driver.due)
        rig.feed.closeLane(other)
      }
    }
    #expect(render_guard_sections() - before.1 > 1000)
    #expect(render_guard_hits() == before.0)
  }
}
