import AudioCore
import AudioIO
import Glibc
import Leases
import PipeWireIO
import Synchronization
import TestSupport
import Testing
import Wiring

/// The user's default sink and source: borrowed, and always given back.
@Suite(.serialized) struct DefaultDeviceTests {
  private struct Rig {
    let device: DefaultDevice
    let server: PrivatePipeWire
    let backend: PipeWireBackend
    let file: LeaseFile
    let choice: any DefaultDeviceChoice
    /// What the session manager takes when nothing is chosen.
    var usual: String { device == .sink ? PrivatePipeWire.sinkName : PrivatePipeWire.microphoneName }

    init(_ device: DefaultDevice = .sink) throws {
      self.device = device
      server = try PrivatePipeWire(microphone: device == .source)
      backend = try PipeWireBackend(remote: server.remote)
      file = LeaseFile(directory: server.environment["XDG_STATE_HOME"]! + "/streamd")
      choice = device == .sink ? backend.defaultSink : backend.defaultSource
      for name in ["headphones", "ours"] { try create(name) }
      let choice = choice
      try #require(waitUntil(timeout: 10) { choice.state.configured == .unset })
    }

    func create(_ name: String) throws {
      try server.createNode(
        name, mediaClass: device == .sink ? "Audio/Sink" : "Audio/Source/Virtual", channels: 2)
    }

    func configure(_ name: String) throws {
      try server.setDefault(device.rawValue, name)
      #expect(becomes(.named(name)))
    }

    func becomes(_ configured: DefaultDeviceState.Choice) -> Bool {
      waitUntil(timeout: 10) { choice.state.configured == configured }
    }

    /// The session manager writes its state a while after it was told.
    func isRemembered(_ name: String) -> Bool {
      let state = server.environment["XDG_STATE_HOME"]! + "/wireplumber/default-nodes"
      return waitUntil(timeout: 10) {
        (try? Child.run(["grep", "-qx", "default.configured.audio.\(device.rawValue)=\(name)", state]).status) == 0
      }
    }

    func holder(keep: Bool) throws -> Child {
      let arguments = [server.remote, file.directory, "ours", device.rawValue] + (keep ? ["keep"] : [])
      return try server.start([BuiltProgram.path("lease-holder")] + arguments)
    }

    func cleanUp(remote: String? = nil) throws -> ProgramResult {
      try server.run([BuiltProgram.path("streamd"), "--cleanup", "--remote", remote ?? server.remote])
    }
  }

  @Test(arguments: DefaultDevice.allCases) func theChoiceIsReadSetAndRemoved(device: DefaultDevice) throws {
    let rig = try Rig(device)
    let seen = Mutex<[DefaultDeviceState]>([])
    rig.choice.observe { state in seen.withLock { $0.append(state) } }
    try rig.choice.choose("headphones")
    #expect(rig.becomes(.named("headphones")))
    #expect(waitUntil(timeout: 10) { rig.choice.state.effective == "headphones" })
    try rig.choice.choose("not there \"yet\" \\ ü")
    #expect(rig.becomes(.named("not there \"yet\" \\ ü")))
    try rig.choice.choose(nil)
    #expect(rig.becomes(.unset))
    try rig.configure("headphones")
    #expect(rig.isRemembered("headphones"))
    rig.server.kill(.wirePlumber)
    #expect(rig.becomes(.unknown), "gone is not unset")
    #expect(throws: BackendError.self) { try rig.choice.choose("ours") }
    try rig.server.restartWirePlumber()
    #expect(rig.becomes(.named("headphones")), "the session manager remembers")
    let configured = seen.withLock { $0.map(\.configured) }
    #expect(configured.first == .unset && configured.contains(.named("headphones")) && configured.contains(.unknown))
    rig.choice.observe(nil)
  }

  @Test(arguments: DefaultDevice.allCases) func theLastHolderGivesBack(device: DefaultDevice) throws {
    let rig = try Rig(device)
    try rig.configure("headphones")
    let lease = DefaultDeviceLease(choice: rig.choice, file: rig.file)
    #expect(try lease.acquire("ours", for: "tv") == [])
    #expect(rig.becomes(.named("ours")))
    #expect(rig.file.exists)
    #expect(try lease.acquire("ours", for: "tablet") == [])
    #expect(try lease.release("ours", for: "tv") == [])
    #expect(try lease.release("ours", for: "tv") == [])
    #expect(rig.choice.state.configured == .named("ours"))
    _ = try lease.release("ours", for: "tablet")
    #expect(rig.becomes(.named("headphones")))
    #expect(try waitUntil(timeout: 5) { try !lease.step(at: renderNow()).isEmpty || !rig.file.exists })
    #expect(!rig.file.exists)
  }

  /// The session manager follows the last of its past choices while none is set, and ours is one of them.
  @Test(arguments: DefaultDevice.allCases) func whatWasUsedIsUsedAgainThoughOursStays(device: DefaultDevice) throws {
    let rig = try Rig(device)
    let lease = DefaultDeviceLease(choice: rig.choice, file: rig.file)
    for _ in 0..<2 {
      _ = try lease.acquire("ours", for: "tv")
      #expect(waitUntil(timeout: 10) { rig.choice.state.effective == "ours" })
      _ = try lease.release("ours", for: "tv")
      #expect(waitUntil(timeout: 10) { rig.choice.state.effective == rig.usual })
      #expect(rig.becomes(.unset))
    }
    #expect(try rig.server.nodes().contains("ours"))
  }

  /// The session manager is restarted while we hold the lease, and gone when we give it back.
  @Test(arguments: DefaultDevice.allCases) func aLeaseOutlivesTheSessionManager(device: DefaultDevice) throws {
    let rig = try Rig(device)
    let lease = DefaultDeviceLease(choice: rig.choice, file: rig.file)
    _ = try lease.acquire("ours", for: "tv")
    #expect(rig.becomes(.named("ours")))
    #expect(rig.isRemembered("ours"))
    rig.server.kill(.wirePlumber)
    #expect(rig.becomes(.unknown))
    #expect(try lease.release("ours", for: "tv") == [])
    #expect(rig.file.exists)
    try rig.server.restartWirePlumber()
    #expect(
      try waitUntil(timeout: 10) {
        _ = try lease.step(at: renderNow())
        return !rig.file.exists
      })
    #expect(rig.choice.state.configured == .unset)
  }

  /// Killed at any moment of taking and giving back: a clean-up restores what was before.
  @Test(arguments: DefaultDevice.allCases, Breadth.of(["headphones", nil] as [String?], brief: ["headphones"]))
  func killedAtAnyMoment(device: DefaultDevice, before: String?) throws {
    let rig = try Rig(device)
    if let before { try rig.configure(before) }
    let expected: DefaultDeviceState.Choice = before.map { .named($0) } ?? .unset
    // The long form belongs to `make soak`.
    for round in 0..<Breadth.rounds(short: 2, long: 25) {
      let holder = try rig.holder(keep: false)
      #expect(waitUntil(timeout: 10) { holder.standardOutput.contains("ready") }, "\(holder.standardError)")
      usleep(UInt32.random(in: 0..<30_000))
      #expect(holder.status == nil, "\(holder.standardError)")
      holder.signal(SIGKILL)
      _ = holder.wait(timeout: 5)
      let result = try rig.cleanUp()
      #expect(result.status == 0, "\(result)")
      #expect(rig.becomes(expected), "round \(round): \(rig.choice.state), \(result)")
      let heard = before ?? rig.usual
      #expect(waitUntil(timeout: 10) { rig.choice.state.effective == heard }, "round \(round): \(rig.choice.state)")
      #expect(!rig.file.exists)
    }
  }

  @Test(arguments: Breadth.of(DefaultDevice.allCases, brief: [.sink])) func cleanUpSaysWhatItDid(device: DefaultDevice)
    throws
  {
    let rig = try Rig(device)
    #expect(try rig.cleanUp().standardOutput == "nothing to undo\n")
    try rig.configure("headphones")
    let holder = try rig.holder(keep: true)
    #expect(waitUntil(timeout: 10) { holder.standardOutput.contains("held") }, "\(holder.standardError)")
    // A lease of a living process is nobody else's business.
    let early = try rig.cleanUp()
    #expect(early.status == 0 && early.standardOutput.contains("1 leases of running processes"), "\(early)")
    #expect(rig.choice.state.configured == .named("ours"))
    holder.signal(SIGKILL)
    _ = holder.wait(timeout: 5)
    // Without a server nothing is lost.
    let alone = try rig.cleanUp(remote: rig.server.runtimeDirectory + "/no")
    #expect(alone.status == 0 && rig.file.exists, "another server's leases are not this one's: \(alone)")
    rig.server.kill(.pipewire)
    // Which waits long enough for a server that is about to come.
    if Breadth.isLong {
      let unheard = try rig.cleanUp()
      #expect(unheard.status == 1 && unheard.standardError.contains("keeps them") && rig.file.exists, "\(unheard)")
    }
    try rig.server.restartServer()
    try rig.create("headphones")
    let result = try rig.cleanUp()
    #expect(result.status == 0, "\(result)")
    #expect(!rig.file.exists)
    #expect(result.standardOutput.contains("default.configured.audio.\(device.rawValue)"), "\(result)")
    #expect(
      waitUntil(timeout: 10) { [.named("headphones"), .unset].contains(rig.choice.state.configured) },
      "\(rig.choice.state)")
  }

  @Test(arguments: DefaultDevice.allCases) func theUsersNewerChoiceIsLeftAlone(device: DefaultDevice) throws {
    let rig = try Rig(device)
    let holder = try rig.holder(keep: true)
    #expect(waitUntil(timeout: 10) { holder.standardOutput.contains("held") }, "\(holder.standardError)")
    try rig.configure("headphones")
    holder.signal(SIGKILL)
    _ = holder.wait(timeout: 5)
    let result = try rig.cleanUp()
    #expect(result.status == 0 && result.standardOutput.contains("was set to \"headphones\" after us"), "\(result)")
    #expect(rig.choice.state.configured == .named("headphones"))
    #expect(!rig.file.exists)
  }

  /// A daemon that starts undoes what an earlier one left, without being asked.
  @Test func theDaemonUndoesAtItsStart() throws {
    let rig = try Rig()
    try rig.configure("headphones")
    let holder = try rig.holder(keep: true)
    #expect(waitUntil(timeout: 10) { holder.standardOutput.contains("held") }, "\(holder.standardError)")
    holder.signal(SIGKILL)
    _ = holder.wait(timeout: 5)
    let daemon = try rig.server.start([
      BuiltProgram.path("streamd"), "--remote", rig.server.remote, "--socket", rig.server.runtimeDirectory + "/control",
    ])
    #expect(rig.becomes(.named("headphones")), "\(daemon.standardError)")
    #expect(waitUntil(timeout: 5) { !rig.file.exists })
    #expect(daemon.stop() == 0)
  }

  @Test func aDamagedLedgerIsReportedNotObeyed() throws {
    let rig = try Rig()
    try rig.configure("headphones")
    #expect(try Child.run(["mkdir", "-p", rig.file.directory]).status == 0)
    let stream = try #require(fopen(rig.file.path, "w"))
    fputs("streamd-leases 1\nlease half", stream)
    fclose(stream)
    let result = try rig.cleanUp()
    #expect(result.status == 0 && result.standardOutput.contains("was set aside as"), "\(result)")
    #expect(rig.choice.state.configured == .named("headphones"))
  }
}
