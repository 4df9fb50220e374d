import AudioCore
import AudioIO
import Synchronization
import TestSupport
import Testing

@testable import PipeWireIO

/// Recording a microphone of a real server.
@Suite(.serialized) struct CaptureStreamTests {
  /// Keeps what it hears.
  private final class Tape: RenderClient, @unchecked Sendable {
    private let samples: UnsafeMutablePointer<Float>
    private let kept = Atomic<Int>(0)
    private let log = Mutex<[StreamState]>([])
    static let room = 480_000

    override init() {
      samples = .allocate(capacity: Self.room)
      samples.initialize(repeating: 0, count: Self.room)
    }

    deinit { samples.deallocate() }

    override func render(_ cycle: Cycle) {
      let at = kept.load(ordering: .relaxed)
      let count = min(cycle.frames, Self.room - at)
      let input = cycle.input.channel(0)
      for frame in 0..<count { samples[at + frame] = input[frame * cycle.input.stride] }
      kept.store(at + count, ordering: .releasing)
    }

    func heard(_ event: StreamEvent) {
      if case .state(let state) = event { log.withLock { $0.append(state) } }
    }

    var count: Int { kept.load(ordering: .acquiring) }
    var sound: [Float] { Array(UnsafeBufferPointer(start: samples, count: count)) }
    var state: StreamState? { log.withLock { $0.last } }
    var device: String? { if case .running(let device) = state { device } else { nil } }
    var reason: BackendError.Code? { if case .waiting(let error) = state { error.code } else { nil } }
  }

  private func record(
    _ server: PrivatePipeWire, _ source: String?, layout: ChannelLayout = .mono
  ) throws -> (Tape, any AudioStream) {
    let tape = Tape()
    let stream = try PipeWireBackend(remote: server.remote).open(
      StreamRequest(role: .capture(source: source), name: "recorder", description: "recorder", layout: layout),
      client: tape, events: { tape.heard($0) })
    try stream.start()
    return (tape, stream)
  }

  @Test(arguments: [nil, PrivatePipeWire.microphoneName]) func aMicrophoneIsHeard(source: String?) throws {
    let server = try PrivatePipeWire(microphone: true)
    defer { server.stop() }
    let (tape, stream) = try record(server, source)
    defer { stream.stop() }
    #expect(waitUntil(timeout: 15) { tape.count > 72_000 }, "\(String(describing: tape.state))")
    #expect(tape.device == PrivatePipeWire.microphoneName)
    // The private microphone plays 440 Hz at full scale in both channels: their mean is no louder.
    let sound = Array(tape.sound.suffix(48_000))
    let level = ToneAnalysis.level(of: 440, in: sound, rate: 48_000)
    #expect(abs(level) < 0.5 && ToneAnalysis.overallLevel(of: sound) - level < 0.5, "\(level)")
  }

  /// Where there is none, nothing is recorded: neither the monitor of the sink nor a source of ours, default or not.
  @Test func withoutAMicrophoneNothingIsHeard() throws {
    let server = try PrivatePipeWire()
    defer { server.stop() }
    let talker = Tape()
    let own = try PipeWireBackend(remote: server.remote).open(
      StreamRequest(role: .virtualSource, name: "ours", description: "ours"), client: RenderClient(),
      events: { talker.heard($0) })
    try own.start()
    defer { own.stop() }
    #expect(waitUntil(timeout: 15) { talker.device == "ours" })
    try server.run(["pw-metadata", "0", "default.configured.audio.source", "{\"name\":\"ours\"}", "Spa:String:JSON"])
    let (tape, stream) = try record(server, nil)
    defer { stream.stop() }
    #expect(waitUntil(timeout: 15) { tape.reason == .noSource }, "\(String(describing: tape.state))")
    let (named, other) = try record(server, "ours")
    defer { other.stop() }
    #expect(waitUntil(timeout: 15) { named.reason == .notASource }, "\(String(describing: named.state))")
    _ = waitUntil(timeout: 0.5) { false }
    #expect(tape.count == 0 && named.count == 0)
    let links = try server.run(["pw-link", "-l"]).standardOutput
    #expect(!links.contains("recorder"), "\(links)")
  }

  /// A microphone that comes is found, and one that another program links beside it shuts the gate.
  @Test func aStrangersLinkIsNotHeard() throws {
    let server = try PrivatePipeWire(microphone: true)
    defer { server.stop() }
    let (tape, stream) = try record(server, nil)
    defer { stream.stop() }
    try #require(waitUntil(timeout: 15) { tape.count > 4800 }, "\(String(describing: tape.state))")
    let monitor = "\(PrivatePipeWire.sinkName):monitor_FL"
    let input = try #require(
      try server.run(["pw-link", "-i"]).standardOutput.split(separator: "\n").first { $0.hasPrefix("recorder:") })
    try server.run(["pw-link", monitor, String(input)])
    #expect(waitUntil(timeout: 10) { tape.reason == .starting })
    let before = tape.count
    _ = waitUntil(timeout: 0.4) { false }
    #expect(tape.count == before)
    try server.run(["pw-link", "-d", monitor, String(input)])
    #expect(waitUntil(timeout: 10) { tape.device != nil && tape.count > before + 4800 })
  }
}
