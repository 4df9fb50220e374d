public import AudioCore
public import AudioIO
import Mixer
public import Recording
import Synchronization

/// What a downlink hears: a sink's sound, or a bus of the graph. A thread of its own takes each block from a ring as soon as
/// it is there.
public final class BusSource: RecordingSource {
  public let format: StreamFormat
  private let downlink: Downlink
  private let bus: BusOutput
  private var pump: BusPump?

  /// Half a second for the thread to be late.
  private static let room = FrameCount(24_000)

  public var key: Downlink.Key { downlink.key }

  public init(_ downlink: Downlink, layout: ChannelLayout, isLimited: Bool = false, gain: Decibels = Decibels(0)) {
    self.downlink = downlink
    format = StreamFormat(rate: .codec, layout: layout)
    bus = BusOutput(layout: layout, capacity: Self.room, isLimited: isLimited)
    bus.setGain(gain)
  }

  public func start(
    _ client: RecorderClient, absence: @escaping @Sendable (BackendError?) -> Void
  ) throws(BackendError) {
    do throws(SessionError) {
      pump = try BusPump(bus.makeReader(), layout: format.layout, signal: bus.signal, client: client)
    } catch {
      throw BackendError(.tooMany, error.message)
    }
    downlink.add(bus)
  }

  public func stop() {
    downlink.remove(bus)
    pump?.end()
    pump = nil
  }

  public var report: StreamReport { downlink.report }
}

/// The thread that brings a bus's blocks to a recorder.
private final class BusPump: @unchecked Sendable {
  private let signal: WakeSignal
  private let client: RecorderClient
  private let layout: ChannelLayout
  private let isEnding = Atomic<Bool>(false)
  // Thread: pump.
  private var reader: AudioRing.Reader
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private var thread: WorkerThread?

  init(
    _ reader: consuming AudioRing.Reader, layout: ChannelLayout, signal: WakeSignal, client: RecorderClient
  ) throws(SessionError) {
    self.reader = reader
    self.layout = layout
    self.signal = signal
    self.client = client
    planes = .allocate(capacity: layout.count)
    thread = try WorkerThread("streamd-tape", realTimePriority: 4) { [self] in run() }
  }

  deinit { planes.deallocate() }

  func end() {
    isEnding.store(true, ordering: .releasing)
    signal.wake()
    thread?.join()
    thread = nil
  }

  private func run() {
    while !isEnding.load(ordering: .acquiring) {
      let ticket = signal.ticket
      while pass() {}
      guard !isEnding.load(ordering: .acquiring) else { break }
      signal.wait(since: ticket, until: renderNow() + .milliseconds(500))
    }
    while pass() {}
  }

  /// What is left of the oldest block, as far as it lies in one piece.
  private func pass() -> Bool {
    let available = reader.available.value
    guard available > 0, let mark = reader.mark() else { return false }
    let offset = reader.position - mark.start
    guard let span = reader.span(FrameCount(min(available, mark.frames - offset))), span.firstCount > 0 else {
      return false
    }
    for channel in 0..<layout.count {
      (planes + channel).initialize(
        to: UnsafeMutablePointer(mutating: reader.pointer(channel: channel, offset: span.first)))
    }
    let block = Block(channels: planes, channelCount: layout.count, frames: span.firstCount)
    let none = Block(channels: planes, channelCount: 0, frames: span.firstCount)
    renderDispatch(
      Unmanaged.passUnretained(client),
      Cycle(
        frames: span.firstCount, time: mark.time + FrameCount(offset).duration(at: .codec),
        position: mark.position + Int64(offset), quantum: mark.quantum, layout: layout,
        flags: offset == 0 ? mark.flags : .none, input: block, output: none))
    reader.release(FrameCount(span.firstCount))
    return true
  }
}
