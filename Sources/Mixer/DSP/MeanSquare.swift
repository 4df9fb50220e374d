/// The mean square of each channel's last frames, of which the loudest channel's counts.
///
/// The sum is taken anew with each window, so that nothing loud leaves an error behind for longer.
/// Thread: any one at a time.
struct MeanSquare: ~Copyable {
  private struct Sum {
    var running = 0.0
    var fresh = 0.0
    var place = 0
  }

  private let channels: Int
  private let width: Int
  private let squares: UnsafeMutablePointer<Double>
  private let sums: UnsafeMutablePointer<Sum>

  /// Thread: control.
  init(channels: Int, width: Int) {
    self.channels = channels
    self.width = max(width, 1)
    squares = .allocate(capacity: channels * self.width)
    squares.initialize(repeating: 0, count: channels * self.width)
    sums = .allocate(capacity: channels)
    sums.initialize(repeating: Sum(), count: channels)
  }

  deinit {
    squares.deallocate()
    sums.deallocate()
  }

  @_noLocks
  mutating func reset() {
    for channel in 0..<channels { sums[channel] = Sum() }
    for index in 0..<channels &* width { squares[index] = 0 }
  }

  /// Raises `into` to the channel's mean squares.
  @_noLocks
  mutating func process(
    channel: Int, _ samples: UnsafePointer<Float>, into: UnsafeMutablePointer<Float>, frames: Int
  ) {
    let ring = squares + channel &* width
    var sum = sums[channel]
    let (width, scale) = (width, 1 / Double(width))
    for frame in 0..<frames {
      let sample = Double(samples[frame])
      let square = sample * sample
      sum.fresh += square
      sum.running += square - ring[sum.place]
      ring[sum.place] = square
      sum.place &+= 1
      if sum.place == width { sum = Sum(running: sum.fresh) }
      let mean = Float(sum.running * scale)
      into[frame] = mean > into[frame] ? mean : into[frame]
    }
    sums[channel] = sum
  }
}
