import Synchronization

/// Where a level meter and its readers meet: one writer, up to eight readers, and nobody waits. Freed by whoever goes last.
struct LevelBoard {
  static let readers = 8
  private static let channels = 8

  enum Kind: Int { case peak, loudest }

  struct Sums {
    var frames = 0
    var squares = InlineArray<8, Double>(repeating: 0)
  }

  private struct Words: ~Copyable {
    let ends = Atomic<Int>(1)
    /// One bit for each reader there is.
    let active = Atomic<UInt32>(0)
    /// Odd while sums are being written.
    let sequence = Atomic<Int>(0)
    let frames = Atomic<Int>(0)
  }

  private let words: UnsafeMutablePointer<Words>
  private let squares: UnsafeMutablePointer<Atomic<UInt64>>
  /// Bits of amplitudes: reader, kind, channel.
  private let highs: UnsafeMutablePointer<Atomic<UInt32>>

  /// Thread: control.
  init() {
    words = .allocate(capacity: 1)
    words.initialize(to: Words())
    squares = .allocate(capacity: Self.channels)
    for index in 0..<Self.channels { (squares + index).initialize(to: Atomic(0)) }
    let count = Self.readers * 2 * Self.channels
    highs = .allocate(capacity: count)
    for index in 0..<count { (highs + index).initialize(to: Atomic(0)) }
  }

  /// Thread: any.
  func leave() {
    guard words.pointee.ends.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
    words.deinitialize(count: 1)
    words.deallocate()
    squares.deinitialize(count: Self.channels)
    squares.deallocate()
    highs.deinitialize(count: Self.readers * 2 * Self.channels)
    highs.deallocate()
  }

  /// Thread: any.
  func takeSlot() -> Int? {
    for slot in 0..<Self.readers {
      let bit = UInt32(1) << UInt32(slot)
      guard words.pointee.active.bitwiseOr(bit, ordering: .relaxed).oldValue & bit == 0 else { continue }
      words.pointee.ends.add(1, ordering: .relaxed)
      for channel in 0..<Self.channels {
        _ = take(.peak, slot: slot, channel: channel)
        _ = take(.loudest, slot: slot, channel: channel)
      }
      return slot
    }
    return nil
  }

  func giveBack(_ slot: Int) { words.pointee.active.bitwiseAnd(~(UInt32(1) << UInt32(slot)), ordering: .relaxed) }

  @_noLocks
  private func place(_ kind: Kind, _ slot: Int, _ channel: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    highs + ((2 &* slot &+ (kind == .peak ? 0 : 1)) &* 8 &+ channel)
  }

  /// Thread: the reader.
  func take(_ kind: Kind, slot: Int, channel: Int) -> Float {
    Float(bitPattern: place(kind, slot, channel).pointee.exchange(0, ordering: .relaxed))
  }

  /// Raises what each reader will find. Thread: render.
  @_noLocks
  func raise(_ kind: Kind, channel: Int, to value: Float) {
    var left = words.pointee.active.load(ordering: .relaxed)
    while left != 0 {
      let slot = left.trailingZeroBitCount
      left &= left &- 1
      let word = place(kind, slot, channel)
      let bits = value.bitPattern
      var old = word.pointee.load(ordering: .relaxed)
      // The other side only ever sets it to zero, so the second attempt succeeds.
      while bits > old {
        let (done, found) = word.pointee.compareExchange(expected: old, desired: bits, ordering: .relaxed)
        if done { break }
        old = found
      }
    }
  }

  /// Thread: render.
  @_noLocks
  func beginSums() {
    words.pointee.sequence.store(words.pointee.sequence.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
  }

  @_noLocks
  func setSum(_ channel: Int, _ sum: Double) { squares[channel].store(sum.bitPattern, ordering: .relaxed) }

  @_noLocks
  func endSums(frames: Int) {
    words.pointee.frames.store(frames, ordering: .relaxed)
    words.pointee.sequence.store(words.pointee.sequence.load(ordering: .relaxed) &+ 1, ordering: .releasing)
  }

  /// All of one moment; nil when the writer did not come to an end for long. Thread: any.
  func sums() -> Sums? {
    for _ in 0..<10_000 {
      let before = words.pointee.sequence.load(ordering: .acquiring)
      guard before % 2 == 0 else { continue }
      var sums = Sums()
      sums.frames = words.pointee.frames.load(ordering: .relaxed)
      for channel in 0..<Self.channels {
        sums.squares[channel] = Double(bitPattern: squares[channel].load(ordering: .relaxed))
      }
      atomicMemoryFence(ordering: .acquiring)
      if words.pointee.sequence.load(ordering: .relaxed) == before { return sums }
    }
    return nil
  }
}
