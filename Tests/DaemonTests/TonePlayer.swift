import AudioCore
import AudioIO
import Glibc
import PipeWireIO
import Synchronization
import TestSupport

/// A steady sine in every channel of a sink, played by the test itself so that it knows when it was not asked in time:
/// what is missing then is missing in the sink already.
final class TonePlayer {
  private let stream: any AudioStream
  private let tone: SteadyTone

  init(
    _ server: PrivatePipeWire, frequency: Double = 997, to sink: SinkTarget = .defaultSink, name: String = "tone",
    layout: ChannelLayout = .stereo, amplitude: Float = 0.1, isAwaited: Bool = true
  ) throws {
    tone = SteadyTone(frequency: frequency, amplitude: amplitude)
    let backend = try PipeWireBackend(remote: server.remote)
    stream = try backend.open(
      StreamRequest(role: .playback(to: sink), name: name, description: name, layout: layout), client: tone
    ) { _ in }
    try stream.start()
    guard isAwaited else { return }
    let stream = stream
    guard waitUntil(timeout: 15, { stream.report.cycles > 4 }) else {
      throw SupportError("the tone does not play: \(stream.report)")
    }
  }

  deinit { stream.stop() }

  func stop() { stream.stop() }

  /// When it was late, in seconds of CLOCK_MONOTONIC.
  var misses: [Double] { tone.misses }
}

private final class SteadyTone: RenderClient, @unchecked Sendable {
  private static let capacity = 8192
  private let step: Double
  private var phase = 0.0
  private var expected: Int64?
  private let times = UnsafeMutablePointer<Int64>.allocate(capacity: capacity)
  private let count = Atomic<Int>(0)

  private let amplitude: Float

  init(frequency: Double, amplitude: Float) {
    step = 2 * .pi * frequency / 48_000
    self.amplitude = amplitude
  }

  deinit { times.deallocate() }

  /// Thread: render.
  override func render(_ cycle: Cycle) {
    if let expected, cycle.position != expected {
      let place = count.load(ordering: .relaxed)
      if place < Self.capacity {
        times[place] = cycle.time.nanoseconds
        count.store(place + 1, ordering: .releasing)
      }
    }
    expected = cycle.position + Int64(cycle.frames)
    for frame in 0..<cycle.frames {
      let sample = amplitude * Float(sin(phase))
      phase += step
      if phase > 2 * .pi { phase -= 2 * .pi }
      for channel in 0..<cycle.output.channelCount { cycle.output.channel(channel)[frame] = sample }
    }
  }

  var misses: [Double] { (0..<count.load(ordering: .acquiring)).map { Double(times[$0]) / 1e9 } }
}
