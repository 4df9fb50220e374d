import AudioCore
import CRenderGuard
import Glibc
import Testing

@Suite struct ClockBridgeTests {
  struct Domains: CustomTestStringConvertible {
    var from = 48_000
    var to = 48_000
    var writes: [Int]
    var reads: [Int]
    var testDescription: String { "\(from) \(writes) to \(to) \(reads)" }
  }

  static let domains = [
    Domains(writes: [256], reads: [256]), Domains(writes: [64], reads: [1024]),
    Domains(writes: [1024], reads: [64]), Domains(writes: [1024, 64, 256], reads: [256, 1024, 64, 64]),
    Domains(from: 44_100, writes: [1024], reads: [256]),
    Domains(to: 44_100, writes: [64, 64, 256], reads: [1024, 256]),
    Domains(from: 96_000, writes: [1024], reads: [480]),
    Domains(from: 32_000, to: 96_000, writes: [320], reads: [1024]),
  ]

  static func level(_ samples: some Collection<Float>) -> Double {
    10 * log10(samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(samples.count) + 1e-30)
  }

  static func largestStep(_ samples: some Sequence<Float>) -> Float {
    var (last, largest): (Float?, Float) = (nil, 0)
    for sample in samples {
      if let last { largest = max(largest, abs(sample - last)) }
      last = sample
    }
    return largest
  }

  /// What a tone of half the full scale may do from one frame to the next, and what a fade of 5 ms adds.
  static func mostStep(_ hertz: Double, rate: Double = 48_000) -> Float {
    Float(0.5 * 2 * .pi * hertz / rate * 1.001 + 0.5 / (rate / 200) * 1.01)
  }

  static let offsets = domains.map { ($0, 300.0) } + domains.prefix(2).flatMap { [($0, 50.0), ($0, -50.0)] }

  @Test(arguments: offsets) func holdsTheTarget(domains: Domains, ppm: Double) {
    let rig = ClockBridgeRig(
      from: domains.from, to: domains.to, ppm: ppm, writes: domains.writes, reads: domains.reads)
    rig.jitter = 50e-6
    rig.run(seconds: 5)
    let begun = rig.bridge.facts()
    rig.run(seconds: 55)
    rig.clear()
    rig.run(seconds: 120)
    let error = FillControllerTests.rms(rig.errors) * 1000
    #expect(rig.errors.allSatisfy { abs($0) < 0.001 } && (ppm == 300 || error <= 0.25), "\(error) ms rms")
    rig.tone(997)
    rig.run(seconds: 1)
    rig.clear()
    rig.run(seconds: 20)
    let facts = rig.bridge.facts()
    #expect(facts.starved == begun.starved && facts.resyncs == begun.resyncs && facts.flooded == 0, "\(facts)")
    #expect(begun.starved + begun.resyncs <= 1)
    #expect(rig.errors.allSatisfy { abs($0) < 0.000_5 }, "\(rig.errors.map(abs).max() ?? 1)")
    let ripple = FillControllerTests.spread(rig.corrections)
    let mean = Double(rig.corrections.reduce(0, +)) / Double(rig.corrections.count)
    #expect(ripple <= 2, "\(ripple) ppm")
    #expect(abs(mean - ppm) < 2, "\(mean) ppm")
    // The tone as it was: its level, and no step.
    let level = Self.level(rig.sound) + 10 * log10(8.0)
    #expect(abs(level) < 0.01, "\(level) dB")
    #expect(Self.largestStep(rig.sound) < Self.mostStep(997, rate: rig.to) - 0.5 / Float(rig.to / 200))
  }

  /// Latency is what the cycles and the filter need, and two milliseconds.
  @Test func holdsNoMoreThanItMust() {
    let rig = ClockBridgeRig(ppm: 50)
    rig.run(seconds: 20)
    #expect(rig.bridge.facts().target == FrameCount(256 + 256 + 56 + 2 + 96))
    #expect(abs(rig.bridge.facts().fill.value - 666) < 20)
    #expect(abs((rig.sound.firstIndex { $0 != 0 } ?? 0) - 640) < 512)
  }

  /// The writer's clock leaps by ten milliseconds: either the difference is steered away, or sound stops once and rises
  /// again. Nothing that follows tells which.
  @Test(arguments: [10.0, -10], [[256], [1024, 64]]) func aClockLeaps(milliseconds: Double, quanta: [Int]) {
    let rig = ClockBridgeRig(ppm: 37, writes: quanta, reads: quanta)
    rig.tone(440)
    rig.run(seconds: 100)
    let before = rig.bridge.facts()
    rig.clear()
    rig.step(milliseconds: milliseconds)
    rig.run(seconds: 60)
    let after = rig.bridge.facts()
    #expect(after.starved + after.resyncs - before.starved - before.resyncs <= 1 && after.flooded == 0)
    #expect(rig.errors.allSatisfy { abs($0) < 0.0125 })
    #expect(rig.corrections.allSatisfy { abs($0) <= 1000 })
    #expect(rig.errors.suffix(rig.errors.count / 4).allSatisfy { abs($0) < 0.001 })
    #expect(Self.largestStep(rig.sound) < Self.mostStep(440))
  }

  /// A writer that stands still for a fifth of a second, and then either goes on or brings all of it at once.
  @Test(arguments: [false, true], [64, 256, 1024]) func aWriterThatStalls(bursts: Bool, quantum: Int) throws {
    let rig = ClockBridgeRig(ppm: 50, writes: [quantum], reads: [256])
    rig.tone(440)
    rig.run(seconds: 60)
    let target = rig.bridge.facts().target.value
    rig.clear()
    if bursts {
      let turn = rig.writeTurn + 2
      rig.late = { $0 == turn ? 0.2 : 0 }
    } else {
      rig.isWriting = false
    }
    rig.run(seconds: 0.2)
    #expect(!rig.bridge.facts().isPlaying)
    rig.isWriting = true
    rig.run(seconds: 3)
    let facts = rig.bridge.facts()
    #expect(facts.starved == 1 && facts.resyncs == 0 && facts.flooded == 0 && facts.isPlaying, "\(facts)")
    // Down by a fade, silence, up by a fade: no step anywhere.
    #expect(Self.largestStep(rig.sound) < Self.mostStep(440))
    let silence = try #require(Self.longestSilence(rig.sound))
    let most = 9600 + target + 512 + 2 * quantum
    #expect((9600 - target - 480..<most).contains(silence.count), "\(silence.count)")
    try #require(silence.lowerBound > 240 && silence.upperBound + 48_240 < rig.sound.count)
    #expect(Self.level(rig.sound[silence.lowerBound - 240..<silence.lowerBound - 120]) > -30)
    #expect(Self.peak(rig.sound[silence.upperBound..<silence.upperBound + 60]) < 0.14)
    #expect(abs(Self.level(rig.sound[(silence.upperBound + 240)...].prefix(48_000)) + 10 * log10(8.0)) < 0.05)
    // No more waits than before, and nothing is played faster to get there.
    #expect(abs(facts.fill.value - target) < 30)
    #expect(rig.corrections.allSatisfy { abs($0 - 50) < 40 }, "\(rig.corrections.max() ?? 0)")
  }

  static func longestSilence(_ samples: [Float]) -> Range<Int>? {
    var (best, start): (Range<Int>?, Int?) = (nil, nil)
    for (index, sample) in (samples + [1]).enumerated() {
      if abs(sample) < 1e-6 {
        start = start ?? index
      } else if let begun = start {
        if index - begun > best?.count ?? 0 { best = begun..<index }
        start = nil
      }
    }
    return best
  }

  static func peak(_ samples: some Sequence<Float>) -> Float { samples.reduce(0) { max($0, abs($1)) } }

  /// Threads that are now and then seven milliseconds late: once or twice that is heard, then the margin is wide.
  @Test func lateThreadsWidenTheMargin() {
    let rig = ClockBridgeRig(writes: [256], reads: [256])
    rig.tone(440)
    // More than a cycle and the margin.
    rig.late = { $0 % 97 == 0 ? 0.0075 : 0 }
    rig.run(seconds: 30)
    let early = rig.bridge.facts()
    #expect((1...3).contains(early.starved), "\(early)")
    #expect(early.target > FrameCount(666))
    rig.run(seconds: 25)
    #expect(rig.bridge.facts().starved == early.starved)
    // Calm again: the margin goes back by itself.
    rig.late = { _ in 0 }
    rig.keepsSound = false
    rig.run(seconds: 350)
    #expect(rig.bridge.facts().target == FrameCount(666))
    #expect(rig.bridge.facts().starved == early.starved)
    #expect(Self.largestStep(rig.sound) < Self.mostStep(440))
  }

  /// A longer cycle needs more at once; a shorter one gives latency back after a while.
  @Test func theTargetFollowsTheCycles() {
    let rig = ClockBridgeRig(ppm: 50, writes: [256], reads: [256])
    rig.tone(440)
    rig.run(seconds: 20)
    let first = rig.bridge.facts()
    rig.reads = [1024]
    rig.run(seconds: 10)
    let longer = rig.bridge.facts()
    #expect(longer.target == first.target + FrameCount(768))
    #expect(longer.starved + longer.resyncs == first.starved + first.resyncs + 1, "\(longer)")
    rig.reads = [256]
    rig.run(seconds: 10)
    let last = rig.bridge.facts()
    #expect(last.target == first.target && last.resyncs == longer.resyncs + 1 && last.starved == longer.starved)
    #expect(abs(last.fill.value - last.target.value) < 30)
    #expect(Self.largestStep(rig.sound) < Self.mostStep(440))
  }

  /// Far too much at once is left, falling, and begun anew: in order again within a cycle or two.
  @Test func aFloodIsLetGo() {
    let rig = ClockBridgeRig(ppm: 0, writes: [256], reads: [256])
    rig.tone(440)
    rig.run(seconds: 20)
    rig.clear()
    rig.burst(seconds: 0.04)
    rig.run(seconds: 1)
    let facts = rig.bridge.facts()
    #expect(facts.resyncs == 1 && facts.starved == 0, "\(facts)")
    #expect(abs(facts.fill.value - facts.target.value) < 30)
    #expect(Self.largestStep(rig.sound) < Self.mostStep(440))
    rig.burst(seconds: 5)
    rig.run(seconds: 2)
    #expect(rig.bridge.facts().flooded > 0 && rig.bridge.facts().isPlaying)
    #expect(abs(rig.bridge.facts().fill.value - facts.target.value) < 30)
    #expect(Self.largestStep(rig.sound) < Self.mostStep(440))
  }

  /// What nobody read is not heard later.
  @Test func aReaderThatWasAway() {
    let rig = ClockBridgeRig(ppm: 50)
    rig.run(seconds: 5)
    rig.pauseReading(seconds: 3)
    #expect(rig.bridge.facts().flooded > 0)
    rig.clear()
    rig.signal = { _ in -0.25 }
    rig.run(seconds: 1)
    // What is written from now on is negative; what waited was positive.
    #expect(Self.peak(rig.sound.map { max($0, 0) }) < 0.01)
    #expect(abs(rig.sound.last ?? 0) > 0.24)
    #expect(rig.bridge.facts().starved == 0 && rig.bridge.facts().isPlaying)
    #expect(abs(rig.bridge.facts().fill.value - rig.bridge.facts().target.value) < 30)
  }

  @Test func nonsenseStaysOut() {
    let rig = ClockBridgeRig(channels: 2)
    rig.signal = { $0 % 5 == 0 ? [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude][$0 / 5 % 4] : 0.5 }
    rig.run(seconds: 2)
    #expect(rig.sound.allSatisfy { $0.isFinite && abs($0) < 2 })
    rig.signal = { _ in 0.5 }
    rig.run(seconds: 1)
    #expect(abs((rig.sound.last ?? 0) - 0.5) < 1e-5 && abs(rig.otherChannel[0] + 0.25) < 1e-5)
  }

  /// Neither end allocates or waits, whatever happens.
  @Test func rendersWithoutAllocation() {
    let rig = ClockBridgeRig(from: 44_100, ppm: 300, writes: [1024, 64], reads: [256, 480])
    rig.keepsSound = false
    rig.isGuarded = true
    render_guard_count_apart(1)
    rig.run(seconds: 3)
    rig.isWriting = false
    rig.run(seconds: 0.5)
    rig.isWriting = true
    rig.burst(seconds: 1)
    rig.run(seconds: 1)
    rig.pauseReading(seconds: 2)
    rig.run(seconds: 1)
    let hits = (0..<Int32(RENDER_GUARD_KINDS)).map { render_guard_apart_hits_of($0) }
    render_guard_count_apart(0)
    #expect(hits.allSatisfy { $0 == 0 }, "\(hits)")
    #expect(rig.bridge.facts().starved > 0 && rig.bridge.facts().flooded > 0)
  }

  private final class Ends: @unchecked Sendable {
    let bridge: ClockBridge
    var writer: BridgeWriter?
    var reader: BridgeReader?

    init() {
      bridge = ClockBridge(
        channels: 2, from: .codec, to: SampleRate(hertz: 44_100), longestWrite: 1024, longestRead: 1024)
    }
  }

  /// The ends outlive the bridge and each other, in any order; one that nobody asked for goes with the bridge.
  @Test func endsMayGoInAnyOrder() {
    weak var gone: ClockBridge?
    for order in 0..<4 {
      let ends = Ends()
      gone = ends.bridge
      if order > 0 { ends.writer = ends.bridge.makeWriter() }
      if order > 1 { ends.reader = ends.bridge.makeReader() }
      if order == 2 { ends.writer = nil }
      if order == 3 { ends.reader = nil }
      #expect(!ends.bridge.facts().isPlaying)
    }
    #expect(gone == nil)
  }

  /// Two threads that have nothing in common but the bridge, and a third that looks on.
  @Test func threadsMayDoAsTheyLike() async {
    let ends = Ends()
    ends.writer = ends.bridge.makeWriter()
    ends.reader = ends.bridge.makeReader()
    let peaks = await withTaskGroup(of: Float.self) { group in
      group.addTask {
        let block = StereoBlock()
        for turn in 0..<4000 {
          for frame in 0..<128 { block.planes[turn & 1][frame] = 0.5 }
          _ = ends.writer?.write(block.planes, frames: 64 + turn % 65, time: renderNow())
        }
        return 0
      }
      group.addTask {
        let block = StereoBlock()
        var peak: Float = 0
        for turn in 0..<4000 {
          let frames = 64 + turn % 57
          ends.reader?.read(into: block.planes, frames: frames, time: renderNow())
          for frame in 0..<frames { peak = max(peak, abs(block.planes[0][frame]), abs(block.planes[1][frame])) }
        }
        return peak
      }
      group.addTask { (0..<4000).reduce(0) { sum, _ in sum + (ends.bridge.facts().ppm.isFinite ? 0 : 9) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(peaks.allSatisfy { $0 < 1 })
  }

  /// A day of sound, at a hundredth of the usual rate so that it takes seconds: every cycle, clock and frame is there.
  @Test func aDayOfSound() {
    let rig = ClockBridgeRig(from: 480, to: 480, ppm: 300, writes: [8], reads: [16], quality: .voice)
    rig.keepsSound = false
    rig.run(seconds: 20)
    let begun = rig.bridge.facts()
    for _ in 0..<24 {
      rig.run(seconds: 3600)
      let facts = rig.bridge.facts()
      #expect(facts.starved == begun.starved && facts.resyncs == begun.resyncs && facts.flooded == 0, "\(facts)")
      #expect(abs(facts.fill.value - facts.target.value) <= 2)
      #expect(abs(facts.ppm - 300) < 5, "\(facts.ppm)")
    }
  }
}

/// Two planes.
private final class StereoBlock {
  let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  init() {
    planes = .allocate(capacity: 2)
    for channel in 0..<2 {
      let plane = UnsafeMutablePointer<Float>.allocate(capacity: 1024)
      plane.initialize(repeating: 0, count: 1024)
      (planes + channel).initialize(to: plane)
    }
  }

  deinit {
    for channel in 0..<2 { planes[channel].deallocate() }
    planes.deallocate()
  }
}
