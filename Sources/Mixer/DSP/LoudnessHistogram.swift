import AudioCore
import Glibc

/// How often each loudness occurred, in bins of 0.1 LU from −70 LUFS up: programmes of any length in a fixed room. Each
/// bin also keeps the exact sum of what fell into it, so that only the edge of a gate is as coarse as a bin.
///
/// Loudness is a power here, the weighted mean square of the channels; decibels are for those who read.
/// Thread: render, but for its life.
struct LoudnessHistogram: ~Copyable {
  private struct Bin {
    var count = 0
    var sum = 0.0
  }

  private static var bins: Int { @_noLocks get { 1000 } }
  private let storage: UnsafeMutablePointer<Bin>
  /// The lowest power of each bin.
  private let edges: UnsafeMutablePointer<Double>
  private(set) var count = 0
  private var sum = 0.0

  /// Thread: control.
  init() {
    storage = .allocate(capacity: Self.bins)
    storage.initialize(repeating: Bin(), count: Self.bins)
    edges = .allocate(capacity: Self.bins)
    for bin in 0..<Self.bins { edges[bin] = Loudness.power(ofUnits: -70 + Double(bin) / 10) }
  }

  deinit {
    storage.deallocate()
    edges.deallocate()
  }

  @_noLocks
  mutating func reset() {
    for bin in 0..<Self.bins { storage[bin] = Bin() }
    count = 0
    sum = 0
  }

  /// The bin whose edge is the last one not above a power.
  @_noLocks
  private func bin(of power: Double) -> Int {
    var (low, high) = (0, Self.bins)
    while high &- low > 1 {
      let middle = (low &+ high) / 2
      if edges[middle] <= power { low = middle } else { high = middle }
    }
    return low
  }

  /// Counts a block unless it lies below the absolute gate.
  @_noLocks
  mutating func add(_ power: Double) {
    guard power >= edges[0] else { return }
    let bin = bin(of: power)
    storage[bin].count &+= 1
    storage[bin].sum += power
    count &+= 1
    sum += power
  }

  /// The first bin above the relative gate: so much below the mean of all.
  @_noLocks
  private func firstBin(above share: Double) -> Int {
    let gate = sum / Double(count) * share
    guard gate > edges[0] else { return 0 }
    let bin = bin(of: gate)
    return storage[bin].sum >= gate * Double(storage[bin].count) ? bin : bin &+ 1
  }

  /// The mean of what lies above a gate of `share` times the mean of all. Zero when nothing was counted.
  @_noLocks
  func mean(above share: Double) -> Double {
    guard count > 0 else { return 0 }
    var (total, number) = (0.0, 0)
    for bin in firstBin(above: share)..<Self.bins {
      total += storage[bin].sum
      number &+= storage[bin].count
    }
    return number > 0 ? total / Double(number) : 0
  }

  /// What a tenth lies below and a twentieth above, of all above the gate. Zeros when nothing was counted.
  @_noLocks
  func range(above share: Double) -> (low: Double, high: Double) {
    guard count > 0 else { return (0, 0) }
    let first = firstBin(above: share)
    var number = 0
    for bin in first..<Self.bins { number &+= storage[bin].count }
    guard number > 0 else { return (0, 0) }
    let lowRank = Int(Double(number &- 1) * 0.1 + 0.5)
    let highRank = Int(Double(number &- 1) * 0.95 + 0.5)
    return (value(atRank: lowRank, from: first), value(atRank: highRank, from: first))
  }

  @_noLocks
  private func value(atRank rank: Int, from first: Int) -> Double {
    var passed = 0
    var bin = first
    while bin < Self.bins {
      passed &+= storage[bin].count
      if passed > rank { return storage[bin].sum / Double(storage[bin].count) }
      bin &+= 1
    }
    return 0
  }
}
