import Synchronization

/// Where things lie in the memory of a live recording: a head of two pages, then the ring of samples. All numbers are of
/// this machine, for nobody else reads it but a later process on it.
enum LiveLayout {
  static let magic: UInt64 = 0x4556_494c_4d52_5453  // "STRMLIVE"
  static let version: UInt64 = 1
  static let headBytes = 12_288
  // Once, before anybody else knows of it.
  static let magicPlace = 0
  static let versionPlace = 8
  static let capacityPlace = 16
  static let ratePlace = 24
  static let layoutPlace = 32
  static let samplesPlace = 40
  static let chunkFramesPlace = 48
  static let identityPlace = 56
  static let folderPlace = 4096
  static let folderRoom = 4096
  // By render.
  static let writtenPlace = 128
  static let marksWrittenPlace = 192
  static let anchorSequencePlace = 256
  static let anchorPositionPlace = 264
  static let anchorTimePlace = 272
  static let startTimePlace = 320
  // By the worker.
  static let copiedPlace = 384
  static let marksTakenPlace = 448
  static let wallOffsetPlace = 456
  static let marksPlace = 8192
  static let markCount = 128
}

/// A hole in time: from frame `frame` of the samples on, they belong at `position`. Position and not length, so that one who
/// comes upon it twice is not led astray.
struct GapMark: BitwiseCopyable {
  var frame: Int
  var position: Int
  var cause: Int
  var time: Int64

  @_noLocks
  init(frame: Int, position: Int, cause: Int, time: Int64) {
    self.frame = frame
    self.position = position
    self.cause = cause
    self.time = time
  }
}

/// The memory of a live recording as render and worker see it: pointers only.
struct LiveFace {
  let written: UnsafeMutablePointer<Atomic<Int>>
  let copied: UnsafeMutablePointer<Atomic<Int>>
  let marksWritten: UnsafeMutablePointer<Atomic<Int>>
  let marksTaken: UnsafeMutablePointer<Atomic<Int>>
  let anchorSequence: UnsafeMutablePointer<Atomic<Int>>
  let anchorPosition: UnsafeMutablePointer<Atomic<Int>>
  let anchorTime: UnsafeMutablePointer<Atomic<Int>>
  /// When position 0 was, in nanoseconds of the monotonic clock; 0 while nothing has begun.
  let startTime: UnsafeMutablePointer<Atomic<Int>>
  /// What the wall clock is ahead of the monotonic one.
  let wallOffset: UnsafeMutablePointer<Atomic<Int>>
  let marks: UnsafeMutablePointer<GapMark>
  let samples: UnsafeMutableRawPointer
  /// Frames, a power of two.
  let capacity: Int
  let frameBytes: Int

  init(_ base: UnsafeMutableRawPointer, capacity: Int, frameBytes: Int) {
    func word(_ place: Int) -> UnsafeMutablePointer<Atomic<Int>> {
      (base + place).bindMemory(to: Atomic<Int>.self, capacity: 1)
    }
    written = word(LiveLayout.writtenPlace)
    copied = word(LiveLayout.copiedPlace)
    marksWritten = word(LiveLayout.marksWrittenPlace)
    marksTaken = word(LiveLayout.marksTakenPlace)
    anchorSequence = word(LiveLayout.anchorSequencePlace)
    anchorPosition = word(LiveLayout.anchorPositionPlace)
    anchorTime = word(LiveLayout.anchorTimePlace)
    startTime = word(LiveLayout.startTimePlace)
    wallOffset = word(LiveLayout.wallOffsetPlace)
    marks = (base + LiveLayout.marksPlace).bindMemory(to: GapMark.self, capacity: LiveLayout.markCount)
    samples = base + LiveLayout.headBytes
    self.capacity = capacity
    self.frameBytes = frameBytes
  }

  /// Leaves a mark before the next frame; false when there is no room for one. Thread: render.
  @_noLocks
  func mark(_ mark: GapMark) -> Bool {
    let count = marksWritten.pointee.load(ordering: .relaxed)
    guard count &- marksTaken.pointee.load(ordering: .acquiring) < Self.markRoom else { return false }
    (marks + (count & (Self.markRoom &- 1))).pointee = mark
    marksWritten.pointee.store(count &+ 1, ordering: .releasing)
    return true
  }

  private static var markRoom: Int { @_noLocks get { 128 } }

  /// The mark of a number, once it is there. Thread: worker.
  func mark(number: Int) -> GapMark? {
    guard number < marksWritten.pointee.load(ordering: .acquiring) else { return nil }
    return marks[number & (LiveLayout.markCount - 1)]
  }

  /// Ties a position to its time. Thread: render.
  @_noLocks
  func anchor(position: Int, time: Int64) {
    let sequence = anchorSequence.pointee.load(ordering: .relaxed)
    anchorSequence.pointee.store(sequence &+ 1, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
    anchorPosition.pointee.store(position, ordering: .relaxed)
    anchorTime.pointee.store(Int(time), ordering: .relaxed)
    anchorSequence.pointee.store(sequence &+ 2, ordering: .releasing)
  }

  /// Thread: any but render.
  var lastAnchor: (position: Int, time: Int64)? {
    for _ in 0..<1000 {
      let before = anchorSequence.pointee.load(ordering: .acquiring)
      let (position, time) = (
        anchorPosition.pointee.load(ordering: .relaxed), anchorTime.pointee.load(ordering: .relaxed)
      )
      atomicMemoryFence(ordering: .acquiring)
      if before & 1 == 0, before == anchorSequence.pointee.load(ordering: .relaxed) {
        return before == 0 ? nil : (position, Int64(time))
      }
    }
    return nil
  }
}

extension LiveFace {
  /// In nanoseconds of the monotonic clock, by the newest block; 0 while there is none.
  func time(of position: Int, _ format: RecordingFormat) -> Int64 {
    if let anchor = lastAnchor {
      let apart = anchor.position - position
      return apart >= 0 ? anchor.time - format.nanoseconds(apart) : anchor.time + format.nanoseconds(-apart)
    }
    return Int64(startTime.pointee.load(ordering: .acquiring))
  }
}
