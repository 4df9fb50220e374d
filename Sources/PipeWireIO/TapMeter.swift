import AudioCore
import AudioIO
import Synchronization

/// Measures each block of a tap.
final class TapMeter: RenderClient, @unchecked Sendable {
  /// Half a second of the shortest cycles, and minutes of long ones.
  private static let capacity = 512

  private let writer: UnsafeMutablePointer<EventRing.Writer<AppLevel>>
  private let reader: Mutex<EventRing.Reader<AppLevel>>
  private let counts: UnsafeMutablePointer<Counts>
  /// Peaks and squares of the block at hand, and the same as single floats. Thread: render.
  private let figures: UnsafeMutablePointer<SIMD8<Float>>
  private let floats: UnsafeMutablePointer<Float>

  private struct Counts: ~Copyable {
    let dropped = Atomic<UInt64>(0)
  }

  override init() {
    writer = .allocate(capacity: 1)
    var ring = EventRing.Writer<AppLevel>(minimumCapacity: Self.capacity)
    reader = Mutex(ring.makeReader())
    writer.initialize(to: ring)
    figures = .allocate(capacity: 2)
    figures.initialize(repeating: SIMD8(), count: 2)
    floats = UnsafeMutableRawPointer(figures).assumingMemoryBound(to: Float.self)
    counts = .allocate(capacity: 1)
    counts.initialize(to: Counts())
  }

  deinit {
    writer.deinitialize(count: 1)
    writer.deallocate()
    figures.deallocate()
    counts.deinitialize(count: 1)
    counts.deallocate()
  }

  var dropped: UInt64 { counts.pointee.dropped.load(ordering: .relaxed) }

  /// Thread: control.
  func drain() -> [AppLevel] {
    reader.withLock { reader in
      var found: [AppLevel] = []
      while found.count < Self.capacity, let level = reader.pop() { found.append(level) }
      return found
    }
  }

  /// Thread: render.
  @_noLocks
  override func render(_ cycle: Cycle) {
    let input = cycle.input
    let channels = min(input.channelCount, 8)
    let frames = min(input.frames, cycle.frames)
    guard frames > 0 else { return }
    let stride = input.stride
    let floats = floats
    renderZero(floats, floats: 16)
    for channel in 0..<channels {
      let samples = input.channel(channel)
      var peak: Float = 0
      var square: Float = 0
      for frame in 0..<frames {
        let sample = samples[frame &* stride]
        let magnitude = sample < 0 ? -sample : sample
        if magnitude > peak { peak = magnitude }
        square += sample * sample
      }
      floats[channel] = peak
      floats[8 &+ channel] = square / Float(frames)
    }
    let level = AppLevel(
      time: cycle.time, frames: frames, rate: 48_000, channels: channels, peaks: figures[0], squares: figures[1])
    if !writer.pointee.push(level) { counts.pointee.dropped.add(1, ordering: .relaxed) }
  }
}
