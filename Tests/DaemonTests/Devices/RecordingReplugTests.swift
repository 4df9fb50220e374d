import AudioCore
import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Devices that are pulled out and come back while they are recorded. Each sample is the number of its frame by a clock outside,
  /// so what was recorded says itself where it belongs.
  @Suite(.serialized) struct RecordingReplugTests {
    private func state(_ daemon: DaemonUnderTest) throws -> (state: String, seconds: Double, wall: Int) {
      let stream = try daemon.client.request("stream_list")["streams"]?[0]
      return (
        stream?["state"]?.stringValue ?? "", stream?["seconds"]?.doubleValue ?? -1,
        stream?["wall_clock"]?.intValue ?? 0
      )
    }

    /// Records `device` while it is pulled out and put back; what was recorded, and when it says it began.
    private func record(
      _ device: String, _ daemon: DaemonUnderTest, rounds: Int, pull: () throws -> Void, plug: () throws -> Void
    ) throws -> (sound: ClockedSound, gaps: [(position: Int, length: Int)], causes: Set<String>, wall: Int) {
      let folder = try TemporaryDirectory()
      let take = folder.path + "/take"
      _ = try daemon.client.request(
        "stream_start",
        ["uri": "stream://clocked", "device": .string(device), "path": .string(take), "chunk_bytes": 262_144],
        timeout: .seconds(20))
      var reached = 0.0
      for round in 0...rounds {
        // Frames have come since it was put back, not only time.
        let before = try daemon.client.request("stream_stats")["streams"]?[0]?["frames"]?.intValue ?? 0
        let isHeard = try waitUntil(timeout: 20) {
          let frames = try daemon.client.request("stream_stats")["streams"]?[0]?["frames"]?.intValue ?? 0
          return frames > before + 9600
        }
        let now = try state(daemon)
        #expect(isHeard, "round \(round): \(now) \(daemon.log.suffix(600))")
        #expect(now.state == "recording" && now.seconds > reached)
        reached = now.seconds
        guard round < rounds, isHeard else { break }
        try pull()
        #expect(try waitUntil(timeout: 20) { try state(daemon).state == "waiting" }, "round \(round)")
        // Absences of all lengths.
        usleep(useconds_t(20_000 + round * 37_000 % 300_000))
        try plug()
      }
      let wall = try state(daemon).wall
      let last = try daemon.client.request("stream_stop", ["uri": "clocked"], timeout: .seconds(20))
      #expect(last["saved"] == true)
      let shown = try JSON.parse(try daemon.streamctl(["record", "show", take, "--verify", "--json"]).standardOutput)
      #expect(shown["broken"]?.arrayValue?.isEmpty == true)
      #expect(shown["length"] == last["stream"]?["position"])
      let gaps = (shown["gaps"]?.arrayValue ?? []).map {
        (position: $0["position"]?.intValue ?? 0, length: $0["frames"]?.intValue ?? 0)
      }
      let causes = Set((shown["gaps"]?.arrayValue ?? []).compactMap { $0["cause"]?.stringValue })
      let raw = folder.path + "/raw"
      let cut = try Child.run([
        "sh", "-c", "exec \"$0\" record slice \"$1\" --last 1000000 > \"$2\"", Products.streamctl, take, raw,
      ])
      try #require(cut.status == 0, "\(cut.standardError)")
      return (try ClockedSound(raw, channels: 2, gaps: gaps), gaps, causes, wall)
    }

    private func judge(
      _ result: (sound: ClockedSound, gaps: [(position: Int, length: Int)], causes: Set<String>, wall: Int), rounds: Int
    ) throws {
      #expect(result.gaps.count >= rounds && result.causes.contains("device"), "\(result.gaps) \(result.causes)")
      #expect(result.sound.pieces.count > rounds)
      // 2 ms, over all of them.
      #expect(result.sound.apart <= 96, "\(result.sound.pieces) \(result.gaps)")
      let first = try #require(result.sound.first)
      var (wall, steady) = (timespec(), timespec())
      clock_gettime(CLOCK_REALTIME, &wall)
      clock_gettime(CLOCK_MONOTONIC, &steady)
      let offset = Int64(wall.tv_sec - steady.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec - steady.tv_nsec)
      let told = Int64(result.wall) + Int64(first.place) * 1_000_000_000 / 48_000
      #expect(abs(told - first.nanoseconds - offset) <= 2_000_000, "\(told - first.nanoseconds - offset) ns")
    }

    @Test func aCardThatReturnsIsRecordedWhereItBelongs() throws {
      let card = try SoftCard(format: .float32)
      card[.clocked] = 1
      let daemon = try DaemonUnderTest(
        on: nil, arguments: ["--remote", "/nonexistent/pipewire"], environment: ["ALSA_CONFIG_PATH": card.configuration]
      )
      let rounds = Breadth.rounds(short: 3, long: 50)
      let result = try record("alsa:card", daemon, rounds: rounds, pull: { card[.gone] = 1 }, plug: { card[.gone] = 0 })
      try judge(result, rounds: rounds)
    }

    @Test func aMicrophoneOfTheServerThatReturnsIsRecordedWhereItBelongs() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let name = "clocked-mic"
      var microphone: ClockedMicrophone? = try ClockedMicrophone(server, name: name)
      #expect(waitUntil(timeout: 10) { ((try? server.ports()) ?? []).contains { $0.hasPrefix(name + ":") } })
      let rounds = Breadth.rounds(short: 3, long: 50)
      let result = try record(
        name, daemon, rounds: rounds,
        pull: {
          microphone?.pullOut()
          microphone = nil
        }, plug: { microphone = try ClockedMicrophone(server, name: name) })
      try judge(result, rounds: rounds)
    }
  }
}
