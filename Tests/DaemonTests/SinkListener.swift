import AudioCore
import AudioIO
import Glibc
import PipeWireIO
import Synchronization
import TestSupport

/// What a sink plays, as its monitor has it: the first channel, kept while recording.
final class SinkListener {
  private let stream: any AudioStream
  private let client = ListeningClient()

  init(_ server: PrivatePipeWire, to sink: String = PrivatePipeWire.sinkName) throws {
    let client = client
    stream = try PipeWireBackend(remote: server.remote).open(
      StreamRequest(role: .monitor(of: .named(sink)), name: "listener", description: "listener"), client: client
    ) { client.state($0) }
    try stream.start()
    guard waitUntil(timeout: 15, { client.isRunning }) else {
      throw SupportError("nothing to listen to: \(stream.report)")
    }
    // A capture's sound rises where it begins.
    _ = waitUntil(timeout: 2) { client.heard.load(ordering: .relaxed) >= 4800 }
  }

  deinit { stream.stop() }

  /// Cycles it was not asked in time.
  var missed: Int { client.missed.load(ordering: .relaxed) }

  /// The next `seconds` of sound, or what came of it in three times as long.
  func record(seconds: Double) -> [Float] {
    let frames = min(Int(seconds * 48_000), ListeningClient.capacity)
    client.begin()
    _ = waitUntil(timeout: seconds * 3 + 1) { self.client.count >= frames }
    return client.taken(frames)
  }
}

private final class ListeningClient: RenderClient, @unchecked Sendable {
  static let capacity = 48_000 * 10
  private let samples = UnsafeMutablePointer<Float>.allocate(capacity: capacity)
  private let filled = Atomic<Int>(capacity)
  private let running = Atomic<Bool>(false)
  let missed = Atomic<Int>(0)
  let heard = Atomic<Int>(0)
  private var expected: Int64?

  deinit { samples.deallocate() }

  func state(_ event: StreamEvent) {
    guard case .state(let state) = event else { return }
    if case .running = state { running.store(true, ordering: .releasing) }
  }

  var isRunning: Bool { running.load(ordering: .acquiring) }
  var count: Int { filled.load(ordering: .acquiring) }
  func begin() { filled.store(0, ordering: .releasing) }
  func taken(_ frames: Int) -> [Float] { Array(UnsafeBufferPointer(start: samples, count: min(count, frames))) }

  /// Thread: render.
  override func render(_ cycle: Cycle) {
    if let expected, cycle.position != expected { missed.add(1, ordering: .relaxed) }
    expected = cycle.position + Int64(cycle.frames)
    heard.add(cycle.frames, ordering: .relaxed)
    let start = filled.load(ordering: .acquiring)
    let frames = min(cycle.frames, Self.capacity - start)
    guard frames > 0, cycle.input.channelCount > 0 else { return }
    let from = cycle.input.channel(0)
    for frame in 0..<frames { samples[start + frame] = from[frame * cycle.input.stride] }
    // Not when a recording was begun meanwhile.
    _ = filled.compareExchange(expected: start, desired: start + frames, ordering: .acquiringAndReleasing)
  }
}
