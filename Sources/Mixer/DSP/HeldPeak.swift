/// The greatest of the last frames' values: steady for a tone whose half period fits.
///
/// Of each window behind, the greatest of every rest is kept; with the greatest so far of the window at hand that makes
/// any span, at two comparisons a frame.
/// Thread: any one at a time.
struct HeldPeak: ~Copyable {
  private let window: UnsafeMutablePointer<Float>
  private let most: Int
  private(set) var width: Int
  private var place = 0
  private var greatest: Float = 0
  private var last: Float = 0

  /// Thread: control.
  init(most: Int) {
    self.most = max(most, 1)
    width = self.most
    window = .allocate(capacity: self.most + 1)
    window.initialize(repeating: 0, count: self.most + 1)
  }

  deinit { window.deallocate() }

  /// Another window, through which the present value is held once.
  @_noLocks
  mutating func resize(to frames: Int) {
    let wanted = frames < 1 ? 1 : frames > most ? most : frames
    guard wanted != width else { return }
    width = wanted
    restart(last)
  }

  @_noLocks
  mutating func reset() { restart(0) }

  @_noLocks
  private mutating func restart(_ value: Float) {
    for index in 0..<width { window[index] = value }
    window[width] = 0
    (place, greatest, last) = (0, 0, value)
  }

  /// Replaces each value.
  @_noLocks
  mutating func process(_ values: UnsafeMutablePointer<Float>, frames: Int) {
    var (place, greatest) = (place, greatest)
    let (window, width) = (window, width)
    for frame in 0..<frames {
      let value = values[frame]
      greatest = value > greatest ? value : greatest
      let rest = window[place &+ 1]
      values[frame] = rest > greatest ? rest : greatest
      window[place] = value
      place &+= 1
      if place == width {
        var index = width &- 2
        while index >= 0 {
          if window[index &+ 1] > window[index] { window[index] = window[index &+ 1] }
          index &-= 1
        }
        (place, greatest) = (0, 0)
      }
    }
    (self.place, self.greatest) = (place, greatest)
    if frames > 0 { last = values[frames &- 1] }
  }
}
