import AudioCore

/// How much later than the far end its echo comes, in blocks: the delay at which spectra of both are most coherent. A
/// quarter of the delays is looked at in each block.
/// Thread: render, but for its life.
struct EchoDelay: ~Copyable {
  private let lags: Int
  private let first: Int
  private let count: Int
  /// For each lag: cross spectrum, real and imaginary, and the power of both.
  private let averages: UnsafeMutablePointer<Float>
  private let scores: UnsafeMutablePointer<Float>
  /// Looks at each lag so far, up to what an average forgets.
  private let looks: UnsafeMutablePointer<Float>
  private var turn = 0
  private var candidate = 0
  private var agreed = 0

  /// The delay found in blocks; nil while there is none.
  private(set) var found: Int?
  /// The same with its fraction.
  private(set) var exact: Float = 0

  private static var turns: Int { @_noLocks get { 4 } }
  private static var keep: Float { @_noLocks get { 0.98 } }

  /// Bins from 300 Hz to 6 kHz of `bins` up to half the rate.
  init(lags: Int, bins: Int, hertz: Int) {
    self.lags = lags
    let width = Double(hertz) / 2 / Double(bins - 1)
    first = max(1, Int(300 / width))
    count = min(bins - 1, Int(6000 / width)) - first
    averages = .allocate(capacity: 4 * count * lags)
    averages.initialize(repeating: 0, count: 4 * count * lags)
    scores = .allocate(capacity: lags)
    scores.initialize(repeating: 0, count: lags)
    looks = .allocate(capacity: lags)
    looks.initialize(repeating: 0, count: lags)
  }

  deinit {
    averages.deallocate()
    scores.deallocate()
    looks.deallocate()
  }

  @_noLocks
  mutating func reset() {
    renderZero(averages, floats: 4 &* count &* lags)
    for lag in 0..<lags { (scores[lag], looks[lag]) = (0, 0) }
    found = nil
    agreed = 0
    exact = 0
  }

  /// A block of the microphone as a spectrum of it and the block before.
  @_noLocks
  mutating func look(
    _ real: UnsafePointer<Float>, _ imaginary: UnsafePointer<Float>, _ reference: borrowing EchoReference
  ) {
    turn = turn &+ 1 == Self.turns ? 0 : turn &+ 1
    var lag = turn
    while lag < lags {
      if reference.isHeard(lag) {
        let far = reference.spectrum(lag)
        measure(lag, real + first, imaginary + first, far + first, far + (reference.stride &+ first))
      }
      lag &+= Self.turns
    }
    if turn == 0 { choose() }
  }

  @_noLocks
  private mutating func measure(
    _ lag: Int, _ yr: UnsafePointer<Float>, _ yi: UnsafePointer<Float>, _ xr: UnsafePointer<Float>,
    _ xi: UnsafePointer<Float>
  ) {
    let row = averages + 4 &* count &* lag
    let (cr, ci, xx, yy) = (row, row + count, row + 2 &* count, row + 3 &* count)
    looks[lag] = looks[lag] < 1000 ? looks[lag] + 1 : 1000
    let early = 1 - 1 / looks[lag]
    let keep = early < Self.keep ? early : Self.keep
    // Loud blocks count no more than others.
    var (far, near): (Float, Float) = (1e-12, 1e-12)
    for bin in 0..<count {
      far += xr[bin] * xr[bin] + xi[bin] * xi[bin]
      near += yr[bin] * yr[bin] + yi[bin] * yi[bin]
    }
    let (farScale, nearScale) = ((1 - keep) / far, (1 - keep) / near)
    let new = renderRoot(farScale * nearScale)
    for bin in 0..<count {
      cr[bin] = keep * cr[bin] + new * (yr[bin] * xr[bin] + yi[bin] * xi[bin])
      ci[bin] = keep * ci[bin] + new * (yi[bin] * xr[bin] - yr[bin] * xi[bin])
      xx[bin] = keep * xx[bin] + farScale * (xr[bin] * xr[bin] + xi[bin] * xi[bin])
      yy[bin] = keep * yy[bin] + nearScale * (yr[bin] * yr[bin] + yi[bin] * yi[bin])
    }
    var sum: Float = 0
    for bin in 0..<count {
      sum += (cr[bin] * cr[bin] + ci[bin] * ci[bin]) / (xx[bin] * yy[bin] + 1e-20)
    }
    // Of noise alone it would be one over the looks.
    // Half a second of the far end is the least.
    let chance = 1 / (looks[lag] < 50 ? looks[lag] : 50)
    let score = sum / Float(count) - 1.5 * chance
    scores[lag] = looks[lag] < 24 || score < 2 * chance + 0.04 ? 0 : score
  }

  /// The same lag has to be the best for a while, and far above the others' mean.
  @_noLocks
  private mutating func choose() {
    var (best, sum): (Int, Float) = (0, 0)
    for lag in 0..<lags {
      sum += scores[lag]
      if scores[lag] > scores[best] { best = lag }
    }
    let mean = sum / Float(lags)
    guard scores[best] > 3 * mean else {
      agreed = 0
      return
    }
    if let found, found != best, scores[best] < 1.3 * scores[found] + 0.03 { best = found }
    agreed = best &- candidate <= 1 && candidate &- best <= 1 ? agreed &+ 1 : 0
    candidate = best
    guard agreed >= 6 || found == best else { return }
    found = best
    var (weight, place): (Float, Float) = (0, 0)
    for lag in (best > 0 ? best &- 1 : 0)...(best < lags &- 1 ? best &+ 1 : best) {
      let score = scores[lag] > 3 * mean ? scores[lag] : 0
      weight += score
      place += score * Float(lag)
    }
    exact = weight > 0 ? place / weight : Float(best)
  }
}
