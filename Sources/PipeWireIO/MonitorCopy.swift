import AudioCore
import Synchronization

/// The sink's monitor as a capture beside the sink carries it along: the same sound one cycle later.
///
/// It is what a lost cycle is repaired from, and the proof that nothing else is missed: each block is kept until the
/// monitor's copy of it has come, and compared. A copy is only trusted while it is what we heard, for a monitor may have a
/// volume of its own.
///
/// Thread: render, but for the counters.
struct MonitorCopy: ~Copyable {
  enum Use {
    case none
    case repairs
    /// Only so that the node stays with the sink: the monitor has more than is wanted.
    case standsBy
  }

  /// Cycles in which the monitor had something else than we.
  let unlike = Atomic<UInt64>(0)
  private let channels: Int
  private let repairs: Bool
  private let kept: UnsafeMutablePointer<Float>
  /// Frames of the block before; none if it cannot be compared.
  private var keptFrames = 0
  private var doubts = MonitorCopy.patience

  /// So many unlike copies in a row, and the monitor is no longer trusted. A new source's first cycle is one.
  private static let patience = 8
  /// The longest block the server delivers.
  private static let room = 8192

  init(channels: Int, repairs: Bool = true) {
    self.channels = channels
    self.repairs = repairs
    kept = .allocate(capacity: Self.room * channels)
  }

  deinit { kept.deallocate() }

  /// The copy is what we heard, as far as is known.
  var isTrusted: Bool {
    @_noLocks get { repairs && doubts < Self.patience }
  }

  /// Nothing is known of the block before.
  @_noLocks
  mutating func forget() { keptFrames = 0 }

  /// Keeps a block until the next cycle brings its copy.
  @_noLocks
  mutating func keep(_ samples: UnsafePointer<Float>, stride: Int, frames: Int) {
    guard repairs && frames <= Self.room else { return forget() }
    keptFrames = frames
    for frame in 0..<frames {
      for channel in 0..<channels { kept[frame &* channels &+ channel] = samples[frame &* stride &+ channel] }
    }
  }

  /// Whether the copy is of the cycle after the kept one. If the sink itself did not run, its monitor repeats what it had or
  /// is empty.
  @_noLocks
  func isNew(_ copy: UnsafePointer<Float>, stride: Int, frames: Int) -> Bool {
    var isRepeated = frames == keptFrames
    var wasLoud = false
    var isLoud = false
    for frame in 0..<min(frames, keptFrames) {
      for channel in 0..<channels {
        let ours = kept[frame &* channels &+ channel]
        let theirs = copy[frame &* stride &+ channel]
        let apart = ours < theirs ? theirs - ours : ours - theirs
        if apart > 1e-5 { isRepeated = false }
        if ours != 0 { wasLoud = true }
        if theirs != 0 { isLoud = true }
      }
    }
    return isLoud ? !isRepeated : !wasLoud
  }

  /// Whether a longer copy begins with the kept block, so that its rest is what followed.
  @_noLocks
  func isContinued(_ copy: UnsafePointer<Float>, stride: Int, frames: Int, isResampled: Bool) -> Bool {
    guard isTrusted && keptFrames > 0 && keptFrames < frames else { return false }
    switch compare(copy, stride: stride, frames: keptFrames, isResampled: isResampled) {
    case .silent: return true
    case .unlike: return false
    case .alike:
      // Silence after sound is no sound that was played on, but a block that was filled up.
      for frame in keptFrames..<frames {
        for channel in 0..<channels where copy[frame &* stride &+ channel] != 0 { return true }
      }
      return false
    }
  }

  /// Compares the kept block with its copy.
  @_noLocks
  mutating func check(_ copy: UnsafePointer<Float>, stride: Int, frames: Int, isResampled: Bool) {
    guard repairs && frames == keptFrames else { return }
    switch compare(copy, stride: stride, frames: frames, isResampled: isResampled) {
    case .silent: break
    case .alike: doubts = 0
    case .unlike:
      unlike.add(1, ordering: .relaxed)
      if doubts < Self.patience { doubts += 1 }
    }
  }

  private enum Likeness { case silent, alike, unlike }

  /// Behind a resampler the two are cut at other places: then only their power is compared.
  @_noLocks
  private func compare(_ copy: UnsafePointer<Float>, stride: Int, frames: Int, isResampled: Bool) -> Likeness {
    var gap: Float = 0
    var peak: Float = 0
    var power: Float = 0
    var copied: Float = 0
    for frame in 0..<frames {
      for channel in 0..<channels {
        let ours = kept[frame &* channels &+ channel]
        let theirs = copy[frame &* stride &+ channel]
        let apart = ours < theirs ? theirs - ours : ours - theirs
        if apart > gap { gap = apart }
        if ours > peak { peak = ours }
        if -ours > peak { peak = -ours }
        power += ours * ours
        copied += theirs * theirs
      }
    }
    // Silence on both sides proves nothing.
    guard power > 0 || copied > 0 else { return .silent }
    // Many players are added up in another order.
    let isAlike = isResampled ? copied < power * 1.3 && power < copied * 1.3 : gap <= 1e-5 * (1 + peak)
    return isAlike ? .alike : .unlike
  }
}
