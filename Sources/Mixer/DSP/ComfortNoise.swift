import AudioCore

/// What a room sounds like when nobody speaks, for where an echo and with it the room has been turned down: noise of the
/// same spectrum and level as the microphone has while the far end is silent.
/// Thread: render, but for its life.
struct ComfortNoise: ~Copyable {
  private let bins: Int
  private let memory: UnsafeMutablePointer<Float>
  private let smooth: UnsafeMutablePointer<Float>
  /// The least of the window that is over, and of the one that runs.
  private let before: UnsafeMutablePointer<Float>
  private let running: UnsafeMutablePointer<Float>
  /// Power in each bin; zero where nothing is known.
  let noise: UnsafeMutablePointer<Float>
  private var heard = 0
  private var state: UInt64 = 1

  /// Windows in one of a minimum: 1.1 s of 256 frames at 48 kHz.
  private static var window: Int { @_noLocks get { 200 } }
  /// Noise stands out from the least of it by less.
  private static var surplus: Float { @_noLocks get { 4 } }

  init(bins: Int) {
    self.bins = bins
    let stride = (bins + 15) / 16 * 16
    memory = .allocate(capacity: 4 * stride)
    memory.initialize(repeating: 0, count: 4 * stride)
    (smooth, before, running, noise) = (memory, memory + stride, memory + 2 * stride, memory + 3 * stride)
    reset()
  }

  deinit { memory.deallocate() }

  @_noLocks
  mutating func reset() {
    heard = 0
    state = 0x9E37_79B9_7F4A_7C15
    renderZero(noise, floats: bins)
  }

  /// A window of which no more than `echo` is expected to be echo.
  @_noLocks
  mutating func learn(_ real: UnsafePointer<Float>, _ imaginary: UnsafePointer<Float>, echo: UnsafePointer<Float>) {
    let (smooth, before, running, noise) = (smooth, before, running, noise)
    if heard == 0 {
      for bin in 0..<bins {
        smooth[bin] = real[bin] * real[bin] + imaginary[bin] * imaginary[bin]
        before[bin] = smooth[bin]
        running[bin] = smooth[bin]
      }
    }
    heard = heard < 1 << 40 ? heard &+ 1 : heard
    for bin in 0..<bins {
      let power = real[bin] * real[bin] + imaginary[bin] * imaginary[bin]
      smooth[bin] += 0.1 * (power - smooth[bin])
      guard echo[bin] < 0.1 * smooth[bin] + 1e-12 else { continue }
      running[bin] = smooth[bin] < running[bin] ? smooth[bin] : running[bin]
      let least = before[bin] < running[bin] ? before[bin] : running[bin]
      guard smooth[bin] < Self.surplus * least + 1e-12 else { continue }
      // The mean of what has been heard so far, then of about half a second.
      noise[bin] += (power - noise[bin]) * (noise[bin] == 0 ? 1 : 0.02)
    }
    if heard % Self.window == 0 {
      for bin in 0..<bins {
        before[bin] = running[bin]
        running[bin] = smooth[bin]
      }
    }
  }

  /// Adds to a spectrum what its gains have taken of the noise. It is spread evenly over a window that is faded in and out
  /// once, where sound is faded twice.
  @_noLocks
  mutating func add(
    to real: UnsafeMutablePointer<Float>, _ imaginary: UnsafeMutablePointer<Float>, gains: UnsafePointer<Float>
  ) {
    let noise = noise
    var random = state
    for bin in 0..<bins {
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      let missing = 1 - gains[bin] * gains[bin]
      guard missing > 0 else { continue }
      // Two even numbers of variance a half each, and twice the power for the fades.
      let level = renderRoot(2 * noise[bin] * missing) * 1.2247449
      real[bin] += level * Float(Int32(truncatingIfNeeded: random)) * (1 / 2_147_483_648)
      imaginary[bin] += level * Float(Int32(truncatingIfNeeded: random &>> 32)) * (1 / 2_147_483_648)
    }
    state = random
  }
}
