import AudioCore

/// The last frames of some channels, each in a row without a seam. New frames are appended until the end is reached; then
/// what is still needed moves to the front.
/// Thread: any one at a time.
struct DelayLine: ~Copyable {
  private let channels: Int
  private let past: Int
  private let room: Int
  private let samples: UnsafeMutablePointer<Float>
  private var end: Int

  /// Vectors may reach so far behind the end.
  static var slack: Int { @_noLocks get { 16 } }

  /// Keeps `past` frames; at most `chunk` are appended at once. Thread: control.
  init(channels: Int, past: Int, chunk: Int) {
    self.channels = channels
    self.past = past
    room = past + max(8 * chunk, past + chunk) + Self.slack
    samples = .allocate(capacity: channels * room)
    samples.initialize(repeating: 0, count: channels * room)
    end = past
  }

  deinit { samples.deallocate() }

  /// Where the next frames go. Those before are what was appended last.
  @_noLocks
  func end(of channel: Int) -> UnsafeMutablePointer<Float> { samples + (channel &* room &+ end) }

  /// To be called before frames are put at the ends.
  @_noLocks
  mutating func makeRoom(for frames: Int) {
    guard end &+ frames > room &- Self.slack else { return }
    for channel in 0..<channels {
      let row = samples + channel &* room
      renderCopy(row, from: row + (end &- past), floats: past)
    }
    end = past
  }

  /// The frames that were put at the ends count from now on.
  @_noLocks
  mutating func advance(_ frames: Int) { end &+= frames }

  @_noLocks
  mutating func reset() {
    renderZero(samples, floats: channels &* room)
    end = past
  }
}
