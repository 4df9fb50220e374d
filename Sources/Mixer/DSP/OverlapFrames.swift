import AudioCore
import Glibc

/// Cuts sound into windows that overlap by half and puts what became of them together again, two hops later. What went
/// in comes out bit for bit where nothing else is wanted, and the two are faded between.
/// Thread: render, but for its life.
struct OverlapFrames: ~Copyable {
  let channels: Int
  let hop: Int
  /// For each channel three hops: what is heard unless something else is, one that waits, one that fills.
  private let past: UnsafeMutablePointer<Float>
  /// For each channel a hop to be heard and the half of a window that the next is added to.
  private let made: UnsafeMutablePointer<Float>
  /// Its square is one together with itself a hop later.
  let window: UnsafeMutablePointer<Float>
  private var place = 0
  /// Windows made without a gap; what is made is whole from the second on.
  private var run = 0
  private var wet: Smoother

  init(channels: Int, hop: Int) {
    self.channels = channels
    self.hop = hop
    past = .allocate(capacity: 3 * hop * channels)
    past.initialize(repeating: 0, count: 3 * hop * channels)
    made = .allocate(capacity: 2 * hop * channels)
    made.initialize(repeating: 0, count: 2 * hop * channels)
    window = .allocate(capacity: 2 * hop)
    for frame in 0..<2 * hop {
      (window + frame).initialize(to: Float(sin(.pi * (Double(frame) + 0.5) / Double(2 * hop))))
    }
    wet = Smoother(0, length: FrameCount(2 * hop))
  }

  deinit {
    past.deallocate()
    made.deallocate()
    window.deallocate()
  }

  var latency: FrameCount { FrameCount(2 * hop) }
  /// Frames until the hop that fills is full.
  var room: Int { @_noLocks get { hop &- place } }
  /// Something of what is made is heard.
  var isHeard: Bool { @_noLocks get { !wet.isSettled || wet.value > 0 } }
  var filled: Int { @_noLocks get { place } }

  @_noLocks
  mutating func reset(wet isWet: Bool) {
    renderZero(past, floats: 3 &* hop &* channels)
    renderZero(made, floats: 2 &* hop &* channels)
    place = 0
    run = isWet ? 2 : 0
    wet.snap(isWet ? 1 : 0)
  }

  /// Takes frames in and puts earlier ones in their place: no more than there is room for.
  @_noLocks
  mutating func pass(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, from: Int, frames: Int) {
    var after = wet
    for channel in 0..<channels {
      let (plane, row) = (planes[channel] + from, past + 3 &* hop &* channel)
      Sanitised.copy(plane, into: row + (2 &* hop &+ place), frames: frames)
      after = wet
      Self.mix(row + place, made + (2 &* hop &* channel &+ place), into: plane, &after, frames: frames)
    }
    wet = after
    place &+= frames
  }

  @_noLocks
  private static func mix(
    _ dry: UnsafePointer<Float>, _ wet: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>,
    _ share: inout Smoother, frames: Int
  ) {
    if share.isSettled && (share.value == 0 || share.value == 1) {
      renderCopy(out, from: share.value == 0 ? dry : wet, floats: frames)
      return
    }
    for frame in 0..<frames { out[frame] = dry[frame] + (wet[frame] - dry[frame]) * share.next() }
  }

  /// The two newest hops of a channel, when the second is full.
  @_noLocks
  func latest(_ channel: Int) -> UnsafePointer<Float> { UnsafePointer(past + (3 &* hop &* channel &+ hop)) }

  /// Adds two hops to what is heard.
  @_noLocks
  func add(_ sound: UnsafePointer<Float>, to channel: Int) {
    let out = made + 2 &* hop &* channel
    for frame in 0..<hop {
      out[frame] = out[hop &+ frame] + sound[frame] * window[frame]
      out[hop &+ frame] = sound[hop &+ frame] * window[hop &+ frame]
    }
  }

  /// A hop to be heard next, as it is.
  @_noLocks
  func put(_ sound: UnsafePointer<Float>, to channel: Int) {
    renderCopy(made + 2 &* hop &* channel, from: sound, floats: hop)
  }

  /// Begins the next hop. `isMade`: something was added for each channel; `isWanted`: that is to be heard.
  @_noLocks
  mutating func advance(isMade: Bool, isWanted: Bool) {
    if isMade {
      run = run < 2 ? run &+ 1 : 2
    } else {
      run = 0
      renderZero(made, floats: 2 &* hop &* channels)
    }
    wet.aim(isWanted && run == 2 ? 1 : 0)
    for channel in 0..<channels {
      let row = past + 3 &* hop &* channel
      renderCopy(row, from: row + hop, floats: hop)
      renderCopy(row + hop, from: row + 2 &* hop, floats: hop)
    }
    place = 0
  }
}
