import Glibc
import Testing

@testable import AudioCore

/// What a bridge's reader decides, without a sample: two clocks, counts, and a place that moves as the resampler's does.
struct BridgeControlRig {
  var control: BridgeControl
  let from: Double
  let to: Double
  var ppm: Double
  let writes: [Int]
  let reads: [Int]
  private(set) var now = 0.0
  private var nextWrite = 0.0
  private var nextRead = 0.0
  private var turns = (write: 0, read: 0)
  private var written = 0
  private var writeTime = 0.0
  private var quanta = LargestQuantum()
  /// The next frame of the ring, how far beyond it nothing is used up yet, and the correction at work.
  private var used = 0.0
  private var correction = 0.0
  private let filter = 56.0

  private(set) var starved = 0
  private(set) var begun = 0
  /// The greatest error in seconds, and the corrections' sum, sum of squares and count, since `clear`.
  var error = 0.0
  var corrections = (sum: 0.0, squares: 0.0, count: 0.0)

  init(from: Int, to: Int, ppm: Double, writes: [Int], reads: [Int]) {
    control = BridgeControl(from: SampleRate(hertz: from), to: SampleRate(hertz: to), filter: 56)
    (self.from, self.to, self.ppm, self.writes, self.reads) = (Double(from), Double(to), ppm, writes, reads)
    used = 1 - filter / 2
  }

  mutating func clear() {
    error = 0
    corrections = (0, 0, 0)
  }

  var ripple: Double {
    let mean = corrections.sum / corrections.count
    return max(corrections.squares / corrections.count - mean * mean, 0).squareRoot()
  }

  private func stamp(_ time: Double) -> HostTime { HostTime(nanoseconds: Int64(time * 1e9) + 1_000_000_000) }

  mutating func run(seconds: Double) {
    let end = now + seconds
    while now < end {
      if nextWrite <= nextRead { write() } else { read() }
    }
  }

  private mutating func write() {
    now = nextWrite
    let frames = writes[turns.write % writes.count]
    written += frames
    writeTime = now
    quanta.note(frames, at: stamp(now))
    turns.write += 1
    nextWrite += Double(writes[turns.write % writes.count]) / (from * (1 + ppm * 1e-6))
  }

  private mutating func read() {
    now = nextRead
    let frames = reads[turns.read % reads.count]
    turns.read += 1
    nextRead += Double(frames) / to
    let taken = Double(frames) * from / to
    // The last frame of the filter must be there.
    let needed = Int(used + taken + filter) + 1
    let reading = BridgeControl.Reading(
      now: stamp(now), frames: frames, written: written, writeTime: stamp(writeTime), writeQuantum: quanta.frames,
      hasWritten: written > 0, used: used, available: written, needed: needed, isFading: false, isBroken: false)
    switch control.step(reading) {
    case .silence, .restart: return
    case .leave:
      control.left()
      used = used.rounded(.down)
      return
    case .begin(let drop):
      begun += 1
      used += Double(drop)
    case .play(let ppm):
      error = max(error, abs(control.fill - control.target) / from)
      corrections = (corrections.sum + ppm, corrections.squares + ppm * ppm, corrections.count + 1)
      used += taken * (ppm + correction) / 2 * 1e-6
      correction = ppm
    }
    used += taken
    guard used + filter > Double(written) + 1 else { return }
    starved += 1
    control.starve(reading)
    used = Double(written) - filter
  }
}

@Suite struct BridgeControlTests {
  /// A day at the usual rates: nothing runs dry, nothing is begun anew, and after the first minutes the pitch stands still.
  @Test(arguments: [
    (48_000, 48_000, [256], [256]), (44_100, 48_000, [1024, 64, 256], [256, 1024]), (48_000, 44_100, [1024], [480]),
  ]) func aDay(from: Int, to: Int, writes: [Int], reads: [Int]) {
    var rig = BridgeControlRig(from: from, to: to, ppm: 300, writes: writes, reads: reads)
    rig.run(seconds: 300)
    #expect(rig.error < 0.001)
    let begun = (rig.starved, rig.control.resyncs, rig.begun)
    rig.clear()
    rig.run(seconds: 24 * 3600)
    #expect((rig.starved, rig.control.resyncs, rig.begun) == begun && begun.2 <= 2, "\(begun) \(rig.starved)")
    #expect(rig.error < 0.000_5, "\(rig.error * 1000) ms")
    #expect(rig.ripple < 0.5, "\(rig.ripple) ppm")
  }

  @Test func theLongestCycleCounts() {
    var quanta = LargestQuantum()
    func note(_ frames: Int, _ seconds: Double) -> Int {
      quanta.note(frames, at: HostTime(nanoseconds: Int64(seconds * 1e9)))
      return quanta.frames
    }
    #expect(note(64, 0) == 64)
    #expect(note(1024, 0.1) == 1024)
    #expect(note(64, 1) == 1024 && note(64, 2.1) == 1024 && note(64, 4) == 1024)
    #expect(note(64, 4.2) == 64)
    #expect(note(256, 4.3) == 256)
  }
}
