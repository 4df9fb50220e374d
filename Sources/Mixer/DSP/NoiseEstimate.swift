import AudioCore

/// How strong the noise is in each bin of a spectrum, by minima controlled recursive averaging: the least of about a second
/// of smoothed power bounds it, and what stands out from that bound is speech and not averaged.
/// Thread: render, but for its life.
struct NoiseEstimate: ~Copyable {
  private let bins: Int
  /// Rows of `stride` numbers.
  private let memory: UnsafeMutablePointer<Float>
  private let stride: Int
  /// Frames in each part of the window that a minimum is of.
  private var part = 0
  private var frame = 0
  private var isPrimed = false
  /// The mean power of what stands out, and what noise is counted for: the more the less speech stands out.
  private var speech: Float = 0
  private var weight: Float = Self.leastWeight

  /// Power in each bin; never less than `least`.
  let noise: UnsafeMutablePointer<Float>
  /// How likely a bin has no speech, before the gain has been looked at.
  let absence: UnsafeMutablePointer<Float>

  private let averaged: UnsafeMutablePointer<Float>
  private let smooth: UnsafeMutablePointer<Float>
  private let minimum: UnsafeMutablePointer<Float>
  private let running: UnsafeMutablePointer<Float>
  private let quietSmooth: UnsafeMutablePointer<Float>
  private let quietMinimum: UnsafeMutablePointer<Float>
  private let quietRunning: UnsafeMutablePointer<Float>
  private let narrow: UnsafeMutablePointer<Float>
  private let isQuiet: UnsafeMutablePointer<Float>
  /// The minima of each part of the window, of both kinds.
  private let parts: UnsafeMutablePointer<Float>

  /// A window of 1.2 s, in parts.
  private static var partCount: Int { @_noLocks get { 10 } }
  private static var partFrames: Int { @_noLocks get { 12 } }
  /// The mean of minima lies so far below the mean.
  private static var bias: Float { @_noLocks get { 2.2 } }
  static var least: Float { @_noLocks get { 1e-10 } }
  private static var leastWeight: Float { @_noLocks get { 1 } }
  private static var mostWeight: Float { @_noLocks get { 4 } }

  init(bins: Int) {
    self.bins = bins
    // One number before each row and a vector behind it may be read.
    stride = (bins + 2 + 15) / 16 * 16
    let rows = 11 + 2 * Self.partCount
    memory = .allocate(capacity: rows * stride)
    memory.initialize(repeating: 0, count: rows * stride)
    noise = memory + 1
    absence = noise + stride
    averaged = absence + stride
    smooth = averaged + stride
    minimum = smooth + stride
    running = minimum + stride
    quietSmooth = running + stride
    quietMinimum = quietSmooth + stride
    quietRunning = quietMinimum + stride
    narrow = quietRunning + stride
    isQuiet = narrow + stride
    parts = isQuiet + stride
    reset()
  }

  deinit { memory.deallocate() }

  @_noLocks
  mutating func reset() {
    isPrimed = false
    speech = 0
    weight = Self.leastWeight
    part = 0
    frame = 0
    for bin in 0..<bins {
      noise[bin] = Self.least
      absence[bin] = 0
    }
  }

  /// Looks at a frame's power, of which nothing is below `least`. Afterwards `absence` is of this frame; `noise` is still of
  /// what came before, but for the first frame, which counts as noise.
  @_noLocks
  mutating func look(at power: UnsafeMutablePointer<Float>) {
    // Neighbours of the outermost bins are these themselves.
    power[-1] = power[0]
    power[bins] = power[bins &- 1]
    for bin in 0..<bins { narrow[bin] = 0.25 * power[bin &- 1] + 0.5 * power[bin] + 0.25 * power[bin &+ 1] }
    guard isPrimed else { return prime(power) }
    for bin in 0..<bins {
      let level = 0.8 * smooth[bin] + 0.2 * narrow[bin]
      smooth[bin] = level
      minimum[bin] = level < minimum[bin] ? level : minimum[bin]
      running[bin] = level < running[bin] ? level : running[bin]
      let scale = 1 / (Self.bias * minimum[bin])
      isQuiet[bin] = power[bin] * scale < 4.6 && level * scale < 3 ? 1 : 0
    }
    isQuiet[-1] = 0
    isQuiet[bins] = 0
    for bin in 0..<bins {
      let (a, b, c) = (0.25 * isQuiet[bin &- 1], 0.5 * isQuiet[bin], 0.25 * isQuiet[bin &+ 1])
      let weight = a + b + c
      let sum = a * power[bin &- 1] + b * power[bin] + c * power[bin &+ 1]
      let old = quietSmooth[bin]
      let level = weight > 0 ? 0.8 * old + 0.2 * (sum / (weight > 0 ? weight : 1)) : old
      quietSmooth[bin] = level
      quietMinimum[bin] = level < quietMinimum[bin] ? level : quietMinimum[bin]
      quietRunning[bin] = level < quietRunning[bin] ? level : quietRunning[bin]
      let scale = 1 / (Self.bias * quietMinimum[bin])
      let peak = power[bin] * scale
      let share = peak <= 1 ? 1 : peak < 3 ? 0.5 * (3 - peak) : 0
      absence[bin] = smooth[bin] * scale < 3 ? share : 0
    }
    frame &+= 1
    if frame == Self.partFrames { turn() }
  }

  /// A frame without any sound: it says that there may be no noise, not that what is known of it is wrong. So noise behind
  /// a microphone's gate is known again at once, and a clean voice between silences soon has none.
  @_noLocks
  mutating func pause() {
    guard isPrimed else { return }
    for bin in 0..<bins {
      smooth[bin] = Self.least
      minimum[bin] = Self.least
      running[bin] = Self.least
      quietSmooth[bin] = Self.least
      quietMinimum[bin] = Self.least
      quietRunning[bin] = Self.least
    }
    frame &+= 1
    if frame == Self.partFrames { turn() }
  }

  /// Takes the frame into the average where `presence` says that it is no speech.
  @_noLocks
  mutating func learn(_ power: UnsafePointer<Float>, presence: UnsafePointer<Float>) {
    weigh(power)
    for bin in 0..<bins {
      let keep = 0.85 + 0.15 * presence[bin]
      let level = keep * averaged[bin] + (1 - keep) * power[bin]
      // Far above every minimum it is no noise of now.
      averaged[bin] = level > 50 * minimum[bin] ? 0.98 * level : level
      let whole = weight * averaged[bin]
      noise[bin] = whole > Self.least ? whole : Self.least
    }
  }

  /// Where speech is 30 dB above noise, its harm would be greater than that of some noise left; at 12 dB it is not.
  @_noLocks
  private mutating func weigh(_ power: UnsafePointer<Float>) {
    var (all, quiet): (Float, Float) = (0, 0)
    for bin in 0..<bins {
      all += power[bin]
      quiet += averaged[bin]
    }
    if all > 4 * quiet { speech += 0.02 * (all - quiet - speech) }
    guard speech > 0 else { return }
    let octaves = Float(renderLog2(Double(speech / quiet)))
    let near = (10 - octaves) / 6
    weight = Self.leastWeight + (Self.mostWeight - Self.leastWeight) * (near < 0 ? 0 : near < 1 ? near : 1)
  }

  @_noLocks
  private mutating func prime(_ power: UnsafePointer<Float>) {
    isPrimed = true
    for bin in 0..<bins {
      let level = narrow[bin]
      averaged[bin] = power[bin]
      noise[bin] = power[bin]
      smooth[bin] = level
      minimum[bin] = level
      running[bin] = level
      quietSmooth[bin] = level
      quietMinimum[bin] = level
      quietRunning[bin] = level
      absence[bin] = 1
      for row in 0..<2 &* Self.partCount { parts[row &* stride &+ bin] = level }
    }
  }

  /// A part of the window is over: the oldest goes.
  @_noLocks
  private mutating func turn() {
    frame = 0
    let count = Self.partCount
    renderCopy(parts + part &* stride, from: running, floats: bins)
    renderCopy(parts + (count &+ part) &* stride, from: quietRunning, floats: bins)
    part = part &+ 1 == count ? 0 : part &+ 1
    renderCopy(minimum, from: parts, floats: bins)
    renderCopy(quietMinimum, from: parts + count &* stride, floats: bins)
    for row in 1..<count {
      let (a, b) = (parts + row &* stride, parts + (count &+ row) &* stride)
      for bin in 0..<bins {
        minimum[bin] = a[bin] < minimum[bin] ? a[bin] : minimum[bin]
        quietMinimum[bin] = b[bin] < quietMinimum[bin] ? b[bin] : quietMinimum[bin]
      }
    }
    renderCopy(running, from: smooth, floats: bins)
    renderCopy(quietRunning, from: quietSmooth, floats: bins)
  }
}
