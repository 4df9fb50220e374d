/// How late packets come, as shares that forget: the last thousand packets or so count.
struct DelayHistogram: Hashable, Sendable {
  private var bins = [Float](repeating: 0, count: DelayHistogram.count)
  private var weight: Float = 0

  /// One bin a millisecond.
  private static let width = 1_000_000.0
  private static let count = 512
  private static let keep: Float = 0.998

  /// Takes a delay in nanoseconds.
  mutating func record(_ delay: Double) {
    for index in bins.indices { bins[index] *= Self.keep }
    weight = weight * Self.keep + 1
    bins[min(max(Int(delay / Self.width), 0), Self.count - 1)] += 1
  }

  /// The delay that only this share of packets exceeds, in nanoseconds.
  func delay(exceededBy share: Float) -> Double {
    var left = share * weight
    for index in bins.indices.reversed() {
      guard bins[index] >= left else {
        left -= bins[index]
        continue
      }
      guard bins[index] > 0 else { continue }
      return (Double(index + 1) - Double(left / bins[index])) * Self.width
    }
    return 0
  }
}
