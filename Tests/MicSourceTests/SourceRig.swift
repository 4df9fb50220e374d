import AudioCore
import AudioIO
import Glibc
import PipeWireIO
import Synchronization
import TestSupport
import Testing

/// A steady sine for a source of ours, with what may go wrong on the way counted.
final class Talker: RenderClient, @unchecked Sendable {
  static let frequency = 997.0
  /// In dBFS.
  static let level = -20.0
  let frames = Atomic<Int>(0)
  let longest = Atomic<Int>(0)
  let discontinuities = Atomic<Int>(0)
  /// Calls that do not continue the one before and do not say so.
  let faults = Atomic<Int>(0)
  private let isTalking = Atomic<Bool>(true)
  private let log = Mutex<[StreamEvent]>([])
  // Render thread.
  private var next: Int64?
  private var place = 0

  override func render(_ cycle: Cycle) {
    let isNew = cycle.flags.contains(.discontinuity)
    if isNew { discontinuities.add(1, ordering: .relaxed) }
    if let next, cycle.position < next || (cycle.position != next && !isNew) { faults.add(1, ordering: .relaxed) }
    if cycle.quantum <= 0 || cycle.time.nanoseconds <= 0 { faults.add(1, ordering: .relaxed) }
    next = cycle.position + Int64(cycle.frames)
    if cycle.frames > longest.load(ordering: .relaxed) { longest.store(cycle.frames, ordering: .relaxed) }
    frames.add(cycle.frames, ordering: .relaxed)
    guard isTalking.load(ordering: .relaxed) else { return }
    for frame in 0..<cycle.frames {
      // Every second begins alike: 997 periods fit.
      let sample = Float(0.1 * sin(2 * Double.pi * Self.frequency * Double(place) / 48000))
      place = (place + 1) % 48000
      for channel in 0..<cycle.output.channelCount { cycle.output.channel(channel)[frame] = sample }
    }
  }

  func hush() { isTalking.store(false, ordering: .relaxed) }

  func heard(_ event: StreamEvent) { log.withLock { $0.append(event) } }
  var states: [StreamState] { log.withLock { $0 }.compactMap { if case .state(let state) = $0 { state } else { nil } } }
  var isRunning: Bool { if case .running = states.last { true } else { false } }
}

typealias Recorder = SourceRecorder

extension SourceRecorder {
  func command(_ file: String, channels: Int, seconds: Double = 2) -> [String] {
    command(file, source: SourceRig.name, description: SourceRig.description, channels: channels, seconds: seconds)
  }
}

/// A source of ours on a server of its own, with a microphone beside it and PulseAudio's clients served.
final class SourceRig {
  static let name = "streamd.test-mic"
  static let description = "Remote Microphone (Living-room TV)"

  let server: PrivatePipeWire
  let backend: PipeWireBackend
  let talker = Talker()
  let stream: any AudioStream
  private var pulse: Child?
  private var recordings = 0

  /// - Parameter devices: whether the server has a sink and, if asked for, a microphone of its own. These outlive a session
  ///   manager, and with them there its successor links nobody (WirePlumber 0.4).
  init(channels: Int = 1, microphone: Bool = true, devices: Bool = true) throws {
    server = try PrivatePipeWire(sinkChannels: devices ? 2 : 0, microphone: microphone && devices)
    backend = try PipeWireBackend(remote: server.remote)
    stream = try backend.open(
      StreamRequest(
        role: .virtualSource, name: Self.name, description: Self.description, layout: ChannelLayout(channels: channels)),
      client: talker, events: { [talker] in talker.heard($0) })
    try stream.start()
    try #require(waitUntil(timeout: 15) { talker.isRunning }, "\(talker.states)")
  }

  deinit {
    stream.stop()
    pulse?.stop()
    server.stop()
  }

  var environment: [String: String] {
    server.environment.merging(["PULSE_SERVER": "unix:\(server.runtimeDirectory)/pulse/native"]) { $1 }
  }

  func startPulse() throws {
    pulse?.stop()
    pulse = try server.start(["pipewire-pulse"])
    try #require(waitUntil(timeout: 10) { (try? run(["pactl", "info"]).status) == 0 })
  }

  func run(_ command: [String]) throws -> ProgramResult { try Child.run(command, environment: environment) }

  /// Records for so many seconds of what our source renders, and returns what is in the file.
  func record(_ recorder: Recorder = .pipewire, seconds: Double = 2, channels: Int = 1) throws -> WaveFile {
    if recorder == .pulse { try startPulse() }
    recordings += 1
    let file = server.runtimeDirectory + "/heard-\(recordings).wav"
    let goal = talker.frames.load(ordering: .relaxed) + Int(seconds * 48000)
    let child = try Child(recorder.command(file, channels: channels, seconds: seconds), environment: environment)
    let isDone = waitUntil(timeout: seconds + 15) {
      talker.frames.load(ordering: .relaxed) >= goal || child.status != nil
    }
    if recorder != .jack { child.signal(SIGINT) }
    _ = child.wait(timeout: 10)
    #expect(isDone && talker.frames.load(ordering: .relaxed) >= goal, "\(recorder): \(child.standardError)")
    #expect(waitUntil(timeout: 5) { !stream.report.isDriven })
    return try WaveFile(reading: file)
  }

  /// Whether every channel of a recording is what the talker said.
  func judge(_ recording: WaveFile, gain: Double = 0, _ place: SourceLocation = #_sourceLocation) throws {
    #expect(recording.rate == 48000, sourceLocation: place)
    for channel in recording.channels {
      let verdict = try #require(
        ToneVerdict(of: channel, frequency: Talker.frequency), "\(channel.count) frames", sourceLocation: place)
      #expect(abs(verdict.level - Talker.level - gain) < 0.3, "\(verdict)", sourceLocation: place)
      #expect(verdict.residual < -60, "\(verdict)", sourceLocation: place)
    }
  }
}
