public import Synchronization

/// Where what is loud is measured by one thread and read away by another: the highest samples, and the power of exactly the
/// frames between two looks. Nobody waits, and nothing is measured while nobody looks.
///
/// Only one reader at a time: who serves several merges for them. Thread: the reader's, but for `face`.
public final class LevelGauge: @unchecked Sendable {
  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  /// Sums as the last look left them.
  private var seen = Sums()

  private struct Sums {
    var frames: UInt64 = 0
    var squares = [Double](repeating: 0, count: GaugeFace.channels)
  }

  public init() {
    words = .allocate(capacity: GaugeFace.size)
    for index in 0..<GaugeFace.size { (words + index).initialize(to: Atomic(0)) }
  }

  /// Whoever measures must have stopped.
  deinit {
    words.deinitialize(count: GaugeFace.size)
    words.deallocate()
  }

  /// The measuring end. It must not outlive this object.
  public var face: GaugeFace { GaugeFace(words: words) }

  /// What happened since the last call. The first one, and the first after `rest`, finds nothing and begins.
  public func take() -> LevelWindow {
    let wasWatched = words[GaugeFace.watched].exchange(1, ordering: .relaxed) == 1
    // Refused only while the other thread stands still in the middle of writing: then the window goes on.
    let sums = sums() ?? seen
    defer { seen = sums }
    let channels = min(Int(words[GaugeFace.count].load(ordering: .relaxed)), GaugeFace.channels)
    var window = LevelWindow(channels: channels)
    for channel in 0..<GaugeFace.channels {
      let bits = words[GaugeFace.peaks + channel].exchange(0, ordering: .relaxed)
      guard wasWatched, channel < channels else { continue }
      window.peaks[channel] = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      window.squares[channel] = max(sums.squares[channel] - seen.squares[channel], 0)
    }
    window.frames = wasWatched ? Int(sums.frames &- seen.frames) : 0
    return window
  }

  /// Nobody looks any more: nothing is measured until the next `take`.
  public func rest() { words[GaugeFace.watched].store(0, ordering: .relaxed) }

  /// All of one moment.
  private func sums() -> Sums? {
    for _ in 0..<10_000 {
      let before = words[GaugeFace.sequence].load(ordering: .acquiring)
      guard before % 2 == 0 else { continue }
      var sums = Sums()
      sums.frames = words[GaugeFace.frames].load(ordering: .relaxed)
      for channel in 0..<GaugeFace.channels {
        sums.squares[channel] = Double(bitPattern: words[GaugeFace.squares + channel].load(ordering: .relaxed))
      }
      atomicMemoryFence(ordering: .acquiring)
      if words[GaugeFace.sequence].load(ordering: .relaxed) == before { return sums }
    }
    return nil
  }
}

/// The end of a gauge that measures.
@frozen
public struct GaugeFace: @unchecked Sendable {
  let words: UnsafeMutablePointer<Atomic<UInt64>>

  static var channels: Int { @_noLocks get { 8 } }
  static var watched: Int { @_noLocks get { 0 } }
  /// Odd while sums are being written.
  static var sequence: Int { @_noLocks get { 1 } }
  static var frames: Int { @_noLocks get { 2 } }
  /// Channels of what was measured last.
  static var count: Int { @_noLocks get { 3 } }
  static var squares: Int { @_noLocks get { 4 } }
  static var peaks: Int { @_noLocks get { 12 } }
  static var size: Int { 20 }

  /// Whether somebody looks. Thread: render.
  public var isWatched: Bool { @_noLocks get { words[Self.watched].load(ordering: .relaxed) != 0 } }

  /// Listens to a block; changes nothing. Thread: render.
  @_noLocks
  public func measure(_ block: Block) {
    guard isWatched else { return }
    let channels = block.channelCount < Self.channels ? block.channelCount : Self.channels
    begin(channels)
    var channel = 0
    while channel < channels {
      measure(block.channels[channel], stride: block.stride, frames: block.frames, channel)
      channel += 1
    }
    end(block.frames)
  }

  /// The same of interleaved samples. Thread: any one.
  @_noLocks
  public func measure(interleaved samples: UnsafePointer<Float>, channels count: Int, frames: Int) {
    guard isWatched else { return }
    let channels = count < Self.channels ? count : Self.channels
    begin(channels)
    var channel = 0
    while channel < channels {
      measure(samples + channel, stride: count, frames: frames, channel)
      channel += 1
    }
    end(frames)
  }

  @_noLocks
  private func begin(_ channels: Int) {
    words[Self.count].store(UInt64(truncatingIfNeeded: channels), ordering: .relaxed)
    let sequence = words[Self.sequence].load(ordering: .relaxed)
    words[Self.sequence].store(sequence &+ 1, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
  }

  @_noLocks
  private func measure(_ samples: UnsafePointer<Float>, stride: Int, frames: Int, _ channel: Int) {
    var peak: Float = 0
    var sum: Double = 0
    var place = 0
    for _ in 0..<frames {
      var size = samples[place].magnitude
      // What is no number is no level.
      if !(size < 1e9) { size = 0 }
      peak = size > peak ? size : peak
      sum += Double(size) * Double(size)
      place &+= stride
    }
    let total = Double(bitPattern: words[Self.squares &+ channel].load(ordering: .relaxed)) + sum
    words[Self.squares &+ channel].store(total.bitPattern, ordering: .relaxed)
    // Bits of numbers that are not negative are in the order of the numbers.
    words[Self.peaks &+ channel].max(UInt64(peak.bitPattern), ordering: .relaxed)
  }

  @_noLocks
  private func end(_ frames: Int) {
    let total = words[Self.frames].load(ordering: .relaxed) &+ UInt64(truncatingIfNeeded: frames)
    words[Self.frames].store(total, ordering: .relaxed)
    let sequence = words[Self.sequence].load(ordering: .relaxed)
    words[Self.sequence].store(sequence &+ 1, ordering: .releasing)
  }
}
