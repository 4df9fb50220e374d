import AudioCore

/// Takes a capture's sound down to nothing before its links go, and up again with those that come in their place: a change of
/// links is a short dip and no click.
///
/// Thread: render, but for its life.
struct GateFade: ~Copyable {
  /// 5 ms.
  static let length = 240
  /// Silence holds up a rise for so long, so that a sound that begins a cycle after its link rises too.
  static let patience = 2400
  /// The longest block the server delivers.
  private static let room = 8192

  /// How far each channel is up, in frames. Their links do not bring sound in the same cycle, so each rises by itself.
  private var levels: SIMD8<Int32>
  /// Frames in which a channel that is down has been silent.
  private var waited = 0
  /// When the last sound that was passed on ends, in nanoseconds.
  private var end: Int64 = 0
  private let channels: Int
  private let samples: UnsafeMutablePointer<Float>
  /// The block that was shaped last, planar.
  let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  init(channels: Int, isUp: Bool) {
    self.channels = channels
    levels = SIMD8(repeating: isUp ? Int32(Self.length) : 0)
    samples = .allocate(capacity: Self.room * channels)
    planes = .allocate(capacity: channels)
    for channel in 0..<channels { (planes + channel).initialize(to: samples + channel * Self.room) }
  }

  deinit {
    samples.deallocate()
    planes.deallocate()
  }

  var isUp: Bool {
    @_noLocks get { !anyChannel { $0 < Int32(Self.length) } }
  }
  var isDown: Bool {
    @_noLocks get { !anyChannel { $0 > 0 } }
  }

  @_noLocks @inline(__always)
  private func anyChannel(_ test: (Int32) -> Bool) -> Bool {
    for channel in 0..<channels where test(levels[channel]) { return true }
    return false
  }

  /// What comes next begins from nothing.
  @_noLocks
  mutating func drop() {
    levels = SIMD8(repeating: 0)
    waited = 0
  }

  /// Where it is up all the way.
  @_noLocks
  mutating func note(end: Int64) { self.end = end }

  /// Shapes a block into `planes`: down at its end, up from its first sound on. False for one that is too long.
  @_noLocks
  mutating func shape(_ input: Block, isLeaving: Bool, time: Int64, rate: Int) -> Bool {
    let until = time + Int64(input.frames) * 1_000_000_000 / Int64(rate)
    let overlap = end - time
    // Another sink's cycle may have begun before the last one's ended: what is due already cannot be heard any more.
    let isLate = !isLeaving && isDown && overlap > 0 && overlap < 100_000_000
    let late = isLate ? Int(overlap) * rate / 1_000_000_000 : 0
    end = isLate && end > until ? end : until
    guard input.frames <= Self.room && input.channelCount == channels else { return false }
    if isLeaving { fall(input) } else { rise(input, from: late < input.frames ? late : input.frames) }
    return true
  }

  @_noLocks
  private mutating func fall(_ input: Block) {
    for channel in 0..<channels {
      let level = Int(levels[channel])
      // As late as it can be: what is left out until other links bring sound is lost.
      write(input, channel, from: input.frames > level ? input.frames - level : 0, slope: -1)
      levels[channel] = Int32(truncatingIfNeeded: level > input.frames ? level - input.frames : 0)
    }
    waited = 0
  }

  @_noLocks
  private mutating func rise(_ input: Block, from earliest: Int) {
    waited += input.frames
    for channel in 0..<channels {
      let level = Int(levels[channel])
      let start = level > 0 ? 0 : silence(input, channel, from: earliest)
      write(input, channel, from: start, slope: 1)
      // A channel in which there was nothing to be heard so far has nothing to rise.
      let isUp = start == input.frames && waited >= Self.patience
      let now = level + (input.frames - start)
      levels[channel] = Int32(truncatingIfNeeded: isUp || now > Self.length ? Self.length : now)
    }
  }

  /// Frames before the first sound, `earliest` at least.
  @_noLocks
  private func silence(_ input: Block, _ channel: Int, from earliest: Int) -> Int {
    let samples = input.channel(channel)
    for frame in earliest..<input.frames where samples[frame &* input.stride] != 0 { return frame }
    return input.frames
  }

  /// At the present level until `start`, from there with a slope to the one end or the other.
  @_noLocks
  private func write(_ input: Block, _ channel: Int, from start: Int, slope: Int) {
    let step = 1 / Float(Self.length)
    let (from, to, level) = (input.channel(channel), planes[channel], Int(levels[channel]))
    for frame in 0..<input.frames {
      let wanted = frame < start ? level : level + slope &* (frame - start + 1)
      let part = Float(wanted < 0 ? 0 : wanted < Self.length ? wanted : Self.length) * step
      // Without a kink at either end.
      to[frame] = from[frame &* input.stride] * smoothStep(part)
    }
  }
}
