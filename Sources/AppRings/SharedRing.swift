public import AudioCore
import CLinux
import Glibc
import Synchronization

/// A ring between an application and a graph: the memory, the two counters and our side's state. It lives until its owner
/// and the end that a graph holds have let go of it.
///
/// Thread: control.
public final class SharedRing: @unchecked Sendable {
  public let format: RingFormat
  private let memory: RingMemory
  private let bells: RingBells
  private let space: RingBell
  private let data: RingBell
  private let counts: UnsafeMutablePointer<RingCounts>
  private let gate: UnsafeMutablePointer<RingGate>
  private let input: UnsafeMutablePointer<RingInput>?
  private let output: UnsafeMutablePointer<RingOutput>?
  private let isTaken = Atomic<Bool>(false)

  /// What the application is to be given; whoever gets this closes them.
  public struct Descriptors {
    /// Nil when the memory is the application's own.
    public var memory: Int32?
    public var space: Int32
    public var data: Int32

    public var all: [Int32] { (memory.map { [$0] } ?? []) + [space, data] }
  }

  /// Makes a ring, or makes one of memory that the application brought; its descriptor stays the caller's.
  public static func open(
    _ format: RingFormat, bells: RingBells, adopting brought: Int32? = nil
  ) throws(RingError) -> (ring: SharedRing, descriptors: Descriptors) {
    var own: Int32?
    let memory: RingMemory
    if let brought {
      memory = try RingMemory.adopt(brought, format)
    } else {
      let made = try RingMemory.make(format)
      memory = made.memory
      own = made.descriptor
    }
    do throws(RingError) {
      let ring = SharedRing(format, memory, bells, space: try RingBell(), data: try RingBell())
      let space = clinux_descriptor_copy(ring.space.descriptor)
      let data = clinux_descriptor_copy(ring.data.descriptor)
      guard space >= 0, data >= 0 else {
        for copy in [space, data] where copy >= 0 { Glibc.close(copy) }
        throw RingError(.descriptors, errno: EMFILE)
      }
      return (ring, Descriptors(memory: own, space: space, data: data))
    } catch {
      if let own { Glibc.close(own) }
      throw error
    }
  }

  private init(_ format: RingFormat, _ memory: RingMemory, _ bells: RingBells, space: RingBell, data: RingBell) {
    self.format = format
    self.memory = memory
    self.bells = bells
    self.space = space
    self.data = data
    counts = .allocate(capacity: 1)
    counts.initialize(to: RingCounts())
    gate = .allocate(capacity: 1)
    gate.initialize(to: RingGate())
    let rung = format.direction == .source ? space : data
    let face = BellFace(word: rung.word, wake: bells.signal.renderFace)
    switch format.direction {
    case .source:
      let state = UnsafeMutablePointer<RingInput>.allocate(capacity: 1)
      state.initialize(to: RingInput(format, memory, counts: counts, gate: gate, bell: face))
      input = state
      output = nil
    case .sink:
      let state = UnsafeMutablePointer<RingOutput>.allocate(capacity: 1)
      state.initialize(to: RingOutput(format, memory, counts: counts, gate: gate, bell: face))
      input = nil
      output = state
    }
    bells.add(rung)
  }

  deinit {
    bells.remove(space)
    bells.remove(data)
    input?.deinitialize(count: 1)
    input?.deallocate()
    output?.deinitialize(count: 1)
    output?.deallocate()
    counts.deinitialize(count: 1)
    counts.deallocate()
    gate.deinitialize(count: 1)
    gate.deallocate()
  }

  // MARK: Ends

  /// The end from which a graph reads; nil for a sink, and while another has it.
  public func takeReader() -> RingReader? {
    guard let input, take() else { return nil }
    return RingReader(Unmanaged.passRetained(self), input, format)
  }

  /// The end to which a graph writes; nil for a source, and while another has it.
  public func takeWriter() -> RingWriter? {
    guard let output, take() else { return nil }
    return RingWriter(Unmanaged.passRetained(self), output, format)
  }

  public var isInUse: Bool { isTaken.load(ordering: .acquiring) }

  private func take() -> Bool {
    guard !isTaken.exchange(true, ordering: .acquiringAndReleasing) else { return false }
    if !isClosed { notice.pointee.state.store(NoticeLine.State.running, ordering: .relaxed) }
    return true
  }

  /// Thread: any but render.
  fileprivate func giveBack() {
    if !isClosed { notice.pointee.state.store(NoticeLine.State.idle, ordering: .relaxed) }
    counts.pointee.isMoving.store(false, ordering: .relaxed)
    isTaken.store(false, ordering: .releasing)
  }

  // MARK: Life

  public var isClosed: Bool { gate.pointee.isClosed.load(ordering: .relaxed) }

  /// The application is gone, or is told to go: from the next period on a graph hears silence.
  public func close() {
    gate.pointee.isClosed.store(true, ordering: .relaxed)
    notice.pointee.state.store(NoticeLine.State.closed, ordering: .relaxed)
    space.ring()
    data.ring()
  }

  private var notice: UnsafeMutablePointer<NoticeLine> {
    (memory.base + RingLayout.noticeLine).assumingMemoryBound(to: NoticeLine.self)
  }

  /// The peak counts from one reading that takes it to the next.
  public func facts(takingPeak: Bool = true) -> RingFacts {
    let writer = (memory.base + RingLayout.writerLine).assumingMemoryBound(to: EndLine.self)
    let reader = (memory.base + RingLayout.readerLine).assumingMemoryBound(to: EndLine.self)
    // Read for people only: what an application writes there is worth nothing else.
    let distance = writer.pointee.position.load(ordering: .relaxed) &- reader.pointee.position.load(ordering: .relaxed)
    let waiting = Int(clamping: min(distance, UInt64(format.capacity.value)))
    let bits = takingPeak ? counts.pointee.peak.exchange(0, ordering: .relaxed) : 0
    let peak = Double(Float(bitPattern: bits))
    let theirs = format.direction == .source ? writer : reader
    let stamp = theirs.pointee.time.load(ordering: .relaxed)
    return RingFacts(
      fill: FrameCount(isInUse ? counts.pointee.fill.load(ordering: .relaxed) : waiting),
      isMoving: counts.pointee.isMoving.load(ordering: .relaxed),
      peak: Decibels(peak > 1e-6 ? 20 * log10(peak) : Decibels.floor.value),
      frames: counts.pointee.frames.load(ordering: .relaxed), xruns: counts.pointee.xruns.load(ordering: .relaxed),
      lost: FrameCount(counts.pointee.lost.load(ordering: .relaxed)),
      period: FrameCount(counts.pointee.period.load(ordering: .relaxed)),
      faults: RingFault.allCases.map { ($0, counts.pointee.faults($0)) }.filter { $0.1 > 0 },
      bells: space.count + data.count, isTampered: space.isTampered || data.isTampered,
      stamp: stamp > 0 ? HostTime(nanoseconds: stamp) : nil)
  }
}

/// What is known of a ring, for status displays.
public struct RingFacts: Sendable {
  /// Frames that wait.
  public var fill: FrameCount
  /// Sound moves: a source is heard, a sink is not full.
  public var isMoving: Bool
  /// The highest sample since the last reading.
  public var peak: Decibels
  public var frames: Int
  /// Times it ran dry, or full.
  public var xruns: Int
  public var lost: FrameCount
  /// The length of the graph's last period.
  public var period: FrameCount
  /// Those that occurred.
  public var faults: [(fault: RingFault, count: Int)]
  /// Times the application was woken.
  public var bells: Int
  /// The application made a counter blocking, and is not woken any more.
  public var isTampered: Bool
  /// When the application last moved sound, if it says so; its word.
  public var stamp: HostTime?
}

extension SharedRing {
  /// Gives back the end that a graph held. Thread: any but render.
  static func giveBack(_ owner: Unmanaged<SharedRing>) {
    owner._withUnsafeGuaranteedRef { $0.giveBack() }
    owner.release()
  }
}
