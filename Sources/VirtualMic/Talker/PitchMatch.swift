/// Finds where sound repeats itself.
struct PitchMatch: Hashable {
  /// Frames from a piece to its like.
  var lag: Int
  /// 1 for a perfect repetition, 0 for none.
  var likeness: Float

  /// Looks for the lag at which the `window` frames at `place + direction * lag` are most like those at `place`.
  /// Interleaved; only the first channel is compared. Everything the range reaches must be there.
  static func find(
    _ place: UnsafePointer<Float>, channels: Int, window: Int, lags: ClosedRange<Int>, forward: Bool
  ) -> PitchMatch {
    var best = PitchMatch(lag: lags.lowerBound, likeness: 0)
    let own = energy(place, channels, window)
    guard own > 1e-9 else { return PitchMatch(lag: lags.lowerBound, likeness: 1) }
    for lag in lags {
      let other = place + (forward ? lag : -lag) * channels
      var product: Float = 0
      var power: Float = 0
      // Every other frame tells as much about a lag as all of them.
      for frame in stride(from: 0, to: window, by: 2) {
        let (a, b) = (place[frame * channels], other[frame * channels])
        product += a * b
        power += b * b
      }
      guard product > 0, power > 1e-10 else { continue }
      let likeness = product / (own * power).squareRoot()
      if likeness > best.likeness { best = PitchMatch(lag: lag, likeness: likeness) }
    }
    return best
  }

  private static func energy(_ place: UnsafePointer<Float>, _ channels: Int, _ window: Int) -> Float {
    var power: Float = 0
    for frame in stride(from: 0, to: window, by: 2) { power += place[frame * channels] * place[frame * channels] }
    return power
  }
}
