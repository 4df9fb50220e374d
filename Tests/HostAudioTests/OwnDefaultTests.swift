import AudioCore
import AudioIO
import Glibc
import Leases
import PipeWireIO
import Synchronization
import TestSupport
import Testing
import Wiring

/// Our source as the user's default microphone, on a real server.
@Suite(.serialized) struct OwnDefaultTests {
  private static let name = "streamd.test-mic"

  private final class Rig {
    let server: PrivatePipeWire
    let backend: PipeWireBackend
    let file: LeaseFile
    let source: any AudioStream
    private(set) var microphone: OwnDefault!
    private let news = Mutex<[OwnDefault.News]>([])
    var choice: any DefaultDeviceChoice { backend.defaultSource }

    init(_ mode: OwnDefaultMode) throws {
      server = try PrivatePipeWire(microphone: true)
      try server.createNode("webcam", mediaClass: "Audio/Source/Virtual", channels: 1)
      backend = try PipeWireBackend(remote: server.remote)
      file = LeaseFile(directory: server.environment["XDG_STATE_HOME"]! + "/streamd")
      source = try backend.open(
        StreamRequest(role: .virtualSource, name: OwnDefaultTests.name, description: "Remote Microphone"),
        client: RenderClient(), events: { _ in })
      try source.start()
      let (choice, source) = (choice, source)
      try #require(waitUntil(timeout: 10) { choice.state.configured == .unset && Self.isRunning(source) })
      begin(mode)
    }

    deinit { source.stop() }

    /// As a daemon that starts does.
    func begin(_ mode: OwnDefaultMode) {
      microphone = OwnDefault(
        policy: OwnDefaultPolicy(device: OwnDefaultTests.name, mode: mode, linger: .milliseconds(500)),
        lease: DefaultDeviceLease(choice: choice, file: file), for: "test",
        say: { [unowned self] item in news.withLock { $0.append(item) } })
    }

    private static func isRunning(_ stream: any AudioStream) -> Bool {
      if case .running = stream.report.state { true } else { false }
    }

    /// Goes on as a daemon does, until the condition holds.
    func run(until condition: () -> Bool) -> Bool {
      waitUntil(timeout: 15) {
        microphone.deviceChanged(isPresent: Self.isRunning(source), at: renderNow())
        microphone.step(at: renderNow())
        return condition()
      }
    }

    func runOn(seconds: Double) {
      let end = monotonicSeconds() + seconds
      _ = run { monotonicSeconds() >= end }
    }

    func isUsed(_ name: String, _ configured: DefaultDeviceState.Choice) -> Bool {
      run { choice.state == DefaultDeviceState(configured: configured, effective: name) }
    }

    var failures: [LeaseError] {
      news.withLock { $0 }.compactMap { if case .failed(let error) = $0 { error } else { nil } }
    }
  }

  @Test func itIsTheDefaultWhileSomebodyTalks() throws {
    let rig = try Rig(.whileConnected)
    rig.runOn(seconds: 1)
    #expect(rig.choice.state == DefaultDeviceState(configured: .unset, effective: PrivatePipeWire.microphoneName))
    for before in [nil, "webcam"] as [String?] {
      if let before { try rig.server.setDefault("source", before) }
      #expect(rig.isUsed(before ?? PrivatePipeWire.microphoneName, before.map { .named($0) } ?? .unset))
      rig.runOn(seconds: 0.6)
      rig.microphone.usersChanged(isAny: true, at: renderNow())
      #expect(rig.isUsed(Self.name, .named(Self.name)))
      // Who asks for no microphone in particular is heard with ours.
      let recorder = try rig.server.start(["pw-record", rig.server.runtimeDirectory + "/default.wav"])
      #expect(waitUntil(timeout: 10) { rig.source.report.users == 1 })
      recorder.stop()
      rig.microphone.usersChanged(isAny: false, at: renderNow())
      #expect(rig.isUsed(before ?? PrivatePipeWire.microphoneName, before.map { .named($0) } ?? .unset))
      #expect(rig.run { !rig.file.exists })
    }
    #expect(rig.failures == [])
  }

  @Test func theUsersNewerChoiceStands() throws {
    let rig = try Rig(.always)
    #expect(rig.isUsed(Self.name, .named(Self.name)))
    #expect(rig.run { rig.microphone.standing == .claimed })
    rig.runOn(seconds: 0.6)
    try rig.server.setDefault("source", "webcam")
    #expect(rig.run { rig.microphone.standing == .yielded && !rig.file.exists })
    rig.runOn(seconds: 1)
    #expect(rig.isUsed("webcam", .named("webcam")))
    rig.microphone.shutdown()
    #expect(rig.isUsed("webcam", .named("webcam")))
  }

  @Test func theChoiceIsBackWhenTheProcessEnds() throws {
    let rig = try Rig(.always)
    try rig.server.setDefault("source", "webcam")
    #expect(rig.isUsed(Self.name, .named(Self.name)))
    rig.microphone.shutdown()
    #expect(rig.choice.state.configured == .named("webcam") && !rig.file.exists)
  }

  @Test(arguments: [OwnDefaultMode.never, .always]) func whatAKilledProcessLeft(mode: OwnDefaultMode) throws {
    let rig = try Rig(.never)
    try rig.server.setDefault("source", "webcam")
    #expect(rig.isUsed("webcam", .named("webcam")))
    let holder = try rig.server.start([
      BuiltProgram.path("lease-holder"), rig.server.remote, rig.file.directory, Self.name, "source", "keep",
    ])
    #expect(waitUntil(timeout: 10) { holder.standardOutput.contains("held") }, "\(holder.standardError)")
    holder.signal(SIGKILL)
    _ = holder.wait(timeout: 5)
    #expect(rig.choice.state.configured == .named(Self.name) && rig.file.exists)
    rig.begin(mode)
    if mode == .always {
      rig.runOn(seconds: 1)
      #expect(rig.microphone.standing == .claimed && rig.file.exists)
      rig.microphone.shutdown()
    }
    #expect(rig.isUsed("webcam", .named("webcam")))
    #expect(rig.run { !rig.file.exists })
  }

  /// The session manager remembers our claim; what is given back after is still the user's.
  @Test func aServerThatRestartsKeepsTheClaim() throws {
    let rig = try Rig(.always)
    try rig.server.setDefault("source", PrivatePipeWire.microphoneName)
    #expect(rig.isUsed(Self.name, .named(Self.name)))
    rig.server.kill(.pipewire)
    #expect(rig.run { rig.choice.state.configured == .unknown })
    try rig.server.restartServer()
    #expect(rig.isUsed(Self.name, .named(Self.name)))
    rig.runOn(seconds: 1)
    #expect(rig.isUsed(Self.name, .named(Self.name)) && rig.microphone.standing == .claimed)
    rig.microphone.shutdown()
    let usual = PrivatePipeWire.microphoneName
    #expect(waitUntil(timeout: 5) { rig.choice.state.effective == usual }, "\(rig.choice.state)")
    #expect(!rig.file.exists)
  }
}
