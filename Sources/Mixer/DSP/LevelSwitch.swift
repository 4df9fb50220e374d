import AudioCore

/// Says when a level is there: from where it reaches one threshold, until it has been below another for a while.
/// Thread: any one at a time.
struct LevelSwitch {
  private(set) var isOn = false
  private var left = 0
  private var on: Float = 0
  private var off: Float = 0
  private var hold = 0

  /// Thresholds in octaves, the time in frames.
  @_noLocks
  mutating func tune(on: Double, off: Double, hold: Double) {
    self.on = Float(on)
    self.off = Float(off)
    self.hold = Int(hold)
  }

  @_noLocks
  mutating func reset() {
    isOn = false
    left = 0
  }

  /// Replaces each level by one of two values.
  @_noLocks
  mutating func process(_ values: UnsafeMutablePointer<Float>, frames: Int, whenOn: Float, whenOff: Float) {
    for frame in 0..<frames {
      let level = values[frame]
      if level >= on {
        isOn = true
        left = hold
      } else if isOn {
        if level >= off {
          left = hold
        } else if left > 0 {
          left &-= 1
        } else {
          isOn = false
        }
      }
      values[frame] = isOn ? whenOn : whenOff
    }
  }
}
