import CLinux
public import Synchronization

/// The two counters of a single-producer single-consumer ring, each on cache lines of its own with its copy of the
/// other. Counters only grow, so full and empty cannot be confused and 64 bits never wrap.
///
/// Both ends share one allocation, freed by whichever end goes last.
@frozen @usableFromInline
struct RingHeader: ~Copyable {
  @usableFromInline let written = Atomic<Int>(0)
  @usableFromInline var readSeen = 0
  @usableFromInline var padWriter = InlineArray<14, Int>(repeating: 0)
  @usableFromInline let read = Atomic<Int>(0)
  @usableFromInline var writtenSeen = 0
  @usableFromInline var padReader = InlineArray<14, Int>(repeating: 0)
  /// The position up to which the reader wants to have something written before it is woken.
  @usableFromInline let wanted = Atomic<Int>(0)
  @usableFromInline let ends = Atomic<Int>(2)

  @usableFromInline init() {}
}

/// Where a run of frames lies in a ring: at most two pieces.
@frozen
public struct RingSpan {
  public let first: Int
  public let firstCount: Int
  public let secondCount: Int

  @_noLocks @inlinable init(start: Int, count: Int, capacity: Int) {
    first = start & (capacity &- 1)
    let untilEnd = capacity &- first
    firstCount = count < untilEnd ? count : untilEnd
    secondCount = count &- firstCount
  }

  @inlinable public var count: Int { @_noLocks get { firstCount &+ secondCount } }
}

/// Counter arithmetic shared by every ring; storage belongs to the concrete ring.
@frozen @usableFromInline
struct RingEnd {
  @usableFromInline let header: UnsafeMutablePointer<RingHeader>
  @usableFromInline let capacity: Int

  @usableFromInline init(minimumCapacity: Int) {
    precondition(minimumCapacity > 0 && minimumCapacity <= 1 << 26)
    var size = 16
    while size < minimumCapacity { size *= 2 }
    capacity = size
    header = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<RingHeader>.size, alignment: 128)
      .bindMemory(to: RingHeader.self, capacity: 1)
    header.initialize(to: RingHeader())
  }

  /// Free places, looking at the reader's counter only when the remembered one is not enough.
  @_noLocks @inlinable func writable(atLeast wanted: Int) -> Int {
    let position = header.pointee.written.load(ordering: .relaxed)
    var free = capacity &- (position &- header.pointee.readSeen)
    if free < wanted {
      header.pointee.readSeen = header.pointee.read.load(ordering: .acquiring)
      free = capacity &- (position &- header.pointee.readSeen)
    }
    return free
  }

  @_noLocks @inlinable func readable(atLeast wanted: Int) -> Int {
    let position = header.pointee.read.load(ordering: .relaxed)
    var filled = header.pointee.writtenSeen &- position
    if filled < wanted {
      header.pointee.writtenSeen = header.pointee.written.load(ordering: .acquiring)
      filled = header.pointee.writtenSeen &- position
    }
    return filled
  }

  @inlinable var writePosition: Int { @_noLocks get { header.pointee.written.load(ordering: .relaxed) } }
  @inlinable var readPosition: Int { @_noLocks get { header.pointee.read.load(ordering: .relaxed) } }
  @_noLocks @inlinable func commitWrite(_ count: Int) {
    header.pointee.written.store(writePosition &+ count, ordering: .releasing)
  }
  @_noLocks @inlinable func commitRead(_ count: Int) {
    header.pointee.read.store(readPosition &+ count, ordering: .releasing)
  }

  /// Whether the reader should be woken for what has been written. With `want` a handshake: each side writes, then looks at
  /// the other's word, so that one of them always sees the other.
  @inlinable var isWanted: Bool {
    @_noLocks get {
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      return writePosition >= header.pointee.wanted.load(ordering: .relaxed)
    }
  }

  /// Asks to be woken once `count` can be read. True when they can be read already.
  @inlinable func want(_ count: Int) -> Bool {
    header.pointee.wanted.store(readPosition &+ count, ordering: .relaxed)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    return readable(atLeast: count) >= count
  }

  /// True for the end that goes last: it frees the storage, then calls `free`.
  @usableFromInline func leave() -> Bool {
    header.pointee.ends.subtract(1, ordering: .acquiringAndReleasing).newValue == 0
  }

  @usableFromInline func free() {
    header.deinitialize(count: 1)
    header.deallocate()
  }
}
