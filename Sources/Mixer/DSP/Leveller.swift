public import AudioCore

/// Brings programmes to one loudness: games, music and voices follow each other without a hand on the volume.
///
/// The gain follows from the loudness before it, so there is no loop that could swing; what the rest of the chain adds or
/// takes, a compressor's make-up for instance, is heard at its end (`hear`) and taken back over some seconds. In pauses
/// everything stands still. No latency; at a gain of 0 dB samples pass bit for bit.
///
/// Thread: render, but for its life.
public struct Leveller: ~Copyable, @unchecked Sendable {
  private let channels: Int
  private let rate: SampleRate
  private var settings: LevellerSettings
  private var ear: LevellerEar
  private var output: LevellerEar
  private var loudness = GatedLoudness()
  /// Of blocks that counted, fading over five seconds: what should have come out, and what did.
  private var expected = 0.0
  private var heard = 0.0
  private var weight = 0.0
  private var lastOutput = 0.0

  private var trim = 0.0
  private var desired = 0.0
  private var decibels = 0.0
  /// Amplitudes at both ends of the 10 ms at hand, and the logarithm of their ratio per frame.
  private var from = 1.0
  private var slope = 0.0
  private var to = 1.0
  private var length: Int
  private var place = 0
  private var steps = 0
  /// Blocks of 50 ms that have said nothing since the last that did.
  private var silent = 0
  /// After a change of programme the gain goes where it belongs at once.
  private var snaps = false

  /// Thread: control.
  public init(format: StreamFormat, settings: LevellerSettings = LevellerSettings()) {
    precondition((8000...768_000).contains(format.rate.hertz))
    channels = format.layout.count
    rate = format.rate
    self.settings = settings.limited
    ear = LevellerEar(format: format)
    output = LevellerEar(format: format)
    length = format.rate.hertz / 100
  }

  public var latency: FrameCount { 0 }

  /// The gain now.
  public var gain: Decibels { @_noLocks get { Decibels(decibels) } }
  /// What is made up for the rest of the chain.
  public var trimmed: Decibels { @_noLocks get { Decibels(trim) } }

  /// From now on. Speeds hold at once; where the gain goes to follows from them.
  @_noLocks
  public mutating func aim(_ settings: LevellerSettings) { self.settings = settings.limited }

  /// Another programme: what was heard says nothing any more. The gain stays until 0.4 s are heard, then goes there
  /// within a fraction of a second.
  @_noLocks
  public mutating func forget() {
    loudness.forget()
    snaps = true
  }

  /// Everything as at the beginning.
  @_noLocks
  public mutating func reset() {
    ear.reset()
    output.reset()
    loudness.forget()
    (expected, heard, weight, lastOutput) = (0, 0, 0, 0)
    (trim, desired, decibels) = (0, 0, 0)
    (from, slope, to) = (1, 0, 1)
    (place, steps) = (0, 0)
    length = rate.hertz / 100
    silent = 0
    snaps = false
  }

  /// Measures a block, then sets its level.
  @_noLocks
  public mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int) {
    var done = 0
    while done < frames {
      let count = frames &- done < length &- place ? frames &- done : length &- place
      ear.listen(planes, from: done, frames: count)
      apply(planes, from: done, frames: count)
      place &+= count
      done &+= count
      if place == length { endStep() }
    }
  }

  /// What came out at the end of the chain, of as many frames as went in. Only needed to close the loop.
  @_noLocks
  public mutating func hear(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int) {
    var done = 0
    let step = rate.hertz / 20
    while done < frames {
      let left = step &- output.frames
      let count = frames &- done < left ? frames &- done : left
      output.listen(planes, from: done, frames: count)
      done &+= count
      if output.frames == step { lastOutput = output.take().power }
    }
  }

  @_noLocks
  private func apply(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, from start: Int, frames: Int) {
    for channel in 0..<channels { Sanitised.clean(planes[channel] + start, frames: frames) }
    if from == 1 && to == 1 { return }
    let (base, slope) = (Float(from), Float(self.slope))
    let limit = Float.greatestFiniteMagnitude
    for channel in 0..<channels {
      let plane = planes[channel] + start
      for frame in 0..<frames {
        // The exponential, as far as 10 ms go.
        let u = slope * Float(place &+ frame &+ 1)
        let sample = plane[frame] * (base * (1 + u * (1 + u * (0.5 + u * (1 / 6)))))
        // What 32 bits cannot hold.
        plane[frame] = sample > limit ? limit : sample < -limit ? -limit : sample
      }
    }
  }

  @_noLocks
  private mutating func endStep() {
    steps &+= 1
    place = 0
    length = ((steps &+ 1) &* rate.hertz / 100) &- (steps &* rate.hertz / 100)
    if steps % 5 == 0 { endBlock() }
    from = to
    decibels += move()
    to = decibels == 0 ? 1 : renderExp2(decibels * 0.16609640474436813)
    slope = to == from ? 0 : renderLog2(to / from) * 0.6931471805599453 / Double(length)
  }

  /// What the gain changes by in the next 10 ms.
  @_noLocks
  private mutating func move() -> Double {
    let goal = settings.isEnabled ? desired : 0
    let error = goal - decibels
    if error == 0 || (silent > Self.breath && settings.isEnabled) { return 0 }
    // The last hundredth in one go, so that there is an end.
    if error.magnitude < 0.0005 { return error }
    var rise = settings.isEnabled ? settings.rise : 20
    var fall = settings.isEnabled ? settings.fall : 20
    if snaps && loudness.count >= 8 {
      (rise, fall) = (60, 60)
      if error.magnitude < 0.5 { snaps = false }
    }
    // Close to the goal it slows down.
    let wanted = error > 0 ? error / 0.8 : error / 0.25
    return (wanted > rise ? rise : wanted < -fall ? -fall : wanted) * 0.01
  }

  /// Between syllables the gain goes on to where it belongs; after that many blocks it stands still until something is heard.
  private static var breath: Int { @_noLocks get { 8 } }
  /// 20 LUFS: what is louder is a fault somewhere and no programme. It counts as a pause.
  private static var loudest: Double { @_noLocks get { 117.2 } }

  @_noLocks
  private mutating func endBlock() {
    let (power, peak) = ear.take()
    let window = Int(settings.window * 20)
    let entered = loudness.add(
      power: power < Self.loudest ? power : 0, peak: peak, gate: Self.power(settings.gate),
      depth: renderExp2(-settings.pauseDepth / 3.0102999566),
      window: window)
    silent = entered ? 0 : silent < 1000 ? silent &+ 1 : silent
    guard entered else { return }
    if settings.closesTheLoop { closeLoop(power) } else { trim = 0 }
    let mean = loudness.mean(of: window)
    guard mean > 0 else { return }
    var wanted = settings.target - Self.units(mean) + trim
    let headroom = settings.peakCeiling.value - 6.0205999133 * renderLog2(Double(loudness.highestPeak(of: window)))
    if wanted > headroom { wanted = headroom > 0 ? headroom : wanted < 0 ? wanted : 0 }
    if wanted > settings.mostBoost.value { wanted = settings.mostBoost.value }
    if wanted < -settings.mostCut.value { wanted = -settings.mostCut.value }
    // Of 0.4 s that begin a programme one believes only that it is too loud.
    if loudness.count < 8 && wanted > desired { return }
    desired = wanted
  }

  /// What the chain behind makes of our output, over about five seconds of programme.
  @_noLocks
  private mutating func closeLoop(_ power: Double) {
    guard lastOutput > 0 else { return }
    let keep = 0.99
    expected = expected * keep + power * to * to
    heard = heard * keep + lastOutput
    // Who stops listening must not be taken for a chain that stands still.
    lastOutput = 0
    weight = weight * keep + 1
    guard weight > 20, expected > 0, heard > 0 else { return }
    var goal = -3.0102999566 * renderLog2(heard / expected)
    // A limiter that takes everything must not be pushed further.
    goal = goal < -15 ? -15 : goal > 3 ? 3 : goal
    let step = 0.05 * (goal - trim)
    trim += step > 0.05 ? 0.05 : step < -0.1 ? -0.1 : step
  }

  @_noLocks
  static func units(_ power: Double) -> Double { -0.691 + 3.0102999566 * renderLog2(power) }
  @_noLocks
  private static func power(_ units: Double) -> Double { renderExp2((units + 0.691) / 3.0102999566) }
}
