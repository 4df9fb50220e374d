import AudioCore
import AudioIO
import Synchronization
import Testing

/// Writes down every cycle and every sample.
private final class Recorder: RenderClient, @unchecked Sendable {
  struct Entry: Equatable {
    var position: Int64
    var time: HostTime
    var frames: Int
    var layout: ChannelLayout
    var flags: UInt32
  }

  var entries: [Entry] = []
  var samples: [Float] = []
  var fills = false

  override func render(_ cycle: Cycle) {
    entries.append(
      Entry(
        position: cycle.position, time: cycle.time, frames: cycle.frames, layout: cycle.layout,
        flags: cycle.flags.rawValue))
    for channel in 0..<cycle.input.channelCount {
      samples += UnsafeBufferPointer(start: cycle.input.channel(channel), count: cycle.frames)
    }
    guard fills else { return }
    for channel in 0..<cycle.output.channelCount {
      for frame in 0..<cycle.frames { cycle.output.channel(channel)[frame] = Float(cycle.position) + Float(frame) }
    }
  }
}

private final class EventLog: Sendable {
  private let kept = Mutex<[StreamEvent]>([])
  func add(_ event: StreamEvent) { kept.withLock { $0.append(event) } }
  var events: [StreamEvent] { kept.withLock { $0 } }
}

@Suite struct OfflineBackendTests {
  private static let monitor = StreamRequest(role: .monitor(of: .defaultSink), name: "test", description: "test")

  private static func script() -> FaultScript {
    var script = FaultScript()
    script.at(cycle: 3, .lateWake(.milliseconds(2)))
    script.at(cycle: 10, .missedCycles(4))
    script.at(cycle: 20, .quantum(777))
    script.at(cycle: 30, .layout(.surround71))
    script.at(cycle: 31, .quantum(16))
    script.at(cycle: 40, .deviceLost(cycles: 5))
    script.at(cycle: 60, .serverLost(cycles: 9))
    return script
  }

  private func run(_ script: FaultScript, cycles: Int = 100, ppm: Double = 37) throws -> (Recorder, [StreamEvent]) {
    let backend = OfflineBackend(
      OfflineBackend.Domain(ppm: ppm, faults: script) { Float($0) + Float($1 % 65_536) / 65_536 })
    let (recorder, log) = (Recorder(), EventLog())
    let stream = try backend.open(Self.monitor, client: recorder) { log.add($0) }
    try stream.start()
    for _ in 0..<cycles { backend.advance() }
    stream.stop()
    return (recorder, log.events)
  }

  @Test func sameScriptSameRun() throws {
    let (first, firstEvents) = try run(Self.script())
    let (second, secondEvents) = try run(Self.script())
    #expect(first.entries == second.entries)
    #expect(first.samples.count > 30_000)
    #expect(first.samples.elementsEqual(second.samples) { $0.bitPattern == $1.bitPattern })
    #expect(firstEvents == secondEvents)
  }

  @Test func scriptHappensAtItsCycles() throws {
    let (recorder, events) = try run(Self.script(), ppm: 0)
    let entries = recorder.entries
    #expect(entries.count == 100 - 5 - 9)
    let times = zip(entries, entries.dropFirst()).map { $1.time - $0.time }
    #expect(abs((times[2] - times[1]).milliseconds - 2) < 0.001)
    #expect(entries[10].position - entries[9].position == 5 * 256 && entries[10].flags == 1)
    #expect(entries[20].frames == 777 && entries[31].frames == 16)
    #expect(entries[29].layout == .stereo && entries[30].layout == .surround71)
    #expect(entries[40].position - entries[39].position == 6 * 16 && entries[40].flags == 1)
    #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.position < $1.position && $0.time < $1.time })
    #expect(
      events == [
        .state(.running(device: "offline")), .format(StreamFormat(rate: .codec, layout: .stereo)),
        .format(StreamFormat(rate: .codec, layout: .surround71)),
        .state(.waiting(BackendError(.deviceLost, "the device went away"))), .state(.running(device: "offline")),
        .state(.waiting(BackendError(.serverUnavailable, "the server went away"))),
        .state(.running(device: "offline")), .state(.stopped),
      ])
  }

  /// Time runs by the host's clock, positions by the device's.
  @Test(arguments: [-500.0, 0, 500]) func clockDrifts(ppm: Double) throws {
    let (recorder, _) = try run(FaultScript(), cycles: 18_750, ppm: ppm)
    let last = try #require(recorder.entries.last)
    let nominal = Double(last.position) * 1e9 / 48_000
    #expect(abs(Double(last.time.nanoseconds) / nominal - 1 / (1 + ppm * 1e-6)) < 1e-9)
  }

  @Test func positionSeesTheSignal() throws {
    let (recorder, _) = try run(FaultScript(), cycles: 2)
    #expect(recorder.samples[300] == 1 + Float(44) / 65_536, "second channel of the first cycle")
    #expect(recorder.samples[512] == Float(256) / 65_536)
  }

  @Test func playbackIsKeptAndUntouchedOutputIsSilence() throws {
    let backend = OfflineBackend()
    let recorder = Recorder()
    let stream = try backend.open(
      StreamRequest(role: .playback(to: .defaultSink), name: "p", description: "p", layout: .mono), client: recorder,
      events: { _ in })
    let offline = try #require(stream as? OfflineStream)
    try stream.start()
    backend.advance()
    recorder.fills = true
    backend.advance()
    let played = offline.takePlayed()
    #expect(played.count == 1)
    #expect(played[0] == Array(repeating: 0, count: 256) + (256..<512).map(Float.init))
    #expect(offline.takePlayed().isEmpty)
    #expect(recorder.samples.isEmpty, "a player has no input")
  }

  @Test func virtualTimeMovesByWhatWasAsked() throws {
    let backend = OfflineBackend()
    // Nothing to run: it must come back all the same.
    backend.advance(by: .seconds(1))
    #expect(backend.now == HostTime(nanoseconds: 0))
    let recorder = Recorder()
    let stream = try backend.open(Self.monitor, client: recorder, events: { _ in })
    try stream.start()
    backend.advance(by: .seconds(1))
    #expect(backend.now >= HostTime(nanoseconds: 1_000_000_000))
    #expect(recorder.entries.count == 188)
    #expect(stream.report.cycles == 188 && stream.report.quantum == 256 && stream.report.graphRate == 48_000)
  }
}
