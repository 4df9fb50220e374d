import AudioCore

/// The loudness of what was worth hearing lately: a ring of blocks of 50 ms in which silence never enters, so that nothing
/// falls during a pause and nothing begins with a window full of zeros.
///
/// A block counts when it and both neighbours are above the absolute gate, so that beginnings and ends, which are partly
/// silence, do not; and when it is not far below what is running. What stays far below for long is the new programme.
///
/// Integrated loudness is measured in blocks of 400 ms, which reach into the pauses between phrases. So of a pause that was
/// short 300 ms count as what they are, silence, once the sound goes on.
///
/// Powers, not decibels. Thread: render, but for its life.
struct GatedLoudness: ~Copyable {
  private let powers: UnsafeMutablePointer<Double>
  private let peaks: UnsafeMutablePointer<Float>
  private var newest = 0
  private(set) var count = 0
  private var pending: (power: Double, peak: Float)?
  private var wasHeard = false
  private var farBelow = 0
  private var quiet = 0

  private static var room: Int { @_noLocks get { 200 } }
  /// Blocks of a second.
  private static var second: Int { @_noLocks get { 20 } }

  /// Thread: control.
  init() {
    powers = .allocate(capacity: 200)
    powers.initialize(repeating: 0, count: 200)
    peaks = .allocate(capacity: 200)
    peaks.initialize(repeating: 0, count: 200)
  }

  deinit {
    powers.deallocate()
    peaks.deallocate()
  }

  @_noLocks
  mutating func forget() {
    count = 0
    pending = nil
    wasHeard = false
    farBelow = 0
    quiet = 0
  }

  /// The mean power of the newest so many blocks.
  @_noLocks
  func mean(of blocks: Int) -> Double {
    let number = blocks < count ? blocks : count
    guard number > 0 else { return 0 }
    var sum = 0.0
    for back in 0..<number { sum += powers[(newest &- back &+ Self.room) % Self.room] }
    return sum / Double(number)
  }

  @_noLocks
  func highestPeak(of blocks: Int) -> Float {
    var highest: Float = 0
    for back in 0..<(blocks < count ? blocks : count) {
      let peak = peaks[(newest &- back &+ Self.room) % Self.room]
      if peak > highest { highest = peak }
    }
    return highest
  }

  /// Takes a block; true when one entered, which is the block before it.
  @_noLocks
  mutating func add(power: Double, peak: Float, gate: Double, depth: Double, window: Int) -> Bool {
    let isHeard = power >= gate
    var entered = false
    if isHeard, let before = pending { entered = enter(before.power, before.peak, depth, window) }
    if !isHeard { quiet &+= 1 }
    pending = isHeard && wasHeard ? (power, peak) : nil
    wasHeard = isHeard
    return entered
  }

  @_noLocks
  private mutating func enter(_ power: Double, _ peak: Float, _ depth: Double, _ window: Int) -> Bool {
    if count > 0 && power < mean(of: window) * depth {
      farBelow &+= 1
      quiet &+= 1
      // Ten seconds without anything louder.
      guard farBelow > 10 &* Self.second else { return false }
      count = 0
    }
    farBelow = 0
    if count > 0 && quiet <= 30 { for _ in 0..<(quiet < 6 ? quiet : 6) { push(0, 0) } }
    quiet = 0
    push(power, peak)
    shrink(window)
    return true
  }

  @_noLocks
  private mutating func push(_ power: Double, _ peak: Float) {
    newest = (newest &+ 1) % Self.room
    powers[newest] = power
    peaks[newest] = peak
    if count < Self.room { count &+= 1 }
  }

  /// Where the last second says something else than the window, the window has seen another programme.
  @_noLocks
  private mutating func shrink(_ window: Int) {
    guard count > Self.second else { return }
    let (now, all) = (mean(of: Self.second), mean(of: window))
    // 4 dB up, 6 dB down.
    if now > all * 2.512 || now < all * 0.251 { count = Self.second }
  }
}
