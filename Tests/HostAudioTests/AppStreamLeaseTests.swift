import AudioCore
import AudioIO
import Glibc
import Leases
import PipeWireIO
import TestSupport
import Testing
import Wiring

/// Where applications play, and how loud: borrowed, and always given back.
@Suite(.serialized) struct AppStreamLeaseTests {
  private final class Rig {
    let server: PrivatePipeWire
    let backend: PipeWireBackend
    let file: LeaseFile
    let player: Child
    let stream: AppStream
    private let directory: TemporaryDirectory
    var book: any AppStreamBook { backend.appStreams }

    init() throws {
      server = try PrivatePipeWire()
      try server.createSink("other", channels: 2)
      directory = try TemporaryDirectory()
      let tone = directory.path + "/tone.wav"
      try TestTone(channels: 2).write(to: tone, seconds: 60)
      file = LeaseFile(directory: server.environment["XDG_STATE_HOME"]! + "/streamd", .passing)
      backend = try PipeWireBackend(remote: server.remote)
      let book = backend.appStreams
      var found: AppStream?
      var player = try server.start(["pw-cat", "--playback", tone])
      // WirePlumber 0.4 may overlook a player that comes while it is busy.
      for _ in 0..<4 {
        let isThere = waitUntil(timeout: 3) {
          found = book.streams?.first { !$0.sinks.isEmpty && !$0.volumes.isEmpty && $0.isComplete }
          return found != nil && book.isReady
        }
        if isThere { break }
        player.stop()
        player = try server.start(["pw-cat", "--playback", tone])
      }
      self.player = player
      stream = try #require(found)
    }

    deinit { player.stop() }

    var now: AppStream? { book.streams?.first { $0.id == stream.id } }

    func becomes(target: String?, sink: String, volumes: [Float]) -> Bool {
      waitUntil(timeout: 10) {
        guard let now else { return false }
        return now.target.object == target && now.sinks == [sink] && now.volumes == volumes
      }
    }

    func settles(_ lease: AppStreamLease) throws -> Bool {
      try waitUntil(timeout: 10) {
        _ = try lease.step()
        return !file.exists
      }
    }

    func holder(again: Bool) throws -> Child {
      try server.start(
        [BuiltProgram.path("lease-holder"), server.remote, file.directory, "pw-cat", "stream", "other"]
          + (again ? ["again"] : []))
    }
  }

  @Test func takenAndGivenBack() throws {
    let rig = try Rig()
    let lease = AppStreamLease(book: rig.book, file: rig.file)
    let id = rig.stream.id
    #expect(try lease.make([.init(id, sink: "other", volumes: [0.5, 0.25])]) == [])
    #expect(rig.file.exists)
    #expect(rig.becomes(target: "other", sink: "other", volumes: [0.5, 0.25]))
    // One value after another, the last before the first shows.
    for level in 1...9 { #expect(try lease.make([.init(id, volumes: [Float(level) / 16, 0.5])]) == []) }
    #expect(rig.becomes(target: "other", sink: "other", volumes: [0.5625, 0.5]))
    try lease.release(volumesOf: [id])
    #expect(rig.becomes(target: "other", sink: "other", volumes: [1, 1]))
    try lease.release(routesOf: [id])
    #expect(rig.becomes(target: nil, sink: PrivatePipeWire.sinkName, volumes: [1, 1]))
    #expect(try rig.settles(lease))
    let gone = AppStream.ID(node: 9999, serial: 1)
    #expect(try lease.make([.init(gone, sink: "other")]).map(\.error.code) == [.streamGone])
  }

  /// What the user has set meanwhile stays.
  @Test func newerChoicesStay() throws {
    let rig = try Rig()
    let lease = AppStreamLease(book: rig.book, file: rig.file)
    let id = rig.stream.id
    #expect(try lease.make([.init(id, sink: "other", volumes: [0.5, 0.5])]) == [])
    #expect(rig.becomes(target: "other", sink: "other", volumes: [0.5, 0.5]))
    try rig.book.setVolumes(id, [0.75, 0.75])
    try rig.server.run(["pw-metadata", "\(id.node)", "target.object", PrivatePipeWire.sinkName])
    let usual = PrivatePipeWire.sinkName
    let newer = { rig.becomes(target: usual, sink: usual, volumes: [0.75, 0.75]) }
    #expect(newer())
    try lease.releaseAll()
    let notes = try lease.step()
    #expect(notes.count == 2 && notes.allSatisfy { if case .newerChoice = $0 { true } else { false } })
    #expect(try rig.settles(lease))
    #expect(newer())
  }

  /// Killed with a lease in its hands: a clean-up restores what was before, also in one go with other leases.
  @Test func killedHolderIsUndone() throws {
    let rig = try Rig()
    let holder = try rig.holder(again: false)
    try #require(waitUntil(timeout: 10) { holder.standardOutput.contains("held") }, "\(holder.standardError)")
    #expect(rig.becomes(target: "other", sink: "other", volumes: [0.25, 0.25]))
    let living = AppStreamLease(book: rig.book, file: rig.file)
    #expect(try living.step().isEmpty && rig.file.exists, "its owner lives")
    holder.signal(SIGKILL)
    _ = holder.wait(timeout: 5)
    let result = try rig.server.run([BuiltProgram.path("streamd"), "--cleanup", "--remote", rig.server.remote])
    #expect(result.status == 0, "\(result)")
    #expect(rig.becomes(target: nil, sink: PrivatePipeWire.sinkName, volumes: [1, 1]), "\(result)")
    #expect(!rig.file.exists)
  }

  @Test func killedAtAnyMoment() throws {
    let rig = try Rig()
    for round in 0..<Breadth.rounds(short: 3, long: 50) {
      let holder = try rig.holder(again: true)
      try #require(waitUntil(timeout: 10) { holder.standardOutput.contains("ready") }, "\(holder.standardError)")
      usleep(UInt32.random(in: 0..<30_000))
      #expect(holder.status == nil, "\(holder.standardError)")
      holder.signal(SIGKILL)
      _ = holder.wait(timeout: 5)
      let found = try undoStaleLeases(on: rig.book, file: rig.file, timeout: .seconds(5))
      #expect(found.left == 0, "\(found)")
      #expect(
        rig.becomes(target: nil, sink: PrivatePipeWire.sinkName, volumes: [1, 1]),
        "round \(round): \(String(describing: rig.now)) \(found)")
      #expect(!rig.file.exists)
    }
  }

  /// A server that has ended took its streams with it.
  @Test func nothingIsLeftOfAServerThatHasEnded() throws {
    let rig = try Rig()
    let lease = AppStreamLease(book: rig.book, file: rig.file)
    #expect(try lease.make([.init(rig.stream.id, sink: "other", volumes: [0.5, 0.5])]) == [])
    #expect(rig.becomes(target: "other", sink: "other", volumes: [0.5, 0.5]))
    rig.player.stop()
    try rig.server.restartServer()
    #expect(waitUntil(timeout: 10) { rig.book.isReady && rig.book.streams != nil })
    try lease.releaseAll()
    #expect(try lease.step() == [])
    #expect(try rig.settles(lease))
  }
}
