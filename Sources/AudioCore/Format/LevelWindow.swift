/// How loud something was over a stretch of time, per channel. Stretches that follow each other merge into one.
public struct LevelWindow: Hashable, Sendable {
  /// The highest samples.
  public var peaks: [Float]
  /// Sums of squares over `frames`.
  public var squares: [Double]
  public var frames = 0

  public init(channels: Int) {
    peaks = .init(repeating: 0, count: channels)
    squares = .init(repeating: 0, count: channels)
  }

  public var channels: Int { peaks.count }

  /// What was measured in other channels is another thing: the later one counts.
  public mutating func merge(_ later: LevelWindow) {
    guard later.frames > 0 else { return }
    guard frames > 0, later.channels == channels else {
      self = later
      return
    }
    frames += later.frames
    for channel in 0..<channels {
      peaks[channel] = max(peaks[channel], later.peaks[channel])
      squares[channel] += later.squares[channel]
    }
  }

  /// Nil while nothing was measured. Thread: control.
  public func peak(_ channel: Int) -> Decibels? {
    frames > 0 ? Decibels(amplitude: Double(peaks[channel])) : nil
  }

  /// The mean power. Thread: control.
  public func rms(_ channel: Int) -> Decibels? {
    frames > 0 ? Decibels(amplitude: (squares[channel] / Double(frames)).squareRoot()) : nil
  }
}
