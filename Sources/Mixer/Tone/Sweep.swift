import AudioCore
import Glibc

/// A pitch that grows by the same factor each frame, over and over.
struct Sweep {
  private let first: Double
  private let factor: Double
  private let frames: Int
  private var step: Double
  private var done = 0

  /// Thread: control.
  init(from: Double, to: Double, seconds: Double, rate: SampleRate) {
    let highest = Double(rate.hertz) / 2
    frames = max(Int(seconds * Double(rate.hertz)), 1)
    first = min(from, highest) / Double(rate.hertz)
    factor = pow(min(to, highest) / min(from, highest), 1 / Double(frames))
    step = first
  }

  /// Periods a frame. Thread: render.
  @_noLocks
  mutating func next() -> Double {
    defer {
      done &+= 1
      step *= factor
      if done == frames {
        done = 0
        step = first
      }
    }
    return step
  }
}
