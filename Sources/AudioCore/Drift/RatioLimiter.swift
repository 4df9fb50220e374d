/// Bounds a correction of rate and how quickly it may change. Pure.
///
/// A thousand parts per million are less than two cents: nobody hears the correction, however wrong it may be.
@frozen
public struct RatioLimiter: Hashable, Sendable {
  /// In parts per million.
  public private(set) var value: Double = 0
  public let limit: Double
  /// In parts per million per second.
  public let slew: Double

  @_noLocks public init(limit: Double = 1000, slew: Double = 200) {
    self.limit = limit
    self.slew = slew
  }

  /// Moves towards `wanted` for `seconds` and returns where it is then.
  @_noLocks public mutating func move(to wanted: Double, seconds: Double) -> Double {
    let bounded = min(max(wanted, -limit), limit)
    let step = slew * max(seconds, 0)
    value = min(max(bounded, value - step), value + step)
    return value
  }
}
