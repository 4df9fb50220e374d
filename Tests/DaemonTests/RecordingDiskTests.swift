import AudioCore
import CLinux
import Control
import Glibc
import TestSupport
import Testing

/// Whether file systems can be mounted where nobody else sees it.
private let mayMount =
  (try? Child.run(["unshare"] + namespace + ["mount", "-t", "tmpfs", "none", "/mnt"]))?.status == 0

private let namespace = geteuid() == 0 ? ["-m", "--propagation", "private"] : ["-rm"]

extension DaemonTests {
  /// Disks as they are when they are full, or not to be written to, under a daemon that records. The samples say when they were
  /// due, so what is kept says itself where it belongs.
  @Suite(.serialized, .enabled(if: mayMount, "no mounts of one's own here")) struct RecordingDiskTests {
    private final class Rig {
      let card: SoftCard
      let daemon: DaemonUnderTest
      let folder = try! TemporaryDirectory()
      private let watcher: ControlClient

      /// A daemon with a disk of 4 MiB of its own, and a second of memory.
      init(settings: String = "") throws {
        card = try SoftCard(format: .float32)
        card[.clocked] = 1
        let config = folder.path + "/config.toml"
        let disk = folder.path + "/disk"
        mkdir(disk, 0o755)
        let file = try #require(fopen(config, "w"))
        fputs("[recording]\nbuffer = 1\n" + settings.replacing("@DISK@", with: disk), file)
        fclose(file)
        daemon = try DaemonUnderTest(
          on: nil, arguments: ["--remote", "/nonexistent/pipewire", "--config", config],
          environment: ["ALSA_CONFIG_PATH": card.configuration],
          through: ["unshare"] + namespace + [
            "sh", "-c", "mount -t tmpfs -o size=4m none \"$0\" && exec \"$@\"", disk,
          ])
        watcher = try ControlClient(path: daemon.socket)
        _ = try watcher.request("subscribe", ["topics": ["stream_error", "stream_gap", "stream_chunk_full"]])
      }

      /// The disk as others reach it.
      var disk: String { "/proc/\(daemon.pid)/root\(folder.path)/disk" }

      func start() throws {
        _ = try daemon.client.request(
          "stream_start",
          [
            "uri": "stream://full", "device": "alsa:card", "path": .string(folder.path + "/disk/take"),
            "chunk_bytes": 131_072,
          ], timeout: .seconds(20))
      }

      func stats(_ name: String) throws -> Int {
        try daemon.client.request("stream_stats")["streams"]?[0]?[name]?.intValue ?? -1
      }

      func reach(_ name: String, _ value: Int) throws -> Bool {
        try waitUntil(timeout: 20) { try stats(name) >= value }
      }

      func event(_ topic: String, where fits: (JSON) -> Bool = { _ in true }) throws -> JSON? {
        let end = monotonicSeconds() + 15
        while monotonicSeconds() < end {
          if let event = try watcher.nextEvent(timeout: .seconds(1)), event.topic == topic, fits(event.data) {
            return event.data
          }
        }
        return nil
      }

      /// Does something to the daemon's own mounts.
      func mounts(_ script: String) throws -> Bool {
        let own = geteuid() == 0 ? [] : ["-U", "--preserve-credentials"]
        return try Child.run(
          ["nsenter", "-t", "\(daemon.pid)", "-m"] + own + ["sh", "-c", script, folder.path + "/disk"]
        ).status == 0
      }

      /// Stops; what was kept, and its gaps.
      func finish() throws -> (last: JSON, sound: ClockedSound, gaps: [(position: Int, length: Int)]) {
        let last = try daemon.client.request("stream_stop", ["uri": "full"], timeout: .seconds(20))
        let take = disk + "/take"
        let shown = try JSON.parse(try daemon.streamctl(["record", "show", take, "--verify", "--json"]).standardOutput)
        #expect(shown["broken"]?.arrayValue?.isEmpty == true)
        let gaps = (shown["gaps"]?.arrayValue ?? []).map {
          (position: $0["position"]?.intValue ?? 0, length: $0["frames"]?.intValue ?? 0)
        }
        let cut = try Child.run([
          "sh", "-c", "exec \"$0\" record slice \"$1\" --last 1000000 > \"$2\"", Products.streamctl, take,
          folder.path + "/raw",
        ])
        try #require(cut.status == 0, "\(cut.standardError)")
        return (last, try ClockedSound(folder.path + "/raw", channels: 2, gaps: gaps), gaps)
      }
    }

    /// Full for longer than the memory lasts: told at once, one gap as long as what was lost, and no break of the device's.
    @Test func aDiskThatIsReallyFull() throws {
      let rig = try Rig()
      try rig.start()
      #expect(try rig.reach("saved_frames", 9600))
      let filler = rig.disk + "/filler"
      // Nothing is left, not even for the chunk to come.
      _ = try Child.run(["sh", "-c", "cat /dev/zero > \"$0\" 2>/dev/null", filler])
      let error = try rig.event("stream_error")
      #expect(error?["code"] == "disk_full" && error?["recovered"] == false, "\(String(describing: error))")
      #expect(try rig.reach("dropped_frames", 4800))
      unlink(filler)
      #expect(try rig.event("stream_error")?["recovered"] == true)
      let gap = try rig.event("stream_gap")
      #expect(gap?["cause"] == "disk")
      #expect(try rig.reach("saved_frames", try rig.stats("frames") + 4800))
      #expect(try rig.stats("xruns") == 0)
      let (last, sound, gaps) = try rig.finish()
      #expect(last["saved"] == true && gaps.count == 1)
      #expect(
        gaps.first?.length == last["stats"]?["dropped_frames"]?.intValue
          && gaps.first?.length == gap?["frames"]?.intValue)
      #expect(sound.pieces.count == 2 && sound.apart <= 2, "\(sound.pieces)")
    }

    /// A folder that may not be written to for a while: what memory holds covers it.
    @Test func aFolderThatIsReadOnlyForAWhile() throws {
      let rig = try Rig()
      try rig.start()
      #expect(try rig.reach("saved_frames", 12_000))
      #expect(try rig.mounts("mount --bind \"$0/take\" \"$0/take\" && mount -o remount,bind,ro \"$0/take\""))
      let error = try rig.event("stream_error")
      #expect(error?["code"] == "read_only" && error?["recovered"] == false, "\(String(describing: error))")
      #expect(try rig.mounts("umount \"$0/take\""))
      #expect(try rig.event("stream_error")?["recovered"] == true)
      #expect(try rig.reach("saved_frames", 48_000) && rig.stats("xruns") == 0)
      let (last, sound, gaps) = try rig.finish()
      #expect(last["saved"] == true && gaps.isEmpty, "\(gaps)")
      #expect(sound.pieces.count == 1 && sound.apart == 0, "\(sound.pieces)")
    }

    /// A quota that is reached while it records, and chunks that also stand in a store by their hash.
    @Test func aQuotaAndAStore() throws {
      let rig = try Rig(settings: "quota = 1\nstore = \"@DISK@/store\"\nfolder = \"@DISK@\"\n")
      // What lies there already counts.
      let old = try Child.run([
        "sh", "-c", "mkdir \"$0/old\" && head -c 600000 /dev/zero > \"$0/old/000001.chunk\"", rig.disk,
      ])
      #expect(old.status == 0)
      try rig.start()
      let chunk = try #require(try rig.event("stream_chunk_full"))
      let name = try #require(chunk["stored"]?.stringValue)
      let stored = rig.disk + "/store/" + name.prefix(2) + "/" + name
      #expect(try Child.run(["sha256sum", stored]).standardOutput.hasPrefix(name))
      var (one, other) = (stat(), stat())
      #expect(stat(stored, &one) == 0 && stat(rig.disk + "/take/000001.chunk", &other) == 0)
      #expect(one.st_ino == other.st_ino)
      let error = try rig.event("stream_error")
      #expect(
        error?["code"] == "quota" && error?["error"]?.stringValue?.contains("1048576") == true,
        "\(String(describing: error))")
      // What it has is whole, and the device went on.
      #expect(try rig.reach("frames", try rig.stats("frames") + 9600) && rig.stats("xruns") == 0)
      let size = try Child.run(["du", "-sb", rig.disk + "/take"]).standardOutput
      #expect((Int(size.prefix { $0.isNumber }) ?? 0) <= 1 << 20 - 600_000 + 8192, "\(size)")
    }
  }
}
