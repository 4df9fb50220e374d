/// What the render thread knew about a run of frames when it wrote them.
@frozen
public struct CycleMark: BitwiseCopyable, Sendable {
  /// Position in the ring's own count of frames.
  public var start: Int
  public var frames: Int
  public var time: HostTime
  /// Position on the capture domain's clock.
  public var position: Int64
  public var quantum: Int
  public var flags: CycleFlags

  @_noLocks @inlinable
  public init(start: Int, frames: Int, time: HostTime, position: Int64, quantum: Int, flags: CycleFlags) {
    self.start = start
    self.frames = frames
    self.time = time
    self.position = position
    self.quantum = quantum
    self.flags = flags
  }
}

extension CycleFlags: BitwiseCopyable {}
extension HostTime: BitwiseCopyable {}

/// Planar audio from one thread to another, in frames, with a mark per written block.
///
/// Policy on overflow is the writer's: `reserve` refuses a block that does not fit and nothing is written.
public enum AudioRing {
  fileprivate static func free(
    _ end: RingEnd, _ samples: UnsafeMutablePointer<Float>, _ markEnd: RingEnd,
    _ marks: UnsafeMutablePointer<CycleMark>
  ) {
    samples.deallocate()
    marks.deallocate()
    end.free()
    markEnd.free()
  }

  @frozen
  public struct Writer: ~Copyable, @unchecked Sendable {
    @usableFromInline let end: RingEnd
    @usableFromInline let samples: UnsafeMutablePointer<Float>
    // A second ring beside the samples. Spelled out, because a generic ring is not seen through within the module in
    // debug builds and would fail the render check.
    @usableFromInline let markEnd: RingEnd
    @usableFromInline let markSlots: UnsafeMutablePointer<CycleMark>
    public let channels: Int
    private var readerTaken = false

    public init(channels: Int, minimumCapacity: FrameCount, marks: Int = 1024) {
      precondition(channels > 0 && channels <= ChannelLayout.limit)
      self.channels = channels
      end = RingEnd(minimumCapacity: minimumCapacity.value)
      let total = channels * end.capacity
      samples = .allocate(capacity: total)
      samples.initialize(repeating: 0, count: total)
      markEnd = RingEnd(minimumCapacity: marks)
      markSlots = .allocate(capacity: markEnd.capacity)
    }

    public mutating func makeReader() -> Reader {
      precondition(!readerTaken, "a ring has one reader")
      readerTaken = true
      return Reader(end: end, samples: samples, markEnd: markEnd, markSlots: markSlots, channels: channels)
    }

    deinit {
      if !readerTaken { _ = end.leave() }
      if end.leave() { AudioRing.free(end, samples, markEnd, markSlots) }
    }

    public var capacity: FrameCount { FrameCount(end.capacity) }

    /// Whether the reader waits for what has been written by now. Render safe.
    @inlinable public var isWanted: Bool { @_noLocks get { end.isWanted } }

    /// Room for exactly `frames`, or nil. Thread: the one writer; render safe.
    @_noLocks @inlinable public func reserve(_ frames: Int) -> RingSpan? {
      guard end.writable(atLeast: frames) >= frames else { return nil }
      return RingSpan(start: end.writePosition, count: frames, capacity: end.capacity)
    }

    /// Thread: the one writer; render safe.
    @_noLocks @inlinable public func pointer(channel: Int, offset: Int) -> UnsafeMutablePointer<Float> {
      precondition(channel >= 0 && channel < channels && offset >= 0 && offset < end.capacity)
      return samples + (channel &* end.capacity &+ offset)
    }

    /// Publishes what was written into the reserved span. False when the marks are full: then nothing is published.
    @_noLocks @inlinable
    public mutating func commit(
      _ frames: Int, time: HostTime, position: Int64, quantum: Int, flags: CycleFlags
    ) -> Bool {
      let mark = CycleMark(
        start: end.writePosition, frames: frames, time: time, position: position, quantum: quantum, flags: flags)
      guard markEnd.writable(atLeast: 1) > 0 else { return false }
      markSlots[markEnd.writePosition & (markEnd.capacity &- 1)] = mark
      markEnd.commitWrite(1)
      end.commitWrite(frames)
      return true
    }
  }

  @frozen
  public struct Reader: ~Copyable, @unchecked Sendable {
    @usableFromInline let end: RingEnd
    @usableFromInline let samples: UnsafeMutablePointer<Float>
    @usableFromInline let markEnd: RingEnd
    @usableFromInline let markSlots: UnsafeMutablePointer<CycleMark>
    public let channels: Int

    fileprivate init(
      end: RingEnd, samples: UnsafeMutablePointer<Float>, markEnd: RingEnd, markSlots: UnsafeMutablePointer<CycleMark>,
      channels: Int
    ) {
      self.end = end
      self.samples = samples
      self.markEnd = markEnd
      self.markSlots = markSlots
      self.channels = channels
    }

    deinit {
      if end.leave() { AudioRing.free(end, samples, markEnd, markSlots) }
    }

    /// Floats from one channel of `pointer` to the next.
    @inlinable public var channelStride: Int { @_noLocks get { end.capacity } }

    /// Frames that can be read now. Thread: the one reader.
    @inlinable public var available: FrameCount { @_noLocks get { FrameCount(end.readable(atLeast: end.capacity)) } }

    /// Asks to be woken once so many frames can be read. True when they can be read already: then nobody will wake. A
    /// reader that never says so is woken for every block.
    @inlinable public func want(_ frames: FrameCount) -> Bool { end.want(frames.value) }

    /// The ring's own position of the next frame to read.
    @inlinable public var position: Int { @_noLocks get { end.readPosition } }

    @_noLocks @inlinable public func span(_ frames: FrameCount) -> RingSpan? {
      guard end.readable(atLeast: frames.value) >= frames.value else { return nil }
      return RingSpan(start: end.readPosition, count: frames.value, capacity: end.capacity)
    }

    @_noLocks @inlinable public func pointer(channel: Int, offset: Int) -> UnsafePointer<Float> {
      precondition(channel >= 0 && channel < channels && offset >= 0 && offset < end.capacity)
      return UnsafePointer(samples + (channel &* end.capacity &+ offset))
    }

    /// A sample of the frame that is `index` frames after the next to read, which must be there. Render safe.
    @_noLocks @inlinable public func sample(channel: Int, _ index: Int) -> Float {
      precondition(channel >= 0 && channel < channels && index >= 0 && index < end.capacity)
      return samples[channel &* end.capacity &+ ((end.readPosition &+ index) & (end.capacity &- 1))]
    }

    /// Lets frames go, and the marks of blocks that have been read whole: a reader that never looks at marks must not
    /// stop the writer.
    @_noLocks @inlinable public func release(_ frames: FrameCount) {
      precondition(end.readable(atLeast: frames.value) >= frames.value)
      end.commitRead(frames.value)
      _ = mark()
    }

    /// The mark of the block that holds the next unread frame; older marks are let go.
    @_noLocks @inlinable public func mark() -> CycleMark? {
      while markEnd.readable(atLeast: 1) > 0 {
        let mark = markSlots[markEnd.readPosition & (markEnd.capacity &- 1)]
        if mark.start &+ mark.frames > end.readPosition { return mark }
        markEnd.commitRead(1)
      }
      return nil
    }

    /// The mark of the block that was written last, unless it has been read whole. Thread: the one reader; render safe.
    @_noLocks @inlinable public func newestMark() -> CycleMark? {
      let count = markEnd.readable(atLeast: markEnd.capacity)
      guard count > 0 else { return nil }
      return markSlots[(markEnd.readPosition &+ count &- 1) & (markEnd.capacity &- 1)]
    }

    /// Copies the next frames into one buffer, channel `order[i]` of the ring at place `i` of each frame.
    public mutating func readInterleaved(
      _ frames: FrameCount, order: [Int], into target: UnsafeMutablePointer<Float>
    ) -> Bool {
      guard let span = span(frames) else { return false }
      let stride = order.count
      for place in 0..<stride {
        var out = target + place
        let first = pointer(channel: order[place], offset: span.first)
        for index in 0..<span.firstCount {
          out.pointee = first[index]
          out += stride
        }
        guard span.secondCount > 0 else { continue }
        let second = pointer(channel: order[place], offset: 0)
        for index in 0..<span.secondCount {
          out.pointee = second[index]
          out += stride
        }
      }
      release(frames)
      return true
    }
  }
}
