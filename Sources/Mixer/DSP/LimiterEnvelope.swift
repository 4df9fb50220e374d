import AudioCore

/// The timing of a limiter in frames and per-frame factors: what its envelopes need of its settings.
struct LimiterTiming {
  var hold: Int
  /// Frames of the time constant after a short event, and after long reduction.
  var release: Double
  var slowRelease: Double
  /// A reduction of this many frames counts as long.
  let long: Int
  /// The steepest that the gain may rise, per frame.
  let steepest: Double
}

/// Turns the gain that each frame requires into one that is smooth and never above it.
///
/// The least requirement of the look-ahead is held, released and then averaged twice over half the look-ahead each. Every
/// value that is averaged is at or below what the frame at the end of the look-ahead requires, so the average is too. The
/// averages are sums of integers: exact for ever, and exactly one when there is nothing to do.
/// Thread: any one at a time.
struct LimiterEnvelope: ~Copyable {
  /// Frames between a requirement and the gain that answers it.
  let lookahead: Int

  /// The window of the least value: its frames so far, and behind them the least of each rest of the window before.
  private let window: UnsafeMutablePointer<Float>
  private let width: Int
  private var place = 0
  private var least: Float = 1

  private var gain: Float = 1
  private var holding = 0
  private var ratio: Float = 1
  private var untilRatio = 0
  /// Frames of reduction so far, in fifths: they are forgotten at a fifth of the speed.
  private var charge = 0

  private let first: UnsafeMutablePointer<Int>
  private let second: UnsafeMutablePointer<Int>
  private let firstWidth: Int
  private let secondWidth: Int
  private var firstPlace = 0
  private var secondPlace = 0
  private var firstSum: Int
  private var secondSum: Int
  private let scale: Double

  /// Frames in a row in which nothing was required.
  private var calm: Int

  /// One is 2 to the 30th.
  private static var one: Int { @_noLocks get { 1 << 30 } }
  /// A requirement so near to the gain that is held keeps it held: a tenth of a decibel.
  private static var near: Float { @_noLocks get { 1.0115795 } }
  /// Frames for which one release ratio is used.
  private static var ratioFrames: Int { @_noLocks get { 16 } }

  init(lookahead: Int) {
    precondition(lookahead >= 2)
    self.lookahead = lookahead
    width = lookahead + 1
    window = .allocate(capacity: width + 1)
    window.initialize(repeating: 1, count: width + 1)
    // Both together reach exactly over the look-ahead.
    firstWidth = (lookahead + 2) / 2
    secondWidth = lookahead + 2 - firstWidth
    first = .allocate(capacity: firstWidth)
    first.initialize(repeating: Self.one, count: firstWidth)
    second = .allocate(capacity: secondWidth)
    second.initialize(repeating: firstWidth * Self.one, count: secondWidth)
    firstSum = firstWidth * Self.one
    secondSum = secondWidth * firstSum
    scale = 1 / Double(secondSum)
    calm = 4 * width
  }

  deinit {
    window.deallocate()
    first.deallocate()
    second.deallocate()
  }

  /// For frames in which nothing is required. True when their gain is one, and nothing else needs to be done.
  @_noLocks
  mutating func rest(_ frames: Int) -> Bool {
    // No average can be full unless all that it is made of is.
    let full = firstWidth &* Self.one
    guard calm >= width, gain == 1, holding == 0, firstSum == full, secondSum == secondWidth &* full else {
      return false
    }
    charge = charge > frames ? charge &- frames : 0
    return true
  }

  /// Takes the gain that each frame requires, at most one, and replaces it by the one for the frame `lookahead` before.
  @_noLocks
  mutating func process(_ gains: UnsafeMutablePointer<Float>, frames: Int, _ timing: LimiterTiming) {
    for frame in 0..<frames {
      let required = gains[frame]
      calm = required < 1 ? 0 : calm &+ 1
      let held = follow(least(required), timing)
      gains[frame] = Float(Double(average(Int(held * Float(Self.one)))) * scale)
    }
  }

  @_noLocks @inline(__always)
  private mutating func least(_ required: Float) -> Float {
    least = required < least ? required : least
    let rest = window[place &+ 1]
    let result = rest < least ? rest : least
    window[place] = required
    place &+= 1
    if place == width {
      place = 0
      least = 1
      var index = width &- 2
      while index >= 0 {
        if window[index &+ 1] < window[index] { window[index] = window[index &+ 1] }
        index &-= 1
      }
    }
    return result
  }

  /// Falls at once; stays while the requirement comes back in time; then rises, exponentially in decibels.
  @_noLocks @inline(__always)
  private mutating func follow(_ required: Float, _ timing: LimiterTiming) -> Float {
    if holding > 0 {
      if required < 1 && required <= gain * Self.near {
        gain = required < gain ? required : gain
        holding = timing.hold
      } else {
        holding &-= 1
        if holding == 0 { untilRatio = 0 }
      }
      charge = charge < 5 &* timing.long ? charge &+ 5 : charge
    } else {
      if gain < 1 {
        if untilRatio == 0 { renewRatio(timing) }
        untilRatio &-= 1
        gain *= ratio
      }
      charge = charge > 0 ? charge &- 1 : 0
      if required < gain {
        gain = required
        holding = timing.hold
      } else if gain > 1 {
        gain = 1
      }
    }
    return gain
  }

  @_noLocks
  private mutating func renewRatio(_ timing: LimiterTiming) {
    untilRatio = Self.ratioFrames
    let share = Double(charge) / Double(5 &* timing.long)
    let long = share < 0.25 ? 0 : share > 1 ? 1 : (share - 0.25) / 0.75
    let time = timing.release + (timing.slowRelease - timing.release) * long
    let deficit = gain > 1e-9 ? -renderLog2(Double(gain)) : 30
    let rise = renderExp2(deficit * (1 - renderExp2(-1.4426950408889634 * Double(Self.ratioFrames) / time)) / 16)
    ratio = Float(rise < 1.000001 ? 1.000001 : rise > timing.steepest ? timing.steepest : rise)
    if gain < 1e-9 { gain = 1e-9 }
  }

  @_noLocks @inline(__always)
  private mutating func average(_ value: Int) -> Int {
    firstSum &+= value &- first[firstPlace]
    first[firstPlace] = value
    firstPlace = firstPlace &+ 1 == firstWidth ? 0 : firstPlace &+ 1
    secondSum &+= firstSum &- second[secondPlace]
    second[secondPlace] = firstSum
    secondPlace = secondPlace &+ 1 == secondWidth ? 0 : secondPlace &+ 1
    return secondSum
  }

  /// Forgets what came before.
  @_noLocks
  mutating func reset() {
    for index in 0...width { window[index] = 1 }
    for index in 0..<firstWidth { first[index] = Self.one }
    for index in 0..<secondWidth { second[index] = firstWidth &* Self.one }
    firstSum = firstWidth &* Self.one
    secondSum = secondWidth &* firstSum
    (place, least, gain, holding, untilRatio, charge) = (0, 1, 1, 0, 0, 0)
    calm = 4 &* width
  }
}
