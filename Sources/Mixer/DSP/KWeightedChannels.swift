import AudioCore

/// All channels of a layout that count towards loudness, filtered, squared and weighted. Thread: render, but for its life.
struct KWeightedChannels: ~Copyable {
  private let pairs: UnsafeMutablePointer<KWeightedPair>
  private let count: Int
  /// The channels of each pair, and how much each of them counts.
  private let places: UnsafeMutablePointer<(first: Int, second: Int)>
  private let weights: UnsafeMutablePointer<SIMD2<Double>>

  /// Thread: control.
  init(format: StreamFormat, dualMono: Bool) {
    let layout = format.layout
    var heard: [(channel: Int, weight: Double)] = layout.labels.enumerated().compactMap { index, label in
      let weight = KWeighting.weight(of: label, in: layout) * (dualMono && layout == .mono ? 2 : 1)
      return weight > 0 ? (index, weight) : nil
    }
    if heard.count % 2 == 1 { heard.append((heard[heard.count - 1].channel, 0)) }
    count = heard.count / 2
    pairs = .allocate(capacity: max(count, 1))
    pairs.initialize(repeating: KWeightedPair(KWeighting(rate: format.rate)), count: count)
    places = .allocate(capacity: max(count, 1))
    weights = .allocate(capacity: max(count, 1))
    for pair in 0..<count {
      let (first, second) = (heard[2 * pair], heard[2 * pair + 1])
      (places + pair).initialize(to: (first.channel, second.channel))
      (weights + pair).initialize(to: SIMD2(first.weight, second.weight))
    }
  }

  deinit {
    pairs.deallocate()
    places.deallocate()
    weights.deallocate()
  }

  @_noLocks
  mutating func reset() {
    for pair in 0..<count { pairs[pair].reset() }
  }

  /// Channel `c` begins at `samples[c * stride]`.
  @_noLocks
  mutating func process(_ samples: UnsafePointer<Float>, stride: Int, frames: Int) {
    for pair in 0..<count {
      pairs[pair].process(
        samples + places[pair].first &* stride, samples + places[pair].second &* stride, frames: frames)
    }
  }

  /// The weighted sum of squares since it was last taken.
  @_noLocks
  mutating func takePower() -> Double {
    var power = 0.0
    for pair in 0..<count {
      let weighted = pairs[pair].squares * weights[pair]
      power += weighted[0] + weighted[1]
      pairs[pair].squares = SIMD2(0, 0)
    }
    return power
  }
}
