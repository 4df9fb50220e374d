import AudioCore
import Glibc
import Testing

/// A writer and a reader with clocks of their own and a ring between them, without samples: only counts.
struct Bridge {
  var controller = FillController()
  /// Real time in seconds, and when each side moves next.
  private(set) var now = 0.0
  private var nextWrite = 0.0
  private var nextRead = 0.0
  private var written = 0
  private var writtenExactly = 0.0
  private var readPosition = 0
  private var lastRead: BridgeFill?
  /// Of the writer's clock against the reader's.
  var ppm: Double
  let packet: Int
  let quantum: Int
  let margin = 96
  /// Root mean square of the normally distributed error of every time stamp, in seconds.
  let jitter: Double
  private var random = UInt64(0x2545_F491_4F6C_DD1D)

  private(set) var underruns = 0
  private(set) var resyncs = 0
  private(set) var most = 0.0
  /// Errors in seconds and corrections in parts per million since the last `clear`.
  private(set) var errors: [Float] = []
  private(set) var corrections: [Float] = []
  var records = true

  init(ppm: Double, packet: Int = 960, quantum: Int = 256, jitter: Double = 0.001) {
    self.ppm = ppm
    self.packet = packet
    self.quantum = quantum
    self.jitter = jitter
    written = quantum + margin
    writtenExactly = Double(written)
  }

  mutating func clear() { (errors, corrections) = ([], []) }

  private mutating func normal() -> Double {
    var sum = 0.0
    for _ in 0..<12 {
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      sum += Double(random >> 11) * 0x1p-53
    }
    return sum - 6
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
    nextWrite += Double(packet) / 48_000 / (1 + ppm * 1e-6)
    let late = jitter > 0 ? normal() * jitter : 0
    if let lastRead {
      let target = Double(quantum + margin)
      let fill = lastRead.frames(written: written, at: stamp(now + late), rate: .codec)
      if case .resync(let frames) = controller.update(fill: fill, target: target, at: stamp(now)) {
        resyncs += 1
        writtenExactly -= Double(frames)
        written -= frames
      }
      let exact = lastRead.frames(written: written, at: stamp(now), rate: .codec)
      most = max(most, exact)
      if records {
        errors.append(Float((exact - target) / 48_000))
        corrections.append(Float(controller.ppm))
      }
    }
    writtenExactly += Double(packet) / (1 + controller.ppm * 1e-6)
    written = Int(writtenExactly)
  }

  private mutating func read() {
    now = nextRead
    nextRead += Double(quantum) / 48_000
    if written - readPosition < quantum {
      underruns += 1
      readPosition = written - quantum
    }
    readPosition += quantum
    lastRead = BridgeFill(readTime: stamp(now), quantum: quantum, readPosition: readPosition)
  }
}

@Suite struct FillControllerTests {
  static func rms(_ values: [Float]) -> Double {
    (values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(values.count, 1))).squareRoot()
  }
  static func spread(_ values: [Float]) -> Double {
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(max(values.count, 1))
    return rms(values.map { Float(Double($0) - mean) })
  }

  @Test(arguments: [-500.0, -200, 0, 200, 500], [64, 256, 1024]) func holdsTheTarget(ppm: Double, quantum: Int) {
    var bridge = Bridge(ppm: ppm, quantum: quantum)
    bridge.run(seconds: 60)
    bridge.clear()
    bridge.run(seconds: 120)
    let error = Self.rms(bridge.errors) * 1000
    #expect(error <= 0.25, "\(error) ms")
    #expect(bridge.underruns == 0 && bridge.resyncs == 0)
    bridge.run(seconds: 300)
    bridge.clear()
    bridge.run(seconds: 600)
    let noise = Self.spread(bridge.corrections)
    let mean = bridge.corrections.reduce(0, +) / Float(bridge.corrections.count)
    #expect(noise <= 2, "\(noise) ppm")
    #expect(abs(Double(mean) - ppm) < 1, "\(mean) ppm")
  }

  @Test(arguments: [-500.0, 200]) func aDay(ppm: Double) {
    var bridge = Bridge(ppm: ppm)
    bridge.records = false
    bridge.run(seconds: 24 * 3600)
    #expect(bridge.underruns == 0 && bridge.resyncs == 0)
    #expect(bridge.most < Double(bridge.quantum + bridge.margin) + 96, "\(bridge.most) frames at most")
  }

  @Test(arguments: [100.0, -100]) func aStepIsFollowed(step: Double) {
    for jitter in [0, 0.001] {
      var bridge = Bridge(ppm: 37, jitter: jitter)
      bridge.run(seconds: 300)
      bridge.clear()
      bridge.ppm += step
      bridge.run(seconds: 30)
      let excursion = bridge.errors.map(abs).max() ?? 1
      #expect(excursion <= 0.002, "\(excursion * 1000) ms")
      bridge.clear()
      bridge.run(seconds: 60)
      let after = Self.rms(bridge.errors) * 1000
      #expect(after <= 0.25 && bridge.errors.allSatisfy { abs($0) < 0.0005 }, "\(after) ms")
      #expect(bridge.underruns == 0 && bridge.resyncs == 0)
    }
  }

  /// Three cents are 1734 ppm; and no step of the correction may be heard.
  @Test func thePitchNeverMovesMuch() {
    for ppm in [-900.0, 900, 3000] {
      var bridge = Bridge(ppm: ppm)
      bridge.run(seconds: 120)
      #expect(bridge.corrections.allSatisfy { abs($0) <= 1000 })
      for (one, next) in zip(bridge.corrections, bridge.corrections.dropFirst()) {
        #expect(abs(next - one) <= 200 * 0.02 * 1.01 + 0.01)
      }
      // A clock that is farther off than can be steered loses or repeats a piece now and then.
      #expect((bridge.resyncs > 0) == (ppm == 3000))
    }
  }

  @Test func farOffIsCut() {
    var controller = FillController()
    #expect(controller.update(fill: 5000, target: 352, at: HostTime(nanoseconds: 0)) == .resync(frames: 4648))
    #expect(controller.update(fill: -200, target: 352, at: HostTime(nanoseconds: 1)) == .resync(frames: -552))
    #expect(controller.update(fill: 400, target: 352, at: HostTime(nanoseconds: 2)) == .steer(ppm: 0))
  }

  /// A reading does not depend on when within a cycle it is taken.
  @Test func whatIsInFlightCounts() {
    let start = HostTime(nanoseconds: 0)
    let fill = BridgeFill(readTime: start, quantum: 960, readPosition: 960)
    #expect(fill.frames(written: 2000, at: start, rate: .codec) == 2000)
    #expect(abs(fill.frames(written: 2000, at: start + .milliseconds(15), rate: .codec) - 1280) < 1e-6)
    // A late read: what should have been read long ago is not there any more.
    #expect(abs(fill.frames(written: 2000, at: start + .milliseconds(50), rate: .codec) + 400) < 1e-6)
  }
}
