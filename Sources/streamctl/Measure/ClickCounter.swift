/// Finds clicks: single places where a signal bends far more than it does before and after. An onset that is the beginning
/// of something loud is none; nor is a tone, however high.
struct ClickCounter: Sendable {
  /// Where each began, in frames; the first few.
  private(set) var places: [Int] = []
  private(set) var count = 0

  static let placeLimit = 16
  /// How many times more it bends than around.
  private static let ratio: Float = 12
  /// What is smaller is nothing anybody hears: −50 dBFS.
  private static let least: Float = 0.00316
  /// Frames of the neighbourhood on either side, and of the gap that a click may fill.
  private static let side = 256
  private static let gap = 16

  private var x1: Float = 0
  private var x2: Float = 0
  private var bends: [Float]
  private var next = 0
  private var seen = 0
  private var before = 0.0
  private var after = 0.0
  private var lastPlace = -1 << 40

  init() { bends = Array(repeating: 0, count: 2 * Self.side + 2 * Self.gap + 1) }

  mutating func add(_ samples: UnsafeBufferPointer<Float>) {
    let length = bends.count
    for sample in samples {
      let sample = sample.isFinite ? sample : 0
      // The very first sample has no past.
      let bend = seen < 2 ? 0 : abs(sample - 2 * x1 + x2)
      (x2, x1) = (x1, sample)
      // The window, from oldest to newest: before, gap, the frame in question, gap, after.
      let oldest = bends[next]
      bends[next] = bend
      next = next + 1 == length ? 0 : next + 1
      seen += 1
      before += Double(self.bend(at: Self.side - 1)) - Double(oldest)
      after += Double(bend) - Double(self.bend(at: length - 1 - Self.side))
      judge()
    }
  }

  /// By age rank: 0 is the oldest of the window.
  private func bend(at rank: Int) -> Float {
    let index = next + rank
    return bends[index < bends.count ? index : index - bends.count]
  }

  private mutating func judge() {
    let middle = bend(at: Self.side + Self.gap)
    guard middle > Self.least else { return }
    let around = Float(max(before, after, 0)) / Float(Self.side)
    guard middle > Self.ratio * around else { return }
    let place = seen - 1 - Self.side - Self.gap
    defer { lastPlace = place }
    guard place - lastPlace > Self.side else { return }
    count += 1
    if places.count < Self.placeLimit { places.append(place) }
  }

  /// Looks at the end, as if the last sample stayed.
  mutating func finish() {
    let last = x1
    let tail = [Float](repeating: last, count: Self.side + Self.gap + 1)
    x2 = last
    tail.withUnsafeBufferPointer { add($0) }
  }
}
