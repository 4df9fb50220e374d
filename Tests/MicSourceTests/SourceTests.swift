import AudioCore
import AudioIO
import Glibc
import PipeWireIO
import Synchronization
import TestSupport
import Testing

/// Our source as a citizen of the graph.
@Suite(.serialized) struct SourceTests {
  @Test func nobodyTalksIsSilence() throws {
    let rig = try SourceRig(channels: 2)
    rig.talker.hush()
    let recording = try rig.record(channels: 2)
    #expect(recording.channels.allSatisfy { $0.count > 48_000 && $0.allSatisfy { $0 == 0 } })
  }

  /// Present is not recorded, and recorded by a paused recorder is not driven.
  @Test func theReportTellsWhoRecords() throws {
    let rig = try SourceRig()
    #expect(rig.stream.report.users == 0 && !rig.stream.report.isDriven)
    usleep(200_000)
    #expect(rig.stream.report.cycles == 0, "nobody records: nothing is rendered")
    func start(_ number: Int) throws -> Child {
      try rig.server.start(Recorder.pipewire.command(rig.server.runtimeDirectory + "/\(number).wav", channels: 1))
    }
    var recorders: [Child] = []
    for number in 1...3 {
      recorders.append(try start(number))
      #expect(waitUntil(timeout: 10) { rig.stream.report.users == number && rig.stream.report.isDriven })
    }
    for left in [2, 1, 0] {
      recorders.removeLast().stop()
      #expect(waitUntil(timeout: 10) { rig.stream.report.users == left && rig.stream.report.isDriven == (left > 0) })
    }
    #expect(rig.talker.isRunning, "it stays, recorded or not")
    let before = rig.talker.discontinuities.load(ordering: .relaxed)
    recorders = [try start(4)]
    #expect(waitUntil(timeout: 10) { rig.stream.report.isDriven })
    #expect(waitUntil(timeout: 10) { rig.talker.discontinuities.load(ordering: .relaxed) == before + 1 })
    #expect(rig.talker.faults.load(ordering: .relaxed) == 0)
  }

  /// Its slider is the user's: it acts on what is recorded.
  @Test func volumeAndMuteWork() throws {
    let rig = try SourceRig()
    let id = try #require(try rig.server.nodeIdentifier(SourceRig.name))
    // Sliders are cubic: a half is an eighth of the amplitude.
    #expect(try rig.server.run(["wpctl", "set-volume", id, "0.5"]).status == 0)
    try rig.judge(try rig.record(), gain: -18.06)
    #expect(try rig.server.run(["wpctl", "set-mute", id, "1"]).status == 0)
    #expect(try rig.record().channels[0].suffix(24_000).allSatisfy { $0 == 0 })
    #expect(try rig.server.run(["wpctl", "set-mute", id, "0"]).status == 0)
    #expect(try rig.server.run(["wpctl", "set-volume", id, "1.0"]).status == 0)
    try rig.judge(try rig.record())
  }

  @Test func itComesBackWithTheServer() throws {
    let rig = try SourceRig()
    for _ in 0..<3 {
      try rig.judge(try rig.record())
      rig.server.kill(.pipewire)
      #expect(waitUntil(timeout: 10) { !rig.talker.isRunning })
      try rig.server.restartServer()
      #expect(waitUntil(timeout: 2) { rig.talker.isRunning }, "\(rig.talker.states)")
      #expect(try rig.server.nodes().filter { $0 == SourceRig.name }.count == 1)
    }
    try rig.judge(try rig.record(.pulse))
    #expect(rig.talker.faults.load(ordering: .relaxed) == 0)
  }

  /// A recorder's links die with the session manager that made them; the next one links newcomers to our source. What was
  /// linked before has to end first: its node never becomes an item of another session manager, which then links nobody,
  /// with or without us (WirePlumber 0.4).
  @Test func anotherSessionManagerLinksNewRecorders() throws {
    let rig = try SourceRig(devices: false)
    for round in 0..<4 {
      let file = rig.server.runtimeDirectory + "/round-\(round).wav"
      let recorder = try rig.server.start(Recorder.pipewire.command(file, channels: 1))
      #expect(waitUntil(timeout: 10) { rig.stream.report.users == 1 && rig.stream.report.isDriven })
      rig.server.kill(.wirePlumber)
      #expect(waitUntil(timeout: 10) { rig.stream.report.users == 0 })
      recorder.stop()
      try rig.server.restartWirePlumber()
      #expect(waitUntil(timeout: 10) { rig.talker.isRunning })
      try rig.judge(try rig.record())
      #expect(try rig.server.nodes().filter { $0 == SourceRig.name }.count == 1)
    }
    #expect(rig.talker.faults.load(ordering: .relaxed) == 0)
  }

  @Test func itComesBackWhenSomebodyRemovesIt() throws {
    let rig = try SourceRig()
    #expect(try rig.server.run(["pw-cli", "destroy", SourceRig.name]).status == 0)
    #expect(
      waitUntil(timeout: 10) {
        rig.talker.states.contains { if case .waiting(let error) = $0 { error.code == .deviceLost } else { false } }
      }, "\(rig.talker.states)")
    #expect(waitUntil(timeout: 10) { rig.talker.isRunning }, "\(rig.talker.states)")
    try rig.judge(try rig.record())
    rig.stream.stop()
    #expect(try !rig.server.nodes().contains(SourceRig.name))
  }

  /// With or without a real microphone, a priority-less one included: nothing is recorded from us unasked.
  @Test(arguments: [true, false]) func nobodyRecordsItUnasked(hasMicrophone: Bool) throws {
    let rig = try SourceRig(microphone: hasMicrophone)
    if !hasMicrophone {
      try rig.server.createNode("headset", mediaClass: "Audio/Source/Virtual", channels: 1)
    }
    let file = rig.server.runtimeDirectory + "/unasked.wav"
    let recorder = try rig.server.start(["pw-record", file])
    #expect(try waitUntil(timeout: 10) { try rig.server.links().contains { $0.input.hasPrefix("pw-record") } })
    #expect(rig.backend.defaultSource.state.effective != SourceRig.name)
    #expect(rig.stream.report.users == 0)
    recorder.stop()
  }

  @Test func moreThanTwoChannelsAreRefused() throws {
    let rig = try SourceRig()
    let error = #expect(throws: BackendError.self) {
      try rig.backend.open(
        StreamRequest(role: .virtualSource, name: "x", description: "x", layout: .surround51), client: RenderClient(),
        events: { _ in })
    }
    #expect(error?.code == .unsupportedFormat)
  }

  /// Somebody wires the source to the sink to hear themselves: the captures of that sink's players still leave it out.
  @Test func ourCapturesDoNotHearIt() throws {
    let rig = try SourceRig()
    let (beside, refused) = (Listener(), Listener())
    let streams = try rig.backend.open(
      StreamRequest(role: .streams(of: .defaultSink), name: "capture", description: "capture"), client: beside,
      events: { _ in })
    let monitor = try rig.backend.open(
      StreamRequest(role: .monitor(of: .named(SourceRig.name)), name: "wrong", description: "wrong"), client: refused,
      events: { _ in })
    try streams.start()
    try monitor.start()
    for side in ["FL", "FR"] {
      let link = ["pw-link", "\(SourceRig.name):capture_MONO", "\(PrivatePipeWire.sinkName):playback_\(side)"]
      #expect(try rig.server.run(link).status == 0)
    }
    #expect(waitUntil(timeout: 15) { rig.stream.report.users == 1 && rig.stream.report.isDriven })
    let file = rig.server.runtimeDirectory + "/player.wav"
    try TestTone(frequencies: [1499, 1499]).write(to: file, seconds: 3)
    let player = try rig.server.play(file)
    #expect(waitUntil(timeout: 15) { beside.frames.load(ordering: .relaxed) > 96_000 }, "\(streams.report)")
    player.stop()
    streams.stop()
    let heard = beside.recorded
    #expect(ToneAnalysis.level(of: 1499, in: heard, rate: 48000) > -30)
    #expect(ToneAnalysis.level(of: Talker.frequency, in: heard, rate: 48000) < -90)
    guard case .waiting(let error) = monitor.report.state else {
      Issue.record("\(monitor.report.state)")
      return
    }
    #expect(error.code == .notASink && refused.frames.load(ordering: .relaxed) == 0)
    monitor.stop()
  }
}

/// Keeps the first channel of what it hears, two seconds of it.
private final class Listener: RenderClient, @unchecked Sendable {
  private static let capacity = 96_000
  let frames = Atomic<Int>(0)
  private let samples = UnsafeMutablePointer<Float>.allocate(capacity: capacity)
  private var isLoud = false

  deinit { samples.deallocate() }

  override func render(_ cycle: Cycle) {
    let start = frames.load(ordering: .relaxed)
    // From the player's first sample on.
    for frame in 0..<cycle.frames where cycle.input.channel(0)[frame * cycle.input.stride] != 0 { isLoud = true }
    guard isLoud else { return }
    for frame in 0..<max(min(cycle.frames, Self.capacity - start), 0) {
      samples[start + frame] = cycle.input.channel(0)[frame * cycle.input.stride]
    }
    frames.store(start + cycle.frames, ordering: .releasing)
  }

  var recorded: [Float] {
    Array(UnsafeBufferPointer(start: samples, count: min(frames.load(ordering: .acquiring), Self.capacity)))
  }
}
