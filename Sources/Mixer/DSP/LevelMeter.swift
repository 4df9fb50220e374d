public import AudioCore
import Synchronization

/// Levels of up to eight channels for any of eight readers, each with a span of its own: what happened since it last asked.
/// Nothing is missed between two looks, however far apart they are.
///
/// Render only ever raises peaks and adds to sums; a reader takes peaks away and remembers the sums it has seen.
public struct LevelMeter: ~Copyable, @unchecked Sendable {
  private let board: LevelBoard
  private let channels: Int
  private let rate: SampleRate
  private let pairs: UnsafeMutablePointer<SIMD2<Double>>
  /// Of the step of 10 ms at hand.
  private let stepPairs: UnsafeMutablePointer<SIMD2<Double>>
  private var untilEnd: Int
  private var steps = 1
  private var total = 0

  /// Thread: control.
  public init(format: StreamFormat) {
    channels = format.layout.count
    rate = format.rate
    board = LevelBoard()
    let count = (channels + 1) / 2
    pairs = .allocate(capacity: count)
    pairs.initialize(repeating: SIMD2(0, 0), count: count)
    stepPairs = .allocate(capacity: count)
    stepPairs.initialize(repeating: SIMD2(0, 0), count: count)
    untilEnd = format.rate.hertz / 100
  }

  deinit {
    pairs.deallocate()
    stepPairs.deallocate()
    board.leave()
  }

  /// One more reader, which may outlive the meter; nil when there are eight. Thread: control.
  public borrowing func makeReader() -> Reader? {
    guard let slot = board.takeSlot() else { return nil }
    return Reader(board: board, slot: slot, channels: channels, rate: rate)
  }

  /// Listens; changes nothing. Thread: render.
  @_noLocks
  public mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int) {
    var done = 0
    while done < frames {
      let count = frames &- done < untilEnd ? frames &- done : untilEnd
      measure(planes, from: done, frames: count)
      done &+= count
      total &+= count
      untilEnd &-= count
      if untilEnd == 0 { endStep() }
    }
    publish()
  }

  @_noLocks
  private mutating func measure(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, from: Int, frames: Int) {
    var pair = 0
    while 2 &* pair < channels {
      let other = 2 &* pair &+ 1 < channels ? 2 &* pair &+ 1 : 2 &* pair
      let (first, second) = (planes[2 &* pair] + from, planes[other] + from)
      var sum = stepPairs[pair]
      var (highest, highestSecond): (Float, Float) = (0, 0)
      for frame in 0..<frames {
        var (a, b) = (first[frame].magnitude, second[frame].magnitude)
        // What is no number is no level.
        if !(a < Sanitised.limit) { a = 0 }
        if !(b < Sanitised.limit) { b = 0 }
        if a > highest { highest = a }
        if b > highestSecond { highestSecond = b }
        let wide = SIMD2(Double(a), Double(b))
        sum += wide * wide
      }
      stepPairs[pair] = sum
      board.raise(.peak, channel: 2 &* pair, to: highest)
      if other != 2 &* pair { board.raise(.peak, channel: other, to: highestSecond) }
      pair &+= 1
    }
  }

  @_noLocks
  private mutating func endStep() {
    let length = Double((steps &* rate.hertz / 100) &- ((steps &- 1) &* rate.hertz / 100))
    for channel in 0..<channels {
      let mean = stepPairs[channel / 2][channel % 2] / length
      board.raise(.loudest, channel: channel, to: Float(mean))
    }
    for pair in 0..<(channels &+ 1) / 2 {
      pairs[pair] += stepPairs[pair]
      stepPairs[pair] = SIMD2(0, 0)
    }
    steps &+= 1
    untilEnd = (steps &* rate.hertz / 100) &- total
  }

  @_noLocks
  private func publish() {
    board.beginSums()
    for channel in 0..<channels {
      let sum = pairs[channel / 2][channel % 2] + stepPairs[channel / 2][channel % 2]
      board.setSum(channel, sum)
    }
    board.endSums(frames: total)
  }

  /// One reader's end. Thread: any one at a time.
  public final class Reader: @unchecked Sendable {
    private let board: LevelBoard
    private let slot: Int
    private let channels: Int
    private let rate: SampleRate
    private var seen: LevelBoard.Sums

    fileprivate init(board: LevelBoard, slot: Int, channels: Int, rate: SampleRate) {
      self.board = board
      self.slot = slot
      self.channels = channels
      self.rate = rate
      seen = board.sums() ?? LevelBoard.Sums()
    }

    deinit {
      board.giveBack(slot)
      board.leave()
    }

    /// What happened since the last call.
    public func take() -> ChannelLevels {
      var levels = ChannelLevels(channels: channels)
      // Refused only while the render thread stands still in the middle of writing: then the span goes on.
      let sums = board.sums() ?? seen
      let frames = sums.frames - seen.frames
      levels.span = FrameCount(frames).duration(at: rate)
      for channel in 0..<channels {
        levels.peak[channel] = board.take(.peak, slot: slot, channel: channel)
        levels.loudest[channel] = board.take(.loudest, slot: slot, channel: channel).squareRoot()
        if frames > 0 {
          let mean = (sums.squares[channel] - seen.squares[channel]) / Double(frames)
          levels.rms[channel] = Float(max(mean, 0).squareRoot())
        }
      }
      seen = sums
      return levels
    }
  }
}

/// Amplitudes of each channel over a span.
public struct ChannelLevels: Sendable {
  public let channels: Int
  public var span = HostDuration.zero
  /// The highest sample.
  public var peak = InlineArray<8, Float>(repeating: 0)
  /// Over the whole span.
  public var rms = InlineArray<8, Float>(repeating: 0)
  /// The highest RMS of any 10 ms that ended in the span.
  public var loudest = InlineArray<8, Float>(repeating: 0)

  init(channels: Int) { self.channels = channels }
}
