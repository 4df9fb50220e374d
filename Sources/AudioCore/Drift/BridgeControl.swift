/// What the reader of a bridge does next: wait, begin, play on with a correction, or stop and begin anew. Pure: readings
/// and time in, a step out.
///
/// Between the clocks lies what the writer brings at once, what the reader takes at once, the resampler's filter, and a
/// margin for threads that are late. Less would run dry; more is latency for nothing.
struct BridgeControl {
  /// What the reader sees when a cycle begins.
  struct Reading {
    /// When the reader's cycle began, and its length.
    var now: HostTime
    var frames: Int
    /// The writer's frames in all, when it wrote last, and its longest cycle lately. None before it wrote.
    var written: Int
    var writeTime: HostTime
    var writeQuantum: Int
    var hasWritten: Bool
    /// The position up to which sound is used up, and frames beyond it that can be read.
    var used: Double
    var available: Int
    /// What this cycle takes of them.
    var needed: Int
    /// The last sound has not died away yet.
    var isFading: Bool
    /// In what waits something is missing.
    var isBroken: Bool

    // Spelled out: the render check does not see through one that the compiler makes.
    @_noLocks init(
      now: HostTime, frames: Int, written: Int, writeTime: HostTime, writeQuantum: Int, hasWritten: Bool, used: Double,
      available: Int, needed: Int, isFading: Bool, isBroken: Bool
    ) {
      self.now = now
      self.frames = frames
      self.written = written
      self.writeTime = writeTime
      self.writeQuantum = writeQuantum
      self.hasWritten = hasWritten
      self.used = used
      self.available = available
      self.needed = needed
      self.isFading = isFading
      self.isBroken = isBroken
    }
  }

  enum Step: Hashable {
    case silence
    /// Nobody read for so long that nothing of what waits is worth anything: let all of it go.
    case restart
    /// Let so many frames go and play what follows, rising.
    case begin(drop: Int)
    case play(ppm: Double)
    /// Too far off to steer: play on, falling, until `left`.
    case leave
  }

  private enum State: Hashable { case waiting, playing, leaving }

  /// Of the writer, nominal: frames a second, and frames for each of the reader's.
  private let rate: SampleRate
  private let ratio: Double
  /// The resampler's length, and what is rounded.
  private let filter: Double
  private var state = State.waiting
  private var controller: FillController
  private var reads = LargestQuantum()
  private let readRate: Double
  private var margin = BridgeControl.leastMargin
  private var lastRead: HostTime?
  /// When sound ran dry, and what was written then.
  private var starvedAt: HostTime?
  private var starvedWritten = 0
  private var starvedQuantum = 0
  private var calmSince: HostTime?

  /// In frames of the writer, at the last reading.
  private(set) var fill = 0.0
  private(set) var target = 0.0
  /// Times that it was too far off to steer, or the quantum was another.
  private(set) var resyncs = 0

  /// How late threads may be, in seconds: 2 ms at first, more when that was not enough.
  private static var leastMargin: Double { @_noLocks get { 0.002 } }
  private static var mostMargin: Double { @_noLocks get { 0.020 } }
  private static var marginStep: Double { @_noLocks get { 0.002 } }
  /// So long without running dry, and the margin shrinks, slowly enough that the clocks' loop notices nothing.
  private static var calm: Int64 { @_noLocks get { 30_000_000_000 } }
  private static var shrinking: Double { @_noLocks get { 20e-6 } }
  /// Who is later than this was not late but gone. In nanoseconds, beside the cycles themselves.
  private static var absence: Int64 { @_noLocks get { 100_000_000 } }
  /// A target that moves by more is not steered to, in seconds.
  private static var jump: Double { @_noLocks get { 0.001 } }

  init(from: SampleRate, to: SampleRate, filter: Int) {
    rate = from
    ratio = Double(from.hertz) / Double(to.hertz)
    readRate = Double(to.hertz)
    self.filter = Double(filter + 2)
    controller = FillController(rate: from)
  }

  var ppm: Double { @_noLocks get { controller.ppm } }
  var isPlaying: Bool { @_noLocks get { state != .waiting } }

  /// The longest target there can be for these quanta, in frames of the writer.
  func mostTarget(write: FrameCount, read: FrameCount) -> Double {
    Double(write.value) + Double(read.value) * ratio + filter + Self.mostMargin * Double(rate.hertz)
  }

  /// Once a cycle of the reader. Thread: render.
  @_noLocks mutating func step(_ reading: Reading) -> Step {
    let passed = lastRead.map { (reading.now - $0).nanoseconds }
    lastRead = reading.now
    reads.note(reading.frames, at: reading.now)
    if isAbsent(passed) {
      state = .waiting
      controller.rest()
      starvedAt = nil
      return .restart
    }
    guard reading.hasWritten else { return .silence }
    let before = target
    if state == .waiting { judgeLateness(reading) }
    shrinkMargin(reading.now, passed: Double(passed ?? 0) * 1e-9)
    target =
      Double(reading.writeQuantum) + Double(reads.frames) * ratio + filter + margin * Double(rate.hertz)
    fill = BridgeFill.frames(
      written: reading.written, at: reading.writeTime, used: reading.used, now: reading.now, rate: rate)
    switch state {
    case .waiting: return begin(reading)
    case .leaving: return .play(ppm: controller.ppm)
    case .playing: return steer(reading, from: before)
    }
  }

  /// Sound has run dry. Thread: render.
  @_noLocks mutating func starve(_ reading: Reading) {
    state = .waiting
    controller.rest()
    starvedAt = reading.now
    starvedWritten = reading.written
    starvedQuantum = reading.writeQuantum
  }

  /// What `leave` asked for is done. Thread: render.
  @_noLocks mutating func left() {
    state = .waiting
    controller.rest()
  }

  @_noLocks private func isAbsent(_ passed: Int64?) -> Bool {
    guard let passed else { return true }
    let usual = Int64(Double(reads.frames) / readRate * 1e9)
    return passed < 0 || passed > 2 * usual + Self.absence
  }

  /// Nothing sounds until there is as much as there must be, and then no more than that.
  @_noLocks private mutating func begin(_ reading: Reading) -> Step {
    let age = (reading.now - reading.writeTime).nanoseconds
    let usual = Int64(Double(reading.writeQuantum) / Double(rate.hertz) * 1e9)
    guard !reading.isFading && age < 2 * usual + Self.absence && fill >= target else { return .silence }
    let surplus = Int(fill - target)
    guard reading.available &- surplus >= reading.needed else { return .silence }
    state = .playing
    fill -= Double(surplus)
    calmSince = reading.now
    return .begin(drop: surplus)
  }

  @_noLocks private mutating func steer(_ reading: Reading, from before: Double) -> Step {
    let least = Self.jump * Double(rate.hertz)
    if reading.isBroken { return leave() }
    if (target - before).magnitude > least && (fill - target).magnitude > least { return leave() }
    switch controller.update(fill: fill, target: target, at: reading.now) {
    case .steer(let ppm): return .play(ppm: ppm)
    case .resync: return leave()
    }
  }

  @_noLocks private mutating func leave() -> Step {
    state = .leaving
    resyncs &+= 1
    return .leave
  }

  /// A writer that was a little late will be so again; one that stood still, or has a longer cycle now, was not late.
  @_noLocks private mutating func judgeLateness(_ reading: Reading) {
    guard let starved = starvedAt, reading.written > starvedWritten else { return }
    starvedAt = nil
    guard (reading.now - starved).nanoseconds < Self.absence, reading.writeQuantum <= starvedQuantum else { return }
    let wider = margin + Self.marginStep
    margin = wider < Self.mostMargin ? wider : Self.mostMargin
  }

  @_noLocks private mutating func shrinkMargin(_ now: HostTime, passed: Double) {
    guard let calmSince, (now - calmSince).nanoseconds > Self.calm, margin > Self.leastMargin else { return }
    let smaller = margin - Self.shrinking * passed
    margin = smaller > Self.leastMargin ? smaller : Self.leastMargin
  }
}
