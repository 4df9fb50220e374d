/// Noise of one channel, the same for the same seed; its mean power is that of full scale.
struct NoiseSource {
  private var state: UInt64
  private var poles = SIMD8<Float>(repeating: 0)

  /// Thread: control.
  init(seed: Int, channel: Int) {
    state = (UInt64(truncatingIfNeeded: seed) &* 64 &+ UInt64(channel) &+ 1) &* 0xD1B5_4A32_D192_ED03
  }

  /// Evenly spread numbers: as likely at every frequency. Thread: render.
  @_noLocks
  mutating func white() -> Float { uniform() * 1.7320508 }

  @_noLocks
  private mutating func uniform() -> Float {
    state = state &+ 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float(Int32(truncatingIfNeeded: (z ^ (z >> 31)) >> 32)) * (1 / 2_147_483_648)
  }

  /// The same power in every octave: white noise through Kellet's poles, which follow that slope within 0.05 dB above 10 Hz.
  /// Thread: render.
  @_noLocks
  mutating func pink() -> Float {
    let white = uniform() * 1.7320508
    let held = poles[6]
    poles[0] = 0.99886 * poles[0] + white * 0.0555179
    poles[1] = 0.99332 * poles[1] + white * 0.0750759
    poles[2] = 0.96900 * poles[2] + white * 0.1538520
    poles[3] = 0.86650 * poles[3] + white * 0.3104856
    poles[4] = 0.55000 * poles[4] + white * 0.5329522
    poles[5] = -0.7616 * poles[5] - white * 0.0168980
    poles[6] = white * 0.115926
    let sum = poles[0] + poles[1] + poles[2] + poles[3] + poles[4] + poles[5] + held + white * 0.5362
    return sum * Self.pinkScale
  }

  /// One over the root of the filter's power.
  private static var pinkScale: Float { @_noLocks get { 0.3275974 } }
}
