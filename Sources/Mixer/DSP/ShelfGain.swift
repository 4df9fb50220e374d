import AudioCore

/// A gain for what is above a frequency: a shelf of second order whose height may change with each frame. It is the sound
/// and what its high-pass and band-pass add, so a gain of one leaves every bit as it is.
/// Thread: any one at a time.
struct ShelfGain: ~Copyable {
  private let rate: Double
  private let channels: Int
  private let states: UnsafeMutablePointer<SIMD2<Double>>
  private var corner = 0.0
  private var a1 = 1.0
  private var a2 = 0.0
  private var a3 = 0.0

  private static var damping: Double { @_noLocks get { 1.4142135623730951 } }

  /// Thread: control.
  init(rate: SampleRate, channels: Int) {
    self.rate = Double(rate.hertz)
    self.channels = channels
    states = .allocate(capacity: channels)
    states.initialize(repeating: .zero, count: channels)
  }

  deinit { states.deallocate() }

  @_noLocks
  mutating func tune(_ hertz: Double) {
    guard hertz != corner else { return }
    corner = hertz
    let g = renderTangent(3.141592653589793 * hertz / rate)
    a1 = 1 / (1 + g * (g + Self.damping))
    a2 = g * a1
    a3 = g * a2
  }

  @_noLocks
  mutating func reset() {
    for channel in 0..<channels { states[channel] = .zero }
  }

  /// `roots` are the square roots of the gains.
  @_noLocks
  mutating func process(
    channel: Int, _ samples: UnsafePointer<Float>, by roots: UnsafePointer<Float>, into: UnsafeMutablePointer<Float>,
    frames: Int
  ) {
    var (first, second) = (states[channel][0], states[channel][1])
    let (a1, a2, a3, damping) = (a1, a2, a3, Self.damping)
    for frame in 0..<frames {
      let sample = samples[frame]
      // The little that is added keeps the state above what processors are slow at.
      let input = Double(sample) + 1e-30
      let rest = input - second
      let band = a1 * first + a2 * rest
      let low = second + a2 * first + a3 * rest
      first = 2 * band - first
      second = 2 * low - second
      let root = Double(roots[frame])
      let change = (root * root - 1) * (input - damping * band - low) + (root - 1) * damping * band
      into[frame] = sample + Float(change)
    }
    states[channel] = SIMD2(first, second)
  }
}
