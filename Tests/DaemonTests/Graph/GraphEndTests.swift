import CAppRing
import Control
import Glibc
import Synchronization
import TestSupport
import Testing

extension DaemonTests {
  /// Where a graph meets the world beside its own device: applications' memory and devices with clocks of their own.
  @Suite(.serialized) struct GraphEndTests {
    /// A node for an application in one line; what is written into its memory, at another rate, is heard.
    @Test func anApplicationIsHeard() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let client = try ControlClient(path: daemon.socket)
      let arguments: JSONObject = ["frames": 8192, "channels": 1, "rate": 44_100]
      let reply = try client.request("create_node", ["type": "app_source", "name": "game", "args": .object(arguments)])
      #expect(reply["id"] == 1 && reply["descriptors"] == ["memory", "space", "data"], "\(reply)")
      let game = try ToneWriter(client.takeDescriptors(), rate: 44_100)
      let edits: JSON = [
        ["op": "create_node", "type": "channel_map", "name": "fold", "args": ["from": 1, "to": 2]],
        ["op": "create_node", "type": "device_sink", "name": "out"], ["op": "connect", "from": "game", "to": "fold"],
        ["op": "connect", "from": "fold", "to": "out"],
      ]
      _ = try client.request("commit", ["edits": edits])
      _ = try client.request("start")
      let listener = try SinkListener(server)
      try expectTone(-12, 997, listener)
      #expect(try client.request("get", ["id": "game"])["node"]?["readings"]?["closed"]?.doubleValue == 0)
      // A ring that cannot be has no node.
      #expect(throws: ControlClientError.self) {
        _ = try client.request("create_node", ["type": "app_source", "args": ["frames": 1]])
      }
      #expect(throws: ControlClientError.self) {
        _ = try client.request("create_node", ["type": "app_source", "args": ["memfd": 17, "frames": 4096]])
      }
      #expect(try client.request("ring.list")["rings"]?.arrayValue?.count == 1)
      #expect(try client.request("list")["nodes"]?.arrayValue?.count == 3)
      // The writer goes with its connection: silence.
      game.stop()
      _ = try client.request("ring.close", ["ring": reply["ring"] ?? .null])
      #expect(waitUntil(timeout: 5) { listener.record(seconds: 0.1).allSatisfy { $0 == 0 } })
    }

    /// A microphone and a second sink, each with a clock of its own.
    @Test func otherDevicesAreJoined() throws {
      let server = try PrivatePipeWire(microphone: true)
      try server.createSink("second", channels: 2)
      let daemon = try DaemonUnderTest(on: server)
      let client = daemon.client
      let edits: JSON = [
        ["op": "create_node", "type": "tone", "name": "t", "args": ["frequency": 1499, "level": -20]],
        ["op": "create_node", "type": "device_sink", "name": "out"], ["op": "connect", "from": "t", "to": "out"],
        ["op": "create_node", "type": "device_sink", "name": "far", "args": ["device": "second"]],
        ["op": "connect", "from": "t", "to": "far"],
      ]
      _ = try client.request("commit", ["edits": edits])
      _ = try client.request("start")
      let near = try SinkListener(server)
      let far = try SinkListener(server, to: "second")
      try expectTone(-20, 1499, near)
      try expectTone(-20, 1499, far, following: true)
      // The microphone's tone, which the second sink plays then.
      let microphone: JSON = [
        [
          "op": "create_node", "type": "device_source", "name": "mic",
          "args": ["device": .string(PrivatePipeWire.microphoneName), "channels": 2],
        ], ["op": "connect", "from": "mic", "to": "far"], ["op": "disconnect", "from": "t", "to": "far"],
      ]
      _ = try client.request("commit", ["edits": microphone])
      var found = -200.0
      #expect(
        waitUntil(timeout: 20) {
          found = ToneAnalysis.level(of: 440, in: far.record(seconds: 0.5), rate: 48_000)
          return found > -40
        }, "\(found)")
      #expect(
        try waitUntil(timeout: 5) {
          try client.request("get", ["id": "mic"])["node"]?["readings"]?["running"]?.doubleValue == 1
        })
      // A device that is gone is silence with a reason; what else plays is not disturbed.
      try server.destroyNode("second")
      try expectTone(-20, 1499, near)
      _ = try client.request("destroy_node", ["id": "far"])
      _ = try client.request("destroy_node", ["id": "mic"])
      #expect(try waitUntil(timeout: 10) { try !server.nodes().contains("streamd.graph-far") })
      try expectTone(-20, 1499, near)
    }

    /// A second in several that nobody disturbed. Behind another clock the pitch follows that one.
    private func expectTone(
      _ level: Double, _ frequency: Double, _ listener: SinkListener, following: Bool = false,
      _ place: SourceLocation = #_sourceLocation
    ) throws {
      var verdict: ToneVerdict?
      for _ in 0..<6 {
        let sound = listener.record(seconds: following ? 2.5 : 1)
        verdict =
          following
          ? ToneVerdict(following: sound, near: frequency) : ToneVerdict(bestOf: sound, frequency: frequency)
        if let verdict, verdict.residual < -60, abs(verdict.level - level) < 0.02 { break }
      }
      let found = try #require(verdict, sourceLocation: place)
      #expect(abs(found.level - level) < 0.02 && found.residual < -60, "\(found)", sourceLocation: place)
    }
  }
}

/// An application that plays a tone into its ring, as fast as there is room.
private final class ToneWriter: @unchecked Sendable {
  private let parcels: [DescriptorParcel]
  private var end = streamd_ring_end()
  private let step: Double
  private let isEnding = Atomic<Bool>(false)
  private var thread: pthread_t?

  init(_ parcels: [DescriptorParcel], rate: Double) throws {
    self.parcels = parcels
    step = 2 * .pi * 997 / rate
    try #require(parcels.count == 3)
    try #require(
      streamd_ring_map(&end, parcels[0].numbers[0], parcels[1].numbers[0], parcels[2].numbers[0]) == 0)
    var made = pthread_t()
    pthread_create(&made, nil, toneWriterMain, Unmanaged.passUnretained(self).toOpaque())
    thread = made
  }

  deinit {
    stop()
    streamd_ring_unmap(&end)
  }

  func stop() {
    isEnding.store(true, ordering: .relaxed)
    if let thread { pthread_join(thread, nil) }
    thread = nil
  }

  fileprivate func run() {
    let amplitude = pow(10, -12.0 / 20)
    var place = 0
    while !isEnding.load(ordering: .relaxed) {
      var frames = (0..<512).map { Float(amplitude * sin(step * Double(place + $0))) }
      let written = streamd_ring_write(&end, &frames, 512)
      place += Int(written)
      if written < 512 { _ = streamd_ring_wait(&end, 20) }
    }
  }
}

private func toneWriterMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<ToneWriter>.fromOpaque(raw!).takeUnretainedValue().run()
  return nil
}
