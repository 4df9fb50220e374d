import Glibc
import TestSupport
import Testing

@testable import Leases

@Suite struct LeaseFileTests {
  private let scratch: TemporaryDirectory
  private let file: LeaseFile

  init() throws {
    scratch = try TemporaryDirectory()
    file = LeaseFile(directory: scratch.path + "/state/streamd")
  }

  static let key = LeaseKey(place: "/run/user/1000/pipewire-0", name: "default.configured.audio.sink")
  static let returning = {
    var lease = Lease(key: key, old: nil, shown: "x", new: "y", owner: nil)
    lease.isReturning = true
    return lease
  }()
  static let leases: [Lease] = [
    returning,
    Lease(
      key: key, old: nil, shown: "alsa output", new: "streamd.sink",
      owner: ProcessIdentity(pid: 1, start: 2, boot: "a-b")),
    Lease(key: key, old: "a sink: 100%\nlease x\t\"ü\"", new: "-", owner: nil),
    Lease(key: key, old: "", new: "=", owner: ProcessIdentity(pid: 9, start: .max, boot: "unknown")),
  ]

  private func keep(_ ledger: LeaseLedger) throws {
    try file.locked { held throws(LeaseError) in try held.keep(ledger) }
  }

  private func contents() throws -> (LeaseLedger, LeaseNote?) {
    try file.locked { held throws(LeaseError) in (held.ledger, held.setAside) }
  }

  private func write(_ bytes: [UInt8]) throws {
    let stream = try #require(fopen(file.path, "w"))
    fwrite(bytes, 1, bytes.count, stream)
    fclose(stream)
  }

  @Test func whatIsKeptIsReadBack() throws {
    #expect(!file.exists)
    #expect(try contents() == (LeaseLedger(), nil))
    try keep(LeaseLedger(Self.leases))
    #expect(file.exists)
    #expect(try contents() == (LeaseLedger(Self.leases), nil))
    var status = stat()
    #expect(stat(file.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    try keep(LeaseLedger())
    #expect(!file.exists, "an empty ledger is no file")
    #expect(access(file.path + ".new", F_OK) != 0)
  }

  @Test func eachKindOfDamageIsSetAsideAndReported() throws {
    let good = LeaseLedger(Self.leases).text
    try keep(LeaseLedger(Self.leases))
    let huge = [UInt8](repeating: 0x20, count: 1 << 19)
    var damaged: [[UInt8]] = [[], Array("nonsense\n".utf8), [0xff, 0xfe, 0], huge]
    damaged.append(Array(good.replacing("streamd-leases 1", with: "streamd-leases 2").utf8))
    damaged.append(Array(good.replacing("streamd.sink", with: "streamd.sing").utf8))
    damaged.append(Array((good + "more\n").utf8))
    for bytes in damaged {
      try write(bytes)
      let (ledger, note) = try contents()
      #expect(ledger.isEmpty)
      guard case .setAside(let path, let reason)? = note else {
        Issue.record("not reported: \(bytes.prefix(40))")
        continue
      }
      #expect(!reason.isEmpty && path.hasPrefix(file.path + ".damaged-"))
      #expect(access(path, F_OK) == 0 && !file.exists)
    }
    // And life goes on.
    try keep(LeaseLedger(Self.leases))
    #expect(try contents() == (LeaseLedger(Self.leases), nil))
  }

  /// A file cut at any byte or with any byte changed is never taken for another ledger.
  @Test func noAccidentIsTakenForALedger() throws {
    let good = Array(LeaseLedger(Self.leases).text.utf8)
    for length in 0..<good.count {
      let text = String(decoding: good.prefix(length), as: UTF8.self)
      #expect(throws: LeaseLedger.Damage.self, "cut at \(length)") { try LeaseLedger(text: text) }
    }
    for index in good.indices {
      for change: UInt8 in [1, 0x10, 0x20] {
        var bytes = good
        bytes[index] ^= change
        guard let text = String(validating: bytes, as: UTF8.self) else { continue }
        #expect(throws: LeaseLedger.Damage.self, "byte \(index)") { try LeaseLedger(text: text) }
      }
    }
  }

  @Test func linksDirectoriesAndSpecialFilesAreNotFollowed() throws {
    try keep(LeaseLedger(Self.leases))
    let precious = scratch.path + "/precious"
    #expect(rename(file.path, precious) == 0)
    #expect(symlink(precious, file.path) == 0)
    #expect(try contents().1 != nil)
    #expect(mkdir(file.path, 0o700) == 0)
    #expect(try contents().1 != nil)
    #expect(mkfifo(file.path, 0o600) == 0)
    #expect(try contents().1 != nil)
    #expect(access(precious, F_OK) == 0)
  }

  @Test func damagedFilesAreBounded() throws {
    try keep(LeaseLedger(Self.leases))
    for _ in 0..<12 {
      try write(Array("x".utf8))
      _ = try contents()
    }
    let listing = try Child.run(["ls", file.directory]).standardOutput
    #expect(listing.split(separator: "\n").count { $0.contains("damaged") } == 9)
  }

  @Test func aPlaceThatCannotBeWrittenIsAnError() throws {
    let blocked = LeaseFile(directory: "/proc/streamd")
    #expect { try blocked.locked { held throws(LeaseError) in try held.keep(LeaseLedger(Self.leases)) } } throws: {
      ($0 as? LeaseError)?.code == .unwritable
    }
  }

  @Test func oneProcessAtATime() throws {
    try file.locked { _ throws(LeaseError) in
      // A second opening of the lock is another holder, even here.
      let second = #expect(throws: LeaseError.self) { try file.locked { _ throws(LeaseError) in () } }
      #expect(second?.code == .busy)
    }
  }
}

@Suite struct ProcessIdentityTests {
  @Test func thisProcessLives() {
    let me = ProcessIdentity.current
    #expect(me.pid == getpid() && me.start > 0 && me.isAlive)
  }

  /// The same number, another process.
  @Test func aRecycledNumberIsNotMistaken() {
    var earlier = ProcessIdentity.current
    earlier.start -= 1
    #expect(!earlier.isAlive)
    var beforeReboot = ProcessIdentity.current
    beforeReboot.boot = "another"
    #expect(!beforeReboot.isAlive)
  }

  @Test func aKilledProcessIsDeadEvenBeforeItIsReaped() throws {
    let child = try Child(["sleep", "60"])
    let identity = try #require(ProcessIdentity.living(child.pid))
    #expect(identity.isAlive)
    kill(child.pid, SIGKILL)
    // Its number still names a process, which nobody has waited for.
    #expect(waitUntil(timeout: 5) { !identity.isAlive })
    #expect(kill(child.pid, 0) == 0)
    child.stop()
    #expect(!identity.isAlive)
  }

  @Test func namesMayHoldAnything() {
    let rest = " S " + (4...21).map { "\($0)" }.joined(separator: " ") + " 777 23 24"
    #expect(ProcessIdentity.start(inStat: "5 (a) R 1 2 (b) \(rest)") == 777)
    #expect(ProcessIdentity.start(inStat: "5 (x)" + rest.replacing(" S ", with: " Z ")) == nil)
    #expect(ProcessIdentity.start(inStat: "5 (x) S 1 2") == nil)
    #expect(ProcessIdentity.start(inStat: "") == nil)
  }
}
