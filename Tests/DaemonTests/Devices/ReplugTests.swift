import Control
import TestSupport
import Testing

extension DaemonTests {
  /// Nodes and the graph's own device are named by words, wait for their devices, and find them again.
  @Suite(.serialized) struct ReplugTests {
    private func reading(_ daemon: DaemonUnderTest, _ node: String, _ name: String = "running") throws -> Double {
      try daemon.client.request("get", ["id": .string(node)])["node"]?["readings"]?[name]?.doubleValue ?? -1
    }

    private func plug(_ server: PrivatePipeWire, _ name: String, _ mediaClass: String, _ serial: String) throws {
      try server.createNode(
        name, mediaClass: mediaClass, channels: 2, description: "Desk \(serial)",
        properties: ["device.serial": serial, "device.profile.name": "analog-stereo"],
        factory: mediaClass == "Audio/Sink" ? "support.null-audio-sink" : "audiotestsrc")
    }

    /// A microphone and loudspeakers that are pulled out and come back under other names.
    @Test func nodesComeBackAfterReplug() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let edits: JSON = [
        ["op": "create_node", "type": "tone", "name": "t", "args": ["frequency": 997, "level": -20]],
        ["op": "create_node", "type": "device_sink", "name": "out"], ["op": "connect", "from": "t", "to": "out"],
        ["op": "create_node", "type": "device_sink", "name": "far", "args": ["device": "Desk S1"]],
        ["op": "connect", "from": "t", "to": "far"],
        ["op": "create_node", "type": "device_source", "name": "mic", "args": ["device": "Desk M*", "channels": 2]],
        ["op": "connect", "from": "mic", "to": "out"],
      ]
      // Neither is there yet: the nodes wait.
      _ = try daemon.client.request("commit", ["edits": edits])
      _ = try daemon.client.request("start")
      let far = try SinkListener(server)
      let rounds = Breadth.rounds(short: 3, long: 50)
      for round in 0..<rounds {
        try plug(server, "sink-\(round % 2)", "Audio/Sink", "S1")
        try plug(server, "mic-\(round % 2)", "Audio/Source", "M1")
        let isBack = try waitUntil(timeout: 15) { try reading(daemon, "far") == 1 && reading(daemon, "mic") == 1 }
        #expect(isBack, "round \(round): \(daemon.log.suffix(800))")
        if round == rounds - 1 {
          let second = try SinkListener(server, to: "sink-\(round % 2)")
          var level = -200.0
          #expect(
            waitUntil(timeout: 10) {
              level = ToneAnalysis.level(of: 997, in: second.record(seconds: 0.5), rate: 48_000)
              return abs(level + 20) < 0.1
            }, "\(level)")
        }
        try server.destroyNode("sink-\(round % 2)")
        try server.destroyNode("mic-\(round % 2)")
        // Another device that the words fit as well is not taken instead.
        if round == 0 {
          try plug(server, "stranger", "Audio/Source", "M2")
          #expect(try waitUntil(timeout: 10) { try reading(daemon, "mic") == 0 })
        }
      }
      #expect(try waitUntil(timeout: 10) { try reading(daemon, "far") == 0 && reading(daemon, "mic") == 0 })
      // The graph's own device was not disturbed.
      #expect(try daemon.client.request("graph")["state"]?["value"] != "waiting")
      var level = -200.0
      #expect(
        waitUntil(timeout: 10) {
          level = ToneAnalysis.level(of: 997, in: far.record(seconds: 0.5), rate: 48_000)
          return abs(level + 20) < 0.1
        }, "\(level)")
    }

    @Test func theGraphsDeviceIsNamedByWords() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let edits: JSON = [
        ["op": "create_node", "type": "tone", "name": "t", "args": ["frequency": 1499, "level": -20]],
        ["op": "create_node", "type": "device_sink", "name": "out"], ["op": "connect", "from": "t", "to": "out"],
      ]
      _ = try daemon.client.request("commit", ["edits": edits])
      _ = try daemon.client.request("device_open", ["name": "Desk S9"])
      let state = try daemon.client.request("start")
      #expect(state["state"]?["value"] == "waiting" || state["value"] == "waiting", "\(state)")
      func running(on name: String) throws -> Bool {
        try waitUntil(timeout: 15) {
          let graph = try daemon.client.request("subscribe", ["topics": ["state"]])["topics"]?["state"]?["snapshot"]
          return graph?["value"] == "running" && graph?["device"] == .string(name)
        }
      }
      for round in 0..<2 {
        try plug(server, "desk-\(round)", "Audio/Sink", "S9")
        #expect(try running(on: "desk-\(round)"), "\(daemon.log.suffix(800))")
        let listener = try SinkListener(server, to: "desk-\(round)")
        var level = -200.0
        #expect(
          waitUntil(timeout: 10) {
            level = ToneAnalysis.level(of: 1499, in: listener.record(seconds: 0.5), rate: 48_000)
            return abs(level + 20) < 0.1
          }, "\(level)")
        try server.destroyNode("desk-\(round)")
      }
    }
  }
}
