/// Fixed-size records from one thread to another. A full ring refuses and the writer counts: nothing ever waits.
public enum EventRing {
  @frozen
  public struct Writer<Record: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline let end: RingEnd
    @usableFromInline let slots: UnsafeMutablePointer<Record>
    private var readerTaken = false

    public init(minimumCapacity: Int) {
      end = RingEnd(minimumCapacity: minimumCapacity)
      slots = .allocate(capacity: end.capacity)
    }

    /// The other end. Once.
    public mutating func makeReader() -> Reader<Record> {
      precondition(!readerTaken, "a ring has one reader")
      readerTaken = true
      return Reader(end: end, slots: slots)
    }

    deinit {
      if !readerTaken { _ = end.leave() }
      if end.leave() {
        slots.deallocate()
        end.free()
      }
    }

    /// False when full. Thread: the one writer; render safe.
    @inlinable public mutating func push(_ record: Record) -> Bool {
      guard end.writable(atLeast: 1) > 0 else { return false }
      slots[end.writePosition & (end.capacity &- 1)] = record
      end.commitWrite(1)
      return true
    }
  }

  @frozen
  public struct Reader<Record: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline let end: RingEnd
    @usableFromInline let slots: UnsafeMutablePointer<Record>

    @usableFromInline init(end: RingEnd, slots: UnsafeMutablePointer<Record>) {
      self.end = end
      self.slots = slots
    }

    deinit {
      if end.leave() {
        slots.deallocate()
        end.free()
      }
    }

    /// The oldest record, left where it is.
    @inlinable public mutating func peek() -> Record? {
      guard end.readable(atLeast: 1) > 0 else { return nil }
      return slots[end.readPosition & (end.capacity &- 1)]
    }

    @inlinable public mutating func pop() -> Record? {
      guard let record = peek() else { return nil }
      end.commitRead(1)
      return record
    }
  }
}
