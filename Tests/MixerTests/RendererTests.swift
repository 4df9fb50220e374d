import AudioCore
import AudioIO
import CRenderGuard
import Glibc
import Mixer
import Testing

@Suite struct RendererTests {
  private func bus(_ layout: ChannelLayout, capacity: FrameCount = 65_536) -> BusOutput {
    BusOutput(layout: layout, capacity: capacity)
  }

  @Test(arguments: [ChannelLayout.mono, .stereo, .surround51, .surround71]) func unityIsACopyToTheBit(
    layout: ChannelLayout
  ) throws {
    let rig = try MixRig(device: layout, quantum: 1000)
    let bus = bus(layout, capacity: 4096)
    var reader = bus.makeReader()
    rig.renderer.publish(RenderPlan(input: layout, buses: [bus]))
    var position: Int64 = 0
    for _ in 0..<50 {
      for _ in 0..<3 { rig.backend.advance() }
      let contents = BusContents(&reader)
      #expect(contents.frames == 3000)
      for channel in 0..<layout.count {
        let same = contents.channels[channel].enumerated().allSatisfy {
          $1.bitPattern == MixRig.noise(channel, position + Int64($0)).bitPattern
        }
        #expect(same)
      }
      position += 3000
    }
    #expect(bus.floodedFrames == 0)
  }

  /// A bus that leaves the computer: what is soft enough comes 64 frames later and at the time it had, to the bit; what is
  /// too loud stays below the ceiling, and after a gap nothing is heard of before it.
  @Test(arguments: [256, 1000]) func aLimitedBusIsExactAndSafe(quantum: Int) throws {
    let loudFrom = Int64(50 * quantum)
    var faults = FaultScript()
    faults.at(cycle: 60, .missedCycles(3))
    let rig = try MixRig(quantum: quantum, faults: faults) { channel, position in
      MixRig.noise(channel, position) * (position < loudFrom ? 0.3 : 4)
    }
    let bus = BusOutput(layout: .stereo, capacity: 262_144, isLimited: true)
    var reader = bus.makeReader()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: [bus]))
    for _ in 0..<50 { rig.backend.advance() }
    let soft = BusContents(&reader)
    #expect(soft.frames == 50 * quantum)
    for channel in 0..<2 {
      #expect(soft.channels[channel][..<64].allSatisfy { $0 == 0 })
      let same = soft.channels[channel].enumerated().dropFirst(64).allSatisfy {
        $1.bitPattern == (MixRig.noise(channel, Int64($0) - 64) * 0.3).bitPattern
      }
      #expect(same)
    }
    let first = try #require(soft.marks.first)
    #expect(first.position == -64 && soft.marks.allSatisfy { $0.position == Int64($0.start) - 64 })
    #expect(first.time.nanoseconds == -64 * 62_500 / 3)
    for _ in 50..<80 { rig.backend.advance() }
    let loud = BusContents(&reader)
    let peak = loud.channels.joined().reduce(0) { max($0, abs($1)) }
    #expect(peak <= 0.8913 && peak > 0.6)
    let gap = try #require(loud.marks.first { $0.flags.contains(.discontinuity) })
    let place = Int(gap.start - (loud.marks.first?.start ?? 0))
    #expect(loud.channels[0][place..<place + 64].allSatisfy { $0 == 0 })
    #expect(loud.channels[0][place + 64] != 0)
  }

  @Test func quantumMayChangeInMidStream() throws {
    var faults = FaultScript()
    let quanta = [16, 8192, 17, 64, 4801, 1024, 31, 8191, 480]
    for (index, quantum) in quanta.enumerated() { faults.at(cycle: 2 + 2 * index, .quantum(quantum)) }
    let rig = try MixRig(faults: faults)
    let bus = bus(.stereo)
    var reader = bus.makeReader()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: [bus]))
    for _ in 0..<20 { rig.backend.advance() }
    let contents = BusContents(&reader)
    #expect(contents.frames == 2 * 256 + 2 * quanta.reduce(0, +))
    #expect(contents.channels[1].enumerated().allSatisfy { $1 == MixRig.noise(1, Int64($0)) })
    #expect(contents.marks.allSatisfy { $0.flags == .none && $0.position == Int64($0.start) })
    let records = rig.renderer.takeRecords()
    #expect(records.map(\.kind) == Array(repeating: .quantumChanged, count: quanta.count + 1))
    #expect(records.map(\.value) == ([256] + quanta).map(Int64.init))
  }

  /// On a constant the gain is what comes out: no step larger than the ramp's own, whichever channel is looked at.
  @Test(arguments: [ChannelLayout.stereo, .surround71], [16, 256, 1000]) func gainRampsWithoutAStep(
    layout: ChannelLayout, quantum: Int
  ) throws {
    let rig = try MixRig(quantum: quantum) { _, _ in 1 }
    let bus = bus(layout)
    var reader = bus.makeReader()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: [bus]))
    rig.backend.advance()
    bus.setGain(Decibels(-20))
    for _ in 0..<(4800 / quantum) { rig.backend.advance() }
    let contents = BusContents(&reader)
    for channel in 0..<2 {
      let samples = contents.channels[channel]
      let steps = zip(samples, samples.dropFirst()).map { $0 - $1 }
      #expect(steps.allSatisfy { $0 >= 0 && $0 < 1.5 * 0.9 / 480 * 1.01 })
      #expect(samples.first == 1 && samples.last == Float(Decibels(-20).amplitude))
      #expect(samples.firstIndex { $0 < 1 } == quantum)
      #expect(samples[quantum + 480] == samples.last, "the ramp takes 10 ms")
    }
    #expect(contents.channels.dropFirst(2).allSatisfy { $0.allSatisfy { $0 == 0 } })
  }

  @Test func otherLayoutIsSilenceAndARecord() throws {
    var faults = FaultScript()
    faults.at(cycle: 4, .layout(.surround51))
    faults.at(cycle: 6, .layout(.stereo))
    let rig = try MixRig(faults: faults) { _, _ in 0.5 }
    let bus = bus(.stereo)
    var reader = bus.makeReader()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: [bus]))
    for _ in 0..<8 { rig.backend.advance() }
    let contents = BusContents(&reader)
    #expect(contents.frames == 8 * 256, "time goes on")
    for (index, sample) in contents.channels[0].enumerated() {
      let isStrange = (4 * 256..<6 * 256).contains(index)
      if sample != (isStrange ? 0 : 0.5) {
        Issue.record("\(sample) at \(index)")
        break
      }
    }
    let mismatches = rig.renderer.takeRecords().filter { $0.kind == .layoutMismatch }
    #expect(mismatches.map(\.value) == [6, 6])
    #expect(rig.renderer.takeRecords().isEmpty, "records are told once")
  }

  @Test func busesOfDifferentLayoutsFromOneCapture() throws {
    let rig = try MixRig(device: .surround51) { channel, _ in [1, 2, 4, 8, 16, 32][channel] }
    let buses = [bus(.mono), bus(.stereo), bus(.surround51), bus(.surround71)]
    buses[3].setGain(Decibels(0))
    rig.renderer.publish(RenderPlan(input: .surround51, buses: buses))
    rig.backend.advance()
    let expected: [[Float]] = [
      [(1 + 2 + 2 * 4 * 0.70710678 + (16 + 32) * 0.70710678) / 2],
      [1 + (4 + 16) * 0.70710678, 2 + (4 + 32) * 0.70710678], [1, 2, 4, 8, 16, 32], [1, 2, 4, 8, 16, 32, 0, 0],
    ]
    for (bus, levels) in zip(buses, expected) {
      var reader = bus.makeReader()
      let contents = BusContents(&reader)
      #expect(contents.frames == 256)
      for (channel, level) in levels.enumerated() {
        #expect(contents.channels[channel].allSatisfy { abs($0 - level) < 1e-4 })
      }
    }
  }

  @Test func fullBusLosesTheNewestAndSaysSo() throws {
    let rig = try MixRig()
    let full = bus(.stereo, capacity: 1024)
    let other = bus(.stereo)
    var reader = full.makeReader()
    var otherReader = other.makeReader()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: [full, other]))
    for _ in 0..<10 { rig.backend.advance() }
    #expect(full.floodedFrames == 6 * 256)
    let kept = BusContents(&reader)
    #expect(kept.marks.map(\.position) == [0, 256, 512, 768])
    for _ in 0..<2 { rig.backend.advance() }
    let after = BusContents(&reader)
    #expect(after.marks.map(\.position) == [2560, 2816])
    #expect(after.marks.map(\.flags) == [.discontinuity, .none])
    #expect(after.channels[0].first == MixRig.noise(0, 2560))
    let flooded = rig.renderer.takeRecords().filter { $0.kind == .flooded }
    #expect(flooded.map(\.value) == Array(repeating: 256, count: 6))
    #expect(BusContents(&otherReader).frames == 12 * 256, "a slow reader harms nobody else")
    #expect(other.floodedFrames == 0)
  }

  @Test func missedAndLateCyclesAreRecorded() throws {
    var faults = FaultScript()
    faults.at(cycle: 3, .missedCycles(5))
    faults.at(cycle: 6, .lateWake(.milliseconds(3)))
    faults.at(cycle: 10, .quantum(8192))
    faults.at(cycle: 12, .quantum(64))
    let rig = try MixRig(faults: faults)
    let bus = bus(.stereo)
    var reader = bus.makeReader()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: [bus]))
    for _ in 0..<20 { rig.backend.advance() }
    let records = rig.renderer.takeRecords().filter { $0.kind != .quantumChanged }
    #expect(records.map(\.kind) == [.missed, .lateWake])
    #expect(records.first?.value == Int64(1280))
    #expect(records.last.map { abs($0.value - 3_000_000) < 1000 } == true)
    #expect(BusContents(&reader).marks[3].flags == .discontinuity)
  }

  @Test func newPlanTakesOverBetweenCycles() throws {
    let rig = try MixRig { _, _ in 1 }
    let (first, second) = (bus(.stereo), bus(.mono))
    var firstReader = first.makeReader()
    var secondReader = second.makeReader()
    rig.backend.advance()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: [first]))
    rig.backend.advance()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: [first, second]))
    rig.backend.advance()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: [second]))
    rig.backend.advance()
    rig.renderer.reclaim()
    #expect(BusContents(&firstReader).marks.map(\.position) == [256, 512])
    #expect(BusContents(&secondReader).marks.map(\.position) == [512, 768])
  }

  @Test func busLivesAsLongAsAPlanMentionsIt() throws {
    let rig = try MixRig { _, _ in 1 }
    var bus: BusOutput? = bus(.stereo, capacity: 1024)
    weak let held = bus
    rig.renderer.publish(RenderPlan(input: .stereo, buses: [bus!]))
    rig.backend.advance()
    bus = nil
    #expect(held != nil)
    rig.backend.advance()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: []))
    rig.backend.advance()
    rig.renderer.reclaim()
    #expect(held == nil)
  }

  /// Ramps, floods, unknown layouts, plan changes: nothing of it allocates, frees, locks or sleeps.
  @Test(.enabled(if: render_guard_available() != 0)) func tenThousandCyclesAllocateNothing() throws {
    var faults = FaultScript()
    for cycle in stride(from: 100, to: 10_000, by: 100) {
      faults.at(cycle: cycle, .quantum([16, 480, 64, 1024][cycle / 100 % 4]))
      if cycle % 700 == 0 { faults.at(cycle: cycle, .layout(cycle % 1400 == 0 ? .stereo : .surround71)) }
      if cycle % 300 == 0 { faults.at(cycle: cycle, .missedCycles(3)) }
    }
    let rig = try MixRig(faults: faults)
    let buses = [bus(.stereo, capacity: 4096), bus(.surround71, capacity: 4096), bus(.mono, capacity: 4096)]
    let reader = buses[0].makeReader()
    rig.renderer.publish(RenderPlan(input: .stereo, buses: buses))
    rig.backend.advance()
    let sections = render_guard_sections()
    render_guard_count_apart(1)
    for cycle in 0..<10_000 {
      rig.backend.advance()
      if cycle % 7 == 0 { buses[cycle % 3].setGain(Decibels(Double(-cycle % 40))) }
      if cycle % 5 == 0 { reader.release(reader.available) }
      if cycle % 50 == 0 { rig.renderer.publish(RenderPlan(input: .stereo, buses: buses)) }
    }
    let hits = (0..<Int32(4)).map { render_guard_apart_hits_of($0) }
    render_guard_count_apart(0)
    #expect(hits == [0, 0, 0, 0])
    #expect(render_guard_sections() - sections >= 10_000)
    #expect(buses[1].floodedFrames > 0)
  }
}
