import AppRings
import AudioCore
import CAppRing
import Control
import Glibc
import TestSupport
import Testing
import Wiring

extension DaemonTests {
  /// Rings over the real socket. No graph takes part, so no server is needed.
  @Suite(.serialized) struct RingTests {
    private func daemon() throws -> DaemonUnderTest {
      try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire"])
    }

    /// Descriptors the daemon holds. One that looks for its server has some more for a moment.
    private func steadyDescriptors(_ daemon: DaemonUnderTest) throws -> Int {
      var (last, same) = (daemon.descriptors, 0)
      let isSteady = waitUntil(timeout: 10) {
        let now = daemon.descriptors
        same = now == last ? same + 1 : 0
        last = now
        return same == 10
      }
      try #require(isSteady)
      return last
    }

    private func rings(_ client: ControlClient) throws -> [JSON] {
      try client.request("ring.list")["rings"]?.arrayValue ?? []
    }

    private func refusal(
      _ client: ControlClient, _ arguments: JSONObject, passing parcels: [DescriptorParcel] = []
    ) throws -> ControlError? {
      do throws(ControlClientError) {
        _ = try client.request("ring.open", arguments, passing: parcels)
        return nil
      } catch {
        guard case .refused(let refusal) = error else { throw error }
        return refusal
      }
    }

    @Test func aRingIsMemoryAndTwoBells() throws {
      let daemon = try daemon()
      let ring = try OpenRing(daemon.client, ["direction": "source", "channels": 6, "frames": 1000, "name": "game"])
      #expect(ring.report["ring"] == "r1" && ring.report["frames"] == 1024 && ring.report["state"] == "idle")
      #expect(ring.report["pid"] == JSON(Int(getpid())) && ring.end.channels == 6 && ring.end.rate == 48_000)
      let frames = [Float](repeating: 0.5, count: 6 * 700)
      #expect(streamd_ring_write(&ring.end, frames, 700) == 700)
      let listed = try #require(try rings(daemon.client).first)
      #expect(listed["fill"] == 700 && listed["fill_ms"] == 14.58 && listed["faults"] == .object([:]), "\(listed)")
      #expect((listed["age_ms"]?.doubleValue ?? -1) >= 0)
      // What the client says of itself is shown, and no more than that.
      cappring_set_written(&ring.end, .max)
      #expect(try rings(daemon.client).first?["fill"] == 1024)

      let flat = try ControlClient(path: daemon.socket)
      try flat.send(line: #"{"cmd":"ring.open","direction":"sink","rate":44100,"frames":512,"high":100}"#)
      let reply = try JSON.parse(try #require(try flat.receiveLine(timeout: .seconds(10))))
      #expect(reply["ok"] == true && reply["descriptors"]?.arrayValue?.count == 3, "\(reply)")
      #expect(flat.takeDescriptors().count == 3)
      let list = try daemon.streamctl(["ring", "list"]).standardOutput
      #expect(list.contains("r1 \"game\" source of process \(getpid())") && list.contains("r2 sink"), "\(list)")

      #expect(streamd_ring_wait(&ring.end, 0) == 0)
      #expect(try daemon.streamctl(["ring", "close", "game"]).status == 0)
      #expect(streamd_ring_wait(&ring.end, 5000) == -1)
      #expect(try daemon.streamctl(["ring", "close", "r1"]).status == 4)
      #expect(try daemon.streamctl(["ring"]).status == 2)
    }

    @Test func badInputIsNamed() throws {
      let daemon = try daemon()
      _ = try OpenRing(daemon.client, ["direction": "source", "name": "one"])
      let descriptors = try steadyDescriptors(daemon)
      let cases: [(arguments: JSONObject, code: ControlError.Code, path: String)] = [
        ([:], .badArgs, "direction"),
        (["direction": "up"], .badArgs, "direction"),
        (["direction": "source", "channels": 9], .badArgs, "channels"),
        (["direction": "source", "channels": 0], .badArgs, "channels"),
        (["direction": "source", "rate": 1], .badArgs, "rate"),
        (["direction": "source", "frames": 10], .badArgs, "frames"),
        (["direction": "source", "frames": 2_000_000], .badArgs, "frames"),
        (["direction": "source", "frames": 512, "low": 512], .badArgs, "low"),
        (["direction": "source", "frames": 512, "high": 513], .badArgs, "high"),
        (["direction": "source", "name": "one"], .conflict, "name"),
        (["direction": "source", "memfd": true], .badArgs, "memfd"),
        (["direction": "source", "memfd": 17], .badArgs, "memfd"),
        (["direction": "source", "colour": 1], .badArgs, "colour"),
      ]
      for (arguments, code, path) in cases {
        let error = try refusal(daemon.client, arguments)
        #expect(error?.code == code && error?.path == path, "\(arguments): \(String(describing: error))")
      }
      #expect(try rings(daemon.client).count == 1 && daemon.client.takeDescriptors().isEmpty)
      #expect(try steadyDescriptors(daemon) == descriptors)
    }

    /// What a client made itself is taken when it cannot shrink, and only then.
    @Test func broughtMemoryIsLookedAt() throws {
      let daemon = try daemon()
      let descriptors = try steadyDescriptors(daemon)
      let (shrink, write): (Int32, Int32) = (2, 8)
      let bytes = 4096 + 8 * 4096
      let cases: [(memory: Int32, code: String)] = [
        (cappring_make_memory(bytes, 0), "not_sealed"), (cappring_make_memory(bytes - 1, shrink), "too_small"),
        (cappring_make_memory(bytes, shrink | write), "write_sealed"), (open("/dev/null", O_RDWR), "not_memory"),
        (open("/proc/self/exe", O_RDONLY), "not_memory"),
      ]
      for (memory, code) in cases {
        try #require(memory >= 0)
        let error = try refusal(
          daemon.client, ["direction": "source", "memfd": true], passing: [DescriptorParcel(owning: [memory])])
        #expect(error?.message.hasPrefix(code + ":") == true, "\(code): \(String(describing: error))")
      }
      // One that came with another line is not taken for this one.
      _ = try daemon.client.request(
        "ping", passing: [DescriptorParcel(owning: [cappring_make_memory(bytes, shrink)])])
      #expect(try refusal(daemon.client, ["direction": "source", "memfd": true])?.path == "memfd")

      let memory = DescriptorParcel(owning: [cappring_make_memory(bytes, shrink)])
      let reply = try daemon.client.request("ring.open", ["direction": "source", "memfd": true], passing: [memory])
      #expect(reply["descriptors"] == ["space", "data"] && reply["ring"]?["memfd"] == true)
      let bells = daemon.client.takeDescriptors()
      var end = streamd_ring_end()
      #expect(streamd_ring_map(&end, memory.numbers[0], bells[0].numbers[0], bells[1].numbers[0]) == 0)
      let frames = [Float](repeating: 0, count: 2000)
      #expect(streamd_ring_write(&end, frames, 1000) == 1000)
      #expect(try rings(daemon.client).first?["fill"] == 1000)
      streamd_ring_unmap(&end)
      _ = try daemon.client.request("ring.close", ["ring": "r1"])
      #expect(waitUntil(timeout: 5) { daemon.descriptors == descriptors }, "\(descriptors) \(daemon.descriptors)")
    }

    @Test func thereAreLimits() throws {
      let daemon = try daemon()
      let (descriptors, memory) = (try steadyDescriptors(daemon), Campaign.memory(of: daemon.pid))
      var clients: [ControlClient] = []
      for _ in 0..<4 {
        let client = try ControlClient(path: daemon.socket)
        clients.append(client)
        for _ in 0..<16 { _ = try client.request("ring.open", ["direction": "sink", "frames": 64]) }
        #expect(try refusal(client, ["direction": "sink", "frames": 64])?.code == .busy)
      }
      #expect(try refusal(daemon.client, ["direction": "sink", "frames": 64])?.code == .busy)
      #expect(try rings(daemon.client).count == 64)
      clients = []
      #expect(try waitUntil(timeout: 10) { try rings(daemon.client).isEmpty })
      // Memory for a client, and for all of them together.
      let largest: JSONObject = ["direction": "source", "channels": 8, "frames": 524_288]
      for _ in 0..<7 {
        let client = try ControlClient(path: daemon.socket)
        clients.append(client)
        #expect(try refusal(client, largest) == nil)
        #expect(try refusal(client, largest)?.path == "frames")
      }
      #expect(try refusal(daemon.client, largest)?.path == "frames")
      #expect(try refusal(try ControlClient(path: daemon.socket), ["direction": "source", "frames": 1_048_576]) == nil)
      #expect(try rings(daemon.client).count <= 8)
      #expect(try daemon.client.request("ring.list")["bytes"]!.intValue! <= 128 << 20)
      clients = []
      #expect(try waitUntil(timeout: 10) { try rings(daemon.client).isEmpty })
      #expect(waitUntil(timeout: 10) { daemon.descriptors == descriptors }, "\(descriptors) \(daemon.descriptors)")
      #expect(waitUntil(timeout: 10) { Campaign.memory(of: daemon.pid) < memory + 8 })
    }

    /// Rings that come and go, closed or left behind with their connection: nothing stays.
    @Test func nothingIsLeft() throws {
      let daemon = try daemon()
      // What is made once is made before the count.
      for _ in 0..<10 { _ = try OpenRing(daemon.client, ["direction": "source"]) }
      for ring in try rings(daemon.client) { _ = try daemon.client.request("ring.close", ["ring": ring["ring"]!]) }
      let (descriptors, memory) = (try steadyDescriptors(daemon), Campaign.memory(of: daemon.pid))
      let rounds = Breadth.rounds(short: 300, long: 10_000)
      var client = try ControlClient(path: daemon.socket)
      for round in 0..<rounds {
        let ring = try OpenRing(
          client, ["direction": round % 2 == 0 ? "source" : "sink", "frames": JSON(64 << (round % 8))])
        let memory = ring.parcels[0].numbers[0]
        #expect(cappring_resize(memory, 0) == EPERM && cappring_resize(memory, 1 << 24) == EPERM)
        if round % 3 == 0 { cappring_set_written(&ring.end, .max) }
        if round % 4 == 3 {
          client = try ControlClient(path: daemon.socket)
        } else {
          _ = try client.request("ring.close", ["ring": ring.report["ring"]!])
          #expect(streamd_ring_is_closed(&ring.end) != 0)
        }
      }
      #expect(try waitUntil(timeout: 10) { try rings(daemon.client).isEmpty })
      #expect(waitUntil(timeout: 10) { daemon.descriptors == descriptors + 1 }, "\(descriptors) \(daemon.descriptors)")
      let grown = Campaign.memory(of: daemon.pid) - memory
      measured("memory after \(rounds) rings", grown, "MB more")
      #expect(grown < 4)
    }

    /// The way a wake takes: render says it is due, the thread rings, the application that sleeps goes on.
    @Test func theThreadWakesWhoWaits() throws {
      let thread = RingBellThread()
      try thread.start()
      defer { thread.stop() }
      let (ring, descriptors) = try SharedRing.open(
        try RingFormat(.source, channels: 1, capacity: 1024, low: 512, high: 64), bells: thread.bells)
      defer { for descriptor in descriptors.all { close(descriptor) } }
      var end = streamd_ring_end()
      #expect(streamd_ring_map(&end, descriptors.memory ?? -1, descriptors.space, descriptors.data) == 0)
      defer { streamd_ring_unmap(&end) }
      guard let reader = ring.takeReader() else {
        Issue.record("no end")
        return
      }
      let plane = UnsafeMutablePointer<Float>.allocate(capacity: 256)
      defer { plane.deallocate() }
      var planes = plane
      let frames = [Float](repeating: 0.5, count: 1024)
      for _ in 0..<50 {
        #expect(streamd_ring_write(&end, frames, 1024) > 0)
        #expect(streamd_ring_wait(&end, 0) == 0, "rung though it is full")
        for _ in 0..<2 { reader.read(into: &planes, frames: 256, now: renderNow()) }
        #expect(streamd_ring_wait(&end, 10_000) == 1)
      }
      #expect(ring.facts().bells >= 50 && ring.facts().xruns == 0 && plane[0] == 0.5)
    }

    /// The programs of `examples/`, played by a reader that looks at the memory they share.
    @Test(arguments: ["c", "python"]) func theExamplesPlay(language: String) throws {
      let daemon = try daemon()
      let directory = try TemporaryDirectory()
      let folder = SourceTree.root + "/examples/ring"
      var words = [Products.python ?? "", folder + "/tone.py", "--socket", daemon.socket, "--hertz", "997"]
      if language == "c" {
        let built = try Child.run(
          ["make", "-s", "-C", folder, "OUT=\(directory.path)", "CFLAGS=-O2 -Wall -Wextra -Wconversion -Werror"])
        #expect(built.status == 0 && built.standardError.isEmpty, "\(built.standardError)")
        words = [directory.path + "/tone", "-s", daemon.socket, "-f", "997"]
      } else if Products.python == nil {
        return
      }
      let child = try Child(words)
      defer { child.stop() }
      #expect(
        waitUntil(timeout: 10) { child.standardOutput.contains("ring r1: 997 Hz, 4096 frames of 2 channels") },
        "\(child.standardOutput) \(child.standardError)")
      // Nobody plays it: it fills the ring and waits.
      #expect(try waitUntil(timeout: 10) { try rings(daemon.client).first?["fill"] == 4096 })
      let memory = try #require(try sharedMemory(of: child.pid))
      var end = streamd_ring_end()
      #expect(streamd_ring_map(&end, memory.numbers[0], -1, -1) == 0)
      defer { streamd_ring_unmap(&end) }
      var heard: [Float] = []
      var block = [Float](repeating: 0, count: 2 * 4096)
      waitUntil(timeout: 20) {
        let count = Int(streamd_ring_read(&end, &block, 4096))
        for frame in 0..<count {
          if block[2 * frame] != block[2 * frame + 1] { heard.append(.nan) }
          heard.append(block[2 * frame])
        }
        return heard.count >= 24_000
      }
      #expect(heard.count >= 24_000)
      #expect(SineContinuity(frequency: 997).breaks(in: heard).isEmpty)
      #expect(abs(ToneAnalysis.level(of: 997, in: heard.prefix(24_000), rate: 48_000) + 20) < 0.01)
      let beats = cappring_look(&end).writer_beat
      #expect(waitUntil(timeout: 5) { cappring_look(&end).writer_beat > beats + 2 })
      if language == "c" {
        child.signal(SIGKILL)
        #expect(child.wait(timeout: 5) == 128 + SIGKILL)
      } else {
        _ = try daemon.client.request("ring.close", ["ring": "r1"])
        #expect(child.wait(timeout: 5) == 1 && child.standardError.contains("streamd has closed the ring"))
      }
      #expect(try waitUntil(timeout: 5) { try rings(daemon.client).isEmpty })
    }

    /// The ring that another process holds.
    private func sharedMemory(of pid: pid_t) throws -> DescriptorParcel? {
      for number in 3..<64 {
        let path = "/proc/\(pid)/fd/\(number)"
        var target = [CChar](repeating: 0, count: 256)
        guard readlink(path, &target, 255) > 0 else { continue }
        if strncmp(target, "/memfd:streamd-ring", 19) == 0 {
          return DescriptorParcel(owning: [Glibc.open(path, O_RDWR | O_CLOEXEC)])
        }
      }
      return nil
    }
  }
}

/// An application's end of a ring that the daemon made.
private final class OpenRing {
  let report: JSON
  let parcels: [DescriptorParcel]
  var end = streamd_ring_end()

  init(_ client: ControlClient, _ arguments: JSONObject) throws {
    let reply = try client.request("ring.open", arguments)
    report = reply["ring"] ?? .null
    parcels = client.takeDescriptors()
    try #require(parcels.count == 3 && reply["descriptors"] == ["memory", "space", "data"], "\(reply)")
    try #require(
      streamd_ring_map(&end, parcels[0].numbers[0], parcels[1].numbers[0], parcels[2].numbers[0]) == 0)
  }

  deinit { streamd_ring_unmap(&end) }
}
