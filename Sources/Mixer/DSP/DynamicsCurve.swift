import AudioCore

/// The static curve of a compressor or expander: how much to reduce at which level. Beyond the knee it is a straight line,
/// within it a parabola that meets both sides with their slope. A change is a ramp of each number.
/// Thread: any one at a time.
struct DynamicsCurve {
  /// In octaves. `slope` is the reduction for each octave beyond the threshold.
  struct Numbers: Equatable {
    var threshold: Double
    var slope: Double
    var knee: Double
    var range: Double

    @_noLocks
    init(threshold: Double, slope: Double, knee: Double, range: Double) {
      self.threshold = threshold
      self.slope = slope
      self.knee = knee
      self.range = range
    }

    @_noLocks
    static func == (a: Self, b: Self) -> Bool {
      a.threshold == b.threshold && a.slope == b.slope && a.knee == b.knee && a.range == b.range
    }
  }

  private var now: Numbers
  private var target: Numbers
  private var left = 0
  private let ramp: Int
  /// 1 reduces above the threshold, −1 below.
  private let side: Float

  init(_ numbers: Numbers, above: Bool, ramp: Int) {
    now = numbers
    target = numbers
    side = above ? 1 : -1
    self.ramp = max(ramp, 1)
  }

  @_noLocks
  mutating func aim(_ numbers: Numbers) {
    guard !(numbers == target) else { return }
    target = numbers
    left = ramp
  }

  @_noLocks
  mutating func snap() {
    now = target
    left = 0
  }

  /// Replaces levels by reductions.
  @_noLocks
  mutating func process(_ values: UnsafeMutablePointer<Float>, frames: Int) {
    var frame = 0
    while frame < frames && left > 0 {
      let share = 1 / Double(left)
      now.threshold += (target.threshold - now.threshold) * share
      now.slope += (target.slope - now.slope) * share
      now.knee += (target.knee - now.knee) * share
      now.range += (target.range - now.range) * share
      left &-= 1
      if left == 0 { now = target }
      apply(values + frame, frames: 1)
      frame &+= 1
    }
    apply(values + frame, frames: frames &- frame)
  }

  @_noLocks
  private func apply(_ values: UnsafeMutablePointer<Float>, frames: Int) {
    let (threshold, slope, range) = (Float(now.threshold), Float(now.slope), Float(now.range))
    let knee = Float(now.knee)
    let bend = knee > 1e-6 ? 0.5 / knee : 0
    for frame in 0..<frames {
      // How far the level is in the knee, and how far beyond it.
      let into = (values[frame] - threshold) * side + 0.5 * knee
      let positive = into > 0 ? into : 0
      let inside = positive < knee ? positive : knee
      let reduction = slope * (inside * inside * bend + (positive - inside))
      values[frame] = reduction < range ? reduction : range
    }
  }
}
