public import AudioCore

/// Rounds to the steps of an integer format, with noise that makes what is lost by rounding independent of the sound: two
/// evenly spread numbers of a step each, so neither the error's mean nor its power follows the sound.
///
/// Digital silence stays silence, from where it has lasted a while.
/// Thread: any one at a time; nothing but making and dropping it allocates.
public struct Dither: ~Copyable, @unchecked Sendable {
  public enum Shape: Sendable, BitwiseCopyable {
    case flat
    /// Each number is used twice, once with its sign changed: there is less noise at low frequencies and more at high ones.
    case highPass
  }

  public struct Settings: Equatable, Sendable, BitwiseCopyable {
    /// Of the format: 8 to 24.
    public var bits: Int = 16
    public var shape: Shape = .flat
    /// Without, every sample is only rounded.
    public var noise = true

    public init() {}
  }

  private struct Channel {
    var state: UInt64
    var last: Float = 0
    var silent = 0
  }

  private let channels: Int
  private let memory: UnsafeMutablePointer<Channel>
  private let patience: Int
  private var settings = Settings()
  private var scale = 32_768.0

  /// The same seed makes the same noise. Thread: control.
  public init(rate: SampleRate, channels: Int, seed: UInt64 = 1) {
    precondition((1...ChannelLayout.limit).contains(channels))
    self.channels = channels
    patience = rate.frames(in: .milliseconds(20)).value
    memory = .allocate(capacity: channels)
    for channel in 0..<channels {
      var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(channel + 1) &* 0xD1B5_4A32_D192_ED03
      state = (state ^ (state >> 29)) &* 0xBF58_476D_1CE4_E5B9
      (memory + channel).initialize(to: Channel(state: state | 1, silent: patience))
    }
  }

  deinit { memory.deallocate() }

  public var latency: FrameCount { 0 }

  /// Thread: render.
  @_noLocks public mutating func apply(_ settings: Settings) {
    self.settings = settings
    let bits = settings.bits < 8 ? 8 : settings.bits > 24 ? 24 : settings.bits
    scale = Double(1 << (bits &- 1))
  }

  /// Rounds `frames` frames of each channel in place, to multiples of a step and within full scale. Thread: render.
  @_noLocks public mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int) {
    let (highest, step) = (scale - 1, 1 / scale)
    // Adding and taking away this rounds to whole numbers.
    let whole = 6_755_399_441_055_744.0
    let unit = Float(1) / Float(1 << 24)
    for channel in 0..<channels {
      var memory = memory[channel]
      let plane = planes[channel]
      for frame in 0..<frames {
        let bits = plane[frame].bitPattern
        let sample = Float(bitPattern: bits & 0x7fff_ffff > 0x4980_0000 ? 0 : bits)
        memory.silent = sample == 0 ? memory.silent &+ 1 : 0
        var noise: Float = 0
        if settings.noise && memory.silent <= patience {
          memory.state ^= memory.state &<< 13
          memory.state ^= memory.state &>> 7
          memory.state ^= memory.state &<< 17
          let first = Float(UInt32(truncatingIfNeeded: memory.state &>> 40)) * unit - 0.5
          if settings.shape == .highPass {
            noise = first - memory.last
            memory.last = first
          } else {
            noise = first + Float(UInt32(truncatingIfNeeded: memory.state) &>> 8) * unit - 0.5
          }
        }
        var value = Double(sample) * scale + Double(noise)
        value = value < highest ? value : highest
        value = value > -scale ? value : -scale
        plane[frame] = Float(((value + whole) - whole) * step)
      }
      self.memory[channel] = memory
    }
  }
}
