import AudioCore

/// A high-pass and a low-pass of second order (Butterworth) over some channels: the band that a side chain listens to.
/// Thread: any one at a time.
struct SideChainFilter: ~Copyable {
  /// Zero and above half the rate: as if it were not there.
  struct Band: Equatable, BitwiseCopyable {
    var highPass: Double
    var lowPass: Double

    @_noLocks
    init(highPass: Double, lowPass: Double) {
      self.highPass = highPass
      self.lowPass = lowPass
    }

    @_noLocks
    static func == (a: Self, b: Self) -> Bool { a.highPass == b.highPass && a.lowPass == b.lowPass }
  }

  private struct Section {
    var b0: Double
    var b1: Double
    var b2: Double
    var a1: Double
    var a2: Double
  }
  private typealias State = SIMD4<Double>

  private let rate: Double
  private let channels: Int
  private let states: UnsafeMutablePointer<State>
  private var high: Section?
  private var low: Section?
  private var band = Band(highPass: 0, lowPass: .infinity)

  /// Thread: control.
  init(rate: SampleRate, channels: Int) {
    self.rate = Double(rate.hertz)
    self.channels = channels
    states = .allocate(capacity: channels)
    states.initialize(repeating: .zero, count: channels)
  }

  deinit { states.deallocate() }

  /// Whether it does anything.
  var isActive: Bool { @_noLocks get { high != nil || low != nil } }

  @_noLocks
  mutating func tune(_ band: Band) {
    guard !(band == self.band) else { return }
    self.band = band
    high = band.highPass >= 1 && band.highPass < 0.49 * rate ? design(band.highPass, high: true) : nil
    low = band.lowPass >= 1 && band.lowPass < 0.49 * rate ? design(band.lowPass, high: false) : nil
  }

  @_noLocks
  mutating func reset() {
    for channel in 0..<channels { states[channel] = .zero }
  }

  @_noLocks
  private func design(_ hertz: Double, high: Bool) -> Section {
    let k = renderTangent(3.141592653589793 * hertz / rate)
    let norm = 1 / (1 + 1.4142135623730951 * k + k * k)
    let gain = high ? norm : k * k * norm
    return Section(
      b0: gain, b1: high ? -2 * gain : 2 * gain, b2: gain, a1: 2 * (k * k - 1) * norm,
      a2: (1 - 1.4142135623730951 * k + k * k) * norm)
  }

  /// Filters one channel in place.
  @_noLocks
  mutating func process(channel: Int, _ samples: UnsafeMutablePointer<Float>, frames: Int) {
    var state = states[channel]
    if let high { (state[0], state[1]) = Self.run(high, samples, frames, state[0], state[1]) }
    if let low { (state[2], state[3]) = Self.run(low, samples, frames, state[2], state[3]) }
    states[channel] = state
  }

  @_noLocks
  private static func run(
    _ section: Section, _ samples: UnsafeMutablePointer<Float>, _ frames: Int, _ first: Double, _ second: Double
  ) -> (Double, Double) {
    var (first, second) = (first, second)
    for frame in 0..<frames {
      // The little that is added keeps the state above what processors are slow at.
      let input = Double(samples[frame]) + 1e-30
      let output = section.b0 * input + first
      first = section.b1 * input - section.a1 * output + second
      second = section.b2 * input - section.a2 * output
      samples[frame] = Float(output)
    }
    return (first, second)
  }
}
