import AudioCore
import AudioIO
import Glibc
import Leases
import PipeWireIO
import Synchronization
import TestSupport
import Testing
import Wiring

/// The user's default sink: borrowed, and always given back.
@Suite(.serialized) struct DefaultSinkTests {
  private struct Rig {
    let server: PrivatePipeWire
    let backend: PipeWireBackend
    let file: LeaseFile
    var choice: any DefaultSinkChoice { backend.defaultSink }

    init() throws {
      server = try PrivatePipeWire()
      try server.createSink("headphones", channels: 2)
      try server.createSink("ours", channels: 2)
      backend = try PipeWireBackend(remote: server.remote)
      file = LeaseFile(directory: server.environment["XDG_STATE_HOME"]! + "/streamd")
      let choice = backend.defaultSink
      try #require(waitUntil(timeout: 10) { choice.state.configured == .unset })
    }

    func configure(_ name: String) throws {
      try server.setDefaultSink(name)
      #expect(becomes(.sink(name)))
    }

    func becomes(_ configured: DefaultSinkState.Choice) -> Bool {
      waitUntil(timeout: 10) { choice.state.configured == configured }
    }

    /// The session manager writes its state a while after it was told.
    func isRemembered(_ name: String) -> Bool {
      let state = server.environment["XDG_STATE_HOME"]! + "/wireplumber/default-nodes"
      return waitUntil(timeout: 10) {
        (try? Child.run(["grep", "-qx", "default.configured.audio.sink=\(name)", state]).status) == 0
      }
    }

    func holder(keep: Bool) throws -> Child {
      let arguments = [server.remote, file.directory, "ours"] + (keep ? ["keep"] : [])
      return try server.start([BuiltProgram.path("lease-holder")] + arguments)
    }

    func cleanUp(remote: String? = nil) throws -> ProgramResult {
      try server.run([BuiltProgram.path("streamd"), "--cleanup", "--remote", remote ?? server.remote])
    }
  }

  @Test func theChoiceIsReadSetAndRemoved() throws {
    let rig = try Rig()
    let seen = Mutex<[DefaultSinkState]>([])
    rig.choice.observe { state in seen.withLock { $0.append(state) } }
    try rig.choice.choose("headphones")
    #expect(rig.becomes(.sink("headphones")))
    #expect(waitUntil(timeout: 10) { rig.choice.state.effective == "headphones" })
    try rig.choice.choose("not there \"yet\" \\ ü")
    #expect(rig.becomes(.sink("not there \"yet\" \\ ü")))
    try rig.choice.choose(nil)
    #expect(rig.becomes(.unset))
    try rig.configure("headphones")
    #expect(rig.isRemembered("headphones"))
    rig.server.kill(.wirePlumber)
    #expect(rig.becomes(.unknown), "gone is not unset")
    #expect(throws: BackendError.self) { try rig.choice.choose("ours") }
    try rig.server.restartWirePlumber()
    #expect(rig.becomes(.sink("headphones")), "the session manager remembers")
    let configured = seen.withLock { $0.map(\.configured) }
    #expect(configured.first == .unset && configured.contains(.sink("headphones")) && configured.contains(.unknown))
    rig.choice.observe(nil)
  }

  @Test func theLastHolderGivesBack() throws {
    let rig = try Rig()
    try rig.configure("headphones")
    let lease = DefaultSinkLease(choice: rig.choice, file: rig.file)
    #expect(try lease.acquire("ours", for: "tv") == [])
    #expect(rig.becomes(.sink("ours")))
    #expect(rig.file.exists)
    #expect(try lease.acquire("ours", for: "tablet") == [])
    #expect(try lease.release("ours", for: "tv") == [])
    #expect(try lease.release("ours", for: "tv") == [])
    #expect(rig.choice.state.configured == .sink("ours"))
    _ = try lease.release("ours", for: "tablet")
    #expect(rig.becomes(.sink("headphones")))
    #expect(try waitUntil(timeout: 5) { try !lease.step(at: renderNow()).isEmpty || !rig.file.exists })
    #expect(!rig.file.exists)
  }

  /// The session manager follows the last of its past choices while none is set, and our sink is one of them.
  @Test func whatWasHeardIsHeardAgainThoughOurSinkStays() throws {
    let rig = try Rig()
    let lease = DefaultSinkLease(choice: rig.choice, file: rig.file)
    for _ in 0..<2 {
      _ = try lease.acquire("ours", for: "tv")
      #expect(waitUntil(timeout: 10) { rig.choice.state.effective == "ours" })
      _ = try lease.release("ours", for: "tv")
      #expect(waitUntil(timeout: 10) { rig.choice.state.effective == PrivatePipeWire.sinkName })
      #expect(rig.becomes(.unset))
    }
    #expect(try rig.server.nodes().contains("ours"))
  }

  /// The session manager is restarted while we hold the lease, and gone when we give it back.
  @Test func aLeaseOutlivesTheSessionManager() throws {
    let rig = try Rig()
    let lease = DefaultSinkLease(choice: rig.choice, file: rig.file)
    _ = try lease.acquire("ours", for: "tv")
    #expect(rig.becomes(.sink("ours")))
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
  @Test(arguments: ["headphones", nil] as [String?]) func killedAtAnyMoment(before: String?) throws {
    let rig = try Rig()
    if let before { try rig.configure(before) }
    let expected: DefaultSinkState.Choice = before.map { .sink($0) } ?? .unset
    for round in 0..<25 {
      let holder = try rig.holder(keep: false)
      #expect(waitUntil(timeout: 10) { holder.standardOutput.contains("ready") }, "\(holder.standardError)")
      usleep(UInt32.random(in: 0..<30_000))
      #expect(holder.status == nil, "\(holder.standardError)")
      holder.signal(SIGKILL)
      _ = holder.wait(timeout: 5)
      let result = try rig.cleanUp()
      #expect(result.status == 0, "\(result)")
      #expect(rig.becomes(expected), "round \(round): \(rig.choice.state), \(result)")
      let heard = before ?? PrivatePipeWire.sinkName
      #expect(waitUntil(timeout: 10) { rig.choice.state.effective == heard }, "round \(round): \(rig.choice.state)")
      #expect(!rig.file.exists)
    }
  }

  @Test func cleanUpSaysWhatItDid() throws {
    let rig = try Rig()
    #expect(try rig.cleanUp().standardOutput == "nothing to undo\n")
    try rig.configure("headphones")
    let holder = try rig.holder(keep: true)
    #expect(waitUntil(timeout: 10) { holder.standardOutput.contains("held") }, "\(holder.standardError)")
    // A lease of a living process is nobody else's business.
    let early = try rig.cleanUp()
    #expect(early.status == 0 && early.standardOutput.contains("1 leases of running processes"), "\(early)")
    #expect(rig.choice.state.configured == .sink("ours"))
    holder.signal(SIGKILL)
    _ = holder.wait(timeout: 5)
    // Without a server nothing is lost.
    let alone = try rig.cleanUp(remote: rig.server.runtimeDirectory + "/no")
    #expect(alone.status == 0 && rig.file.exists, "another server's leases are not this one's: \(alone)")
    rig.server.kill(.pipewire)
    let unheard = try rig.cleanUp()
    #expect(unheard.status == 1 && unheard.standardError.contains("keeps them") && rig.file.exists, "\(unheard)")
    try rig.server.restartServer()
    try rig.server.createSink("headphones", channels: 2)
    let result = try rig.cleanUp()
    #expect(result.status == 0, "\(result)")
    #expect(!rig.file.exists)
    #expect(result.standardOutput.contains("default.configured.audio.sink"), "\(result)")
    #expect(rig.becomes(.sink("headphones")) || rig.choice.state.configured == .unset)
  }

  @Test func theUsersNewerChoiceIsLeftAlone() throws {
    let rig = try Rig()
    let holder = try rig.holder(keep: true)
    #expect(waitUntil(timeout: 10) { holder.standardOutput.contains("held") }, "\(holder.standardError)")
    try rig.configure("headphones")
    holder.signal(SIGKILL)
    _ = holder.wait(timeout: 5)
    let result = try rig.cleanUp()
    #expect(result.status == 0 && result.standardOutput.contains("was set to \"headphones\" after us"), "\(result)")
    #expect(rig.choice.state.configured == .sink("headphones"))
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
    #expect(rig.becomes(.sink("headphones")), "\(daemon.standardError)")
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
    #expect(rig.choice.state.configured == .sink("headphones"))
  }
}
