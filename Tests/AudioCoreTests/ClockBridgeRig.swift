import AudioCore
import CRenderGuard
import Glibc

/// Two domains under virtual time with a bridge between them, and all that comes out.
///
/// A cycle at a moment brings what was captured until then, or asks for what is heard from then on. Both clocks are known
/// exactly; what the bridge is told of them may be off.
final class ClockBridgeRig {
  let bridge: ClockBridge
  private var writer: BridgeWriter
  private var reader: BridgeReader
  let from: Double
  let to: Double
  /// Of the writer's clock against the reader's.
  var ppm: Double
  var writes: [Int]
  var reads: [Int]
  /// Root mean square of the error of every time stamp, in seconds.
  var jitter = 0.0
  /// A frame of the writer, by its number.
  var signal: (Int) -> Float = { _ in 0.25 }
  /// What each cycle of the writer does: true when it is passed on.
  var isWriting = true
  var keepsSound = true
  /// Whether the ends run in render sections.
  var isGuarded = false
  /// How late the writer's thread is in a cycle, in seconds: its clock knows nothing of it.
  var late: (Int) -> Double = { _ in 0 }

  private(set) var now = 0.0
  private var nextWrite = 0.0
  private var dueWrite = 0.0
  private var nextRead = 0.0
  private(set) var writeTurn = 0
  private var readTurn = 0
  private var frame = 0
  private var random = UInt64(0x2545_F491_4F6C_DD1D)
  private let plane: UnsafeMutablePointer<Float>
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let channels: Int

  /// The first channel, and at each read what the bridge says of itself.
  var sound: [Float] = []
  var errors: [Float] = []
  var corrections: [Float] = []
  private static let longest = 8192

  init(
    from: Int = 48_000, to: Int = 48_000, ppm: Double = 0, writes: [Int] = [256], reads: [Int] = [256],
    channels: Int = 1, quality: ResamplerQuality = .main, longest: Int = 1024
  ) {
    bridge = ClockBridge(
      channels: channels, from: SampleRate(hertz: from), to: SampleRate(hertz: to),
      longestWrite: FrameCount(longest), longestRead: FrameCount(longest), quality: quality)
    writer = bridge.makeWriter()
    reader = bridge.makeReader()
    (self.from, self.to, self.ppm) = (Double(from), Double(to), ppm)
    (self.writes, self.reads, self.channels) = (writes, reads, channels)
    plane = .allocate(capacity: channels * Self.longest)
    plane.initialize(repeating: 0, count: channels * Self.longest)
    planes = .allocate(capacity: channels)
    for channel in 0..<channels { (planes + channel).initialize(to: plane + channel * Self.longest) }
    // Not in step with each other.
    dueWrite = 0.000_37
    nextWrite = dueWrite
  }

  deinit {
    plane.deallocate()
    planes.deallocate()
  }

  func tone(_ hertz: Double, amplitude: Double = 0.5) {
    signal = { [from] in
      Float(amplitude * sin(2 * .pi * (hertz * Double($0) / from).truncatingRemainder(dividingBy: 1)))
    }
  }

  func clear() { (sound, errors, corrections) = ([], [], []) }

  func run(seconds: Double) {
    let end = now + seconds
    while now < end {
      if nextWrite <= nextRead { write() } else { read() }
    }
  }

  /// The writer's clock leaps: its next cycle comes so much later.
  func step(milliseconds: Double) {
    dueWrite += milliseconds / 1000
    nextWrite = dueWrite
  }

  /// The writer brings at once what it would have brought in so long a time.
  func burst(seconds: Double) {
    var left = Int(seconds * from)
    while left > 0 {
      let count = min(left, writes[0])
      push(count)
      left -= count
    }
  }

  private func stamp(_ time: Double) -> HostTime {
    HostTime(nanoseconds: Int64((time + 1 + (jitter > 0 ? normal() * jitter : 0)) * 1e9))
  }

  private func normal() -> Double {
    var sum = 0.0
    for _ in 0..<12 {
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      sum += Double(random >> 11) * 0x1p-53
    }
    return sum - 6
  }

  private func push(_ frames: Int, due: Double? = nil) {
    for channel in 0..<channels {
      for index in 0..<frames { planes[channel][index] = signal(frame + index) * (channel == 0 ? 1 : -0.5) }
    }
    frame += frames
    guard isWriting else { return }
    let time = stamp(due ?? now)
    if isGuarded { streamd_render_guard_enter() }
    _ = writer.write(planes, frames: frames, time: time)
    if isGuarded { streamd_render_guard_exit() }
  }

  private func write() {
    now = nextWrite
    push(writes[writeTurn % writes.count], due: dueWrite)
    writeTurn += 1
    dueWrite += Double(writes[writeTurn % writes.count]) / (from * (1 + ppm * 1e-6))
    // What was due meanwhile comes at once.
    nextWrite = max(now, dueWrite + late(writeTurn))
  }

  private func read() {
    now = nextRead
    let frames = reads[readTurn % reads.count]
    readTurn += 1
    let time = stamp(now)
    if isGuarded { streamd_render_guard_enter() }
    reader.read(into: planes, frames: frames, time: time)
    if isGuarded { streamd_render_guard_exit() }
    nextRead += Double(frames) / to
    guard keepsSound else { return }
    sound += UnsafeBufferPointer(start: planes[0], count: frames)
    let facts = bridge.facts()
    errors.append(Float(Double(facts.fill.value - facts.target.value) / from))
    corrections.append(Float(facts.ppm))
  }

  /// Nobody reads for so long.
  func pauseReading(seconds: Double) {
    nextRead += seconds
    run(seconds: seconds)
  }

  /// The second channel of what was read last.
  var otherChannel: UnsafeMutablePointer<Float> { planes[1] }
}
