import AudioCore

/// Lets sound that ends without warning die away: its last frames are heard once more, backwards and ever softer.
struct FadeTail: ~Copyable {
  let length: Int
  private let channels: Int
  /// The last frames that were heard, one channel after the other, and the same at the moment the sound ended.
  private let history: UnsafeMutablePointer<Float>
  private let dying: UnsafeMutablePointer<Float>
  private(set) var left = 0

  init(channels: Int, length: Int) {
    self.channels = channels
    self.length = length
    history = .allocate(capacity: channels * length)
    history.initialize(repeating: 0, count: channels * length)
    dying = .allocate(capacity: channels * length)
    dying.initialize(repeating: 0, count: channels * length)
  }

  deinit {
    history.deallocate()
    dying.deallocate()
  }

  /// Keeps what was heard. Thread: render.
  @_noLocks
  func remember(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, _ frames: Int) {
    guard frames > 0 else { return }
    let new = frames < length ? frames : length
    var channel = 0
    while channel < channels {
      let own = history + channel &* length
      var index = 0
      while index < length &- new {
        own[index] = own[index &+ new]
        index += 1
      }
      renderCopy(own + (length &- new), from: planes[channel] + (frames &- new), floats: new)
      channel += 1
    }
  }

  /// The sound has ended. Thread: render.
  @_noLocks
  mutating func begin() {
    renderCopy(dying, from: history, floats: channels &* length)
    renderZero(history, floats: channels &* length)
    left = length
  }

  /// Adds what is left to frames `from..<to`. Thread: render.
  @_noLocks
  mutating func add(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, from: Int, to: Int) {
    guard left > 0, to > from else { return }
    let count = to &- from < left ? to &- from : left
    let step = 1 / Float(length &+ 1)
    var channel = 0
    while channel < channels {
      let out = planes[channel] + from
      let last = dying + (channel &* length &+ left &- 1)
      for index in 0..<count { out[index] += (last - index).pointee * (Float(left &- index) * step) }
      channel += 1
    }
    left &-= count
  }
}

/// Lets sound that begins again after a gap rise.
struct FadeIn {
  private var left = 0
  private let length: Int

  init(length: Int) { self.length = length }

  @_noLocks
  mutating func begin() { left = length }

  /// Thread: render.
  @_noLocks
  mutating func apply(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, channels: Int, frames: Int) {
    guard left > 0 else { return }
    let count = frames < left ? frames : left
    let step = 1 / Float(length &+ 1)
    var channel = 0
    while channel < channels {
      let out = planes[channel]
      for index in 0..<count { out[index] *= Float(length &- left &+ index &+ 1) * step }
      channel += 1
    }
    left &-= count
  }
}
