import AudioCore
import AudioIO
import Mixer
import Recording
import Synchronization

/// The thread that brings a bus's blocks to a recorder.
final class BusPump: @unchecked Sendable {
  private let signal: WakeSignal
  private let client: RecorderClient
  private let format: StreamFormat
  private let isEnding = Atomic<Bool>(false)
  // Thread: pump.
  private var reader: AudioRing.Reader
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private var thread: WorkerThread?

  init(
    _ reader: consuming AudioRing.Reader, _ format: StreamFormat, signal: WakeSignal, client: RecorderClient
  ) throws(SessionError) {
    self.reader = reader
    self.format = format
    self.signal = signal
    self.client = client
    planes = .allocate(capacity: format.layout.count)
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
    for channel in 0..<format.layout.count {
      (planes + channel).initialize(
        to: UnsafeMutablePointer(mutating: reader.pointer(channel: channel, offset: span.first)))
    }
    let block = Block(channels: planes, channelCount: format.layout.count, frames: span.firstCount)
    let none = Block(channels: planes, channelCount: 0, frames: span.firstCount)
    renderDispatch(
      Unmanaged.passUnretained(client),
      Cycle(
        frames: span.firstCount, time: mark.time + FrameCount(offset).duration(at: format.rate),
        position: mark.position + Int64(offset), quantum: mark.quantum, layout: format.layout,
        flags: offset == 0 ? mark.flags : .none, input: block, output: none))
    reader.release(FrameCount(span.firstCount))
    return true
  }
}
