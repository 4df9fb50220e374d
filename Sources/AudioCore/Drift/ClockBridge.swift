import Synchronization

/// Joins two clocks: what is written in the cycles of one is read in the cycles of the other, at its rate.
///
/// ```
/// writer ─ ring ─ resampler ─ reader        the writer's clock left of the resampler, the reader's right of it
/// ```
///
/// The reader keeps as much between them as both sides' cycles need, by steering the resampler. What runs dry fades to
/// silence and rises again when there is enough; what is too far off is left, falling, and begun anew. It never plays
/// faster to catch up.
public final class ClockBridge: @unchecked Sendable {
  public let channels: Int
  private let core = BridgeCore()
  private var writer: BridgeWriter?
  private var reader: BridgeReader?

  /// The longest cycles are what room is made for; the latency follows from those that really come.
  public init(
    channels: Int, from: SampleRate, to: SampleRate, longestWrite: FrameCount, longestRead: FrameCount,
    quality: ResamplerQuality = .main
  ) {
    precondition(longestWrite.value > 0 && longestRead.value > 0)
    self.channels = channels
    let taken = Int((Double(longestRead.value) * Double(from.hertz) / Double(to.hertz)).rounded(.up)) + 16
    let resampler = SincResampler(
      quality: quality, from: from, to: to, channels: channels, chunk: FrameCount(taken))
    let control = BridgeControl(from: from, to: to, filter: 2 * resampler.latency.value)
    // The controller lets the fill come to twice its target before it gives up.
    let room = 3 * Int(control.mostTarget(write: longestWrite, read: longestRead)) + from.hertz / 20
    var ring = AudioRing.Writer(
      channels: channels, minimumCapacity: FrameCount(room), marks: max(1024, room / 16))
    reader = BridgeReader(
      ring: ring.makeReader(), resampler: resampler, control: control, core: core, longest: longestRead.value,
      fade: to.hertz / 200)
    writer = BridgeWriter(ring: ring, core: core)
  }

  /// The end that is written to. Once. Thread: control.
  public func makeWriter() -> BridgeWriter {
    guard let end = writer.take() else { preconditionFailure("a bridge has one writer") }
    return end
  }

  /// The end that is read from. Once. Thread: control.
  public func makeReader() -> BridgeReader {
    guard let end = reader.take() else { preconditionFailure("a bridge has one reader") }
    return end
  }

  /// Thread: any.
  public func facts() -> BridgeFacts { core.counters.pointee.facts }
}

/// What is known of a bridge.
public struct BridgeFacts: Hashable, Sendable {
  /// Times that sound ran dry.
  public var starved: Int
  /// Blocks that did not fit: nobody reads, or the writer brings far too much.
  public var flooded: Int
  /// Times that the fill was too far off to steer, or a quantum changed.
  public var resyncs: Int
  public var isPlaying: Bool
  /// Sound between writer and reader at the last read, and what it should be, in frames of the writer.
  public var fill: FrameCount
  public var target: FrameCount
  /// How much faster than nominal the resampler uses up sound, in parts per million.
  public var ppm: Double
}

/// Written by the ends, read by anybody.
struct BridgeCounters: ~Copyable {
  let starved = Atomic<Int>(0)
  let flooded = Atomic<Int>(0)
  let resyncs = Atomic<Int>(0)
  let isPlaying = Atomic<Bool>(false)
  let fill = Atomic<Int>(0)
  let target = Atomic<Int>(0)
  /// The bits of a number.
  let ppm = Atomic<UInt64>(0)

  var facts: BridgeFacts {
    BridgeFacts(
      starved: starved.load(ordering: .relaxed), flooded: flooded.load(ordering: .relaxed),
      resyncs: resyncs.load(ordering: .relaxed), isPlaying: isPlaying.load(ordering: .relaxed),
      fill: FrameCount(fill.load(ordering: .relaxed)), target: FrameCount(target.load(ordering: .relaxed)),
      ppm: Double(bitPattern: ppm.load(ordering: .relaxed)))
  }

  /// Thread: render.
  @_noLocks func publish(_ control: borrowing BridgeControl) {
    resyncs.store(control.resyncs, ordering: .relaxed)
    isPlaying.store(control.isPlaying, ordering: .relaxed)
    fill.store(Int(control.fill + 0.5), ordering: .relaxed)
    target.store(Int(control.target + 0.5), ordering: .relaxed)
    ppm.store(control.ppm.bitPattern, ordering: .relaxed)
  }
}

/// Keeps the counters for as long as an end or the bridge lives.
final class BridgeCore: @unchecked Sendable {
  let counters: UnsafeMutablePointer<BridgeCounters>

  init() {
    counters = .allocate(capacity: 1)
    counters.initialize(to: BridgeCounters())
  }

  deinit {
    counters.deinitialize(count: 1)
    counters.deallocate()
  }
}
