import AudioCore

/// Weighted power and highest sample of a stretch of sound. Thread: render, but for its life.
struct LevellerEar: ~Copyable {
  private let channels: Int
  private var pairs: KWeightedChannels
  private let stage: UnsafeMutablePointer<Float>
  private var peak: Float = 0
  private(set) var frames = 0

  private static var piece: Int { @_noLocks get { 128 } }

  /// Thread: control.
  init(format: StreamFormat) {
    channels = format.layout.count
    pairs = KWeightedChannels(format: format, dualMono: false)
    stage = .allocate(capacity: channels * 128)
    stage.initialize(repeating: 0, count: channels * 128)
  }

  deinit { stage.deallocate() }

  @_noLocks
  mutating func reset() {
    pairs.reset()
    peak = 0
    frames = 0
  }

  @_noLocks
  mutating func listen(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, from: Int, frames: Int) {
    var done = 0
    while done < frames {
      let count = frames &- done < Self.piece ? frames &- done : Self.piece
      for channel in 0..<channels {
        let into = stage + channel &* Self.piece
        Sanitised.copy(planes[channel] + (from &+ done), into: into, frames: count)
        let highest = Sanitised.peak(into, frames: count)
        if highest > peak { peak = highest }
      }
      pairs.process(stage, stride: Self.piece, frames: count)
      done &+= count
    }
    self.frames &+= frames
  }

  /// The mean power and the highest sample since this was last asked.
  @_noLocks
  mutating func take() -> (power: Double, peak: Float) {
    defer {
      peak = 0
      frames = 0
    }
    return (frames > 0 ? pairs.takePower() / Double(frames) : 0, peak)
  }
}
