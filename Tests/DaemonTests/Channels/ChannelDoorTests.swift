import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Duplex channels as they are seen and changed from outside.
  @Suite(.serialized) struct ChannelDoorTests {
    /// The four routes, with the configuration as users of the form have it.
    @Test func theQuickStartWorksWithCurl() throws {
      let rig = try ChannelRig(channels: 2)
      let web = try WebClient(rig.daemon)
      let listed = try rig.daemon.streamctl(["devices"]).standardOutput
      #expect(["in1", "in2", "out1", "out2"].allSatisfy(listed.contains), "\(listed)")
      let config = try web.post("/config", ChannelRig.config)
      #expect(config["logical_channels"]?["4"]?["output_device_id"] == 8, "\(config)")
      #expect(try web.get("/config") == config)
      try rig.waitUntilRunning(1...2)
      let status = try web.get("/status")
      #expect(status["devices"]?["channel:1:input"] == "in1" && status["devices"]?["channel:2:output"] == "out2")
      #expect(status["xruns"]?.intValue != nil && status["uptime_s"]?.doubleValue != nil)
      #expect(status["cpu_percent"]?.doubleValue != nil)
      // What is heard is what is shown: a full-scale tone, compressed by ten decibels, as its mean power.
      func vu(_ channel: Int) throws -> Double { try web.get("/vu")["vu"]?["\(channel)"]?.doubleValue ?? 99 }
      #expect(try waitUntil(timeout: 10) { abs(try vu(1) + 13) < 0.5 }, "the level is not what is heard")
      #expect(try vu(4) == -60)
      // The gate shuts and opens.
      let listener = try rig.listen(1)
      #expect(try web.post("/ptt", #"{"channel": 1, "mute": false, "gate_open": false}"#)["gate_open"] == false)
      #expect(waitUntil(timeout: 5) { listener.record(seconds: 0.1).allSatisfy { $0 == 0 } })
      #expect(try waitUntil(timeout: 5) { try vu(1) == -60 })
      #expect(try web.post("/ptt", #"{"channel": 1, "mute": false, "gate_open": true}"#)["gate_open"] == true)
      #expect(abs(rig.level(listener, near: -10) + 10) < 0.1)
      // Hot: only what is said changes.
      #expect(try web.post("/config", #"{"dsp": {"comp": {"ratio": 4.0}}}"#)["blocksize"] == 512)
      #expect(abs(rig.level(listener, near: -15) + 15) < 0.1)
    }

    /// A channel without its device is a problem like any other, and its figures are among all figures.
    @Test func channelsAreInHealthAndFigures() throws {
      let rig = try ChannelRig(channels: 1)
      let web = try WebClient(rig.daemon)
      #expect(try web.get("/readyz")["state"] == "idle")
      try rig.configure(
        #"{"logical_channels": {"1": {"input_device_id": 1, "output_device_id": 3, "name": "stage"}}}"#)
      try rig.waitUntilRunning(1...1)
      #expect(try waitUntil(timeout: 5) { try web.get("/readyz") == ["ready": true, "state": "ok", "problems": []] })
      try rig.server.destroyNode("in1")
      #expect(try waitUntil(timeout: 10) { try web.get("/readyz")["ready"] == false })
      let problem = try web.get("/readyz")["problems"]?[0] ?? .null
      #expect(problem["target"] == "channel:1" && problem["code"] == "no_input", "\(problem)")
      #expect(problem["message"]?.stringValue?.isEmpty == false)
      #expect(try web.curl("/readyz", ["-o", "/dev/null", "-w", "%{http_code}"]) == "503")
      #expect(try rig.daemon.status()["state"] == "degraded")
      #expect(try web.figures()[#"streamd_channel_input_up{channel="1"}"#] == 0)
      try ChannelRig.plugIn(1, rig.server)
      try rig.waitUntilRunning(1...1)
      #expect(try waitUntil(timeout: 10) { try web.get("/readyz")["state"] == "ok" })
      // A sink that there is not.
      try rig.configure(#"{"logical_channels": {"1": {"input": "in1", "output": "nowhere", "name": "stage"}}}"#)
      #expect(try waitUntil(timeout: 10) { try web.get("/readyz")["problems"]?[0]?["target"] == "channel:1" })
      try rig.configure(#"{"logical_channels": {"1": {"input": "in1", "output": "out1", "name": "stage"}}}"#)
      try rig.waitUntilRunning(1...1)
      // Since the last scrape: compressed from a full-scale tone by ten decibels.
      var figures: [String: Double] = [:]
      let labels = #"kind="channel",name="1""#
      #expect(
        try waitUntil(timeout: 10) {
          figures = try web.figures()
          // What was heard at its beginning may have been louder, and is in one of them.
          return abs((figures["streamd_level_dbfs{\(labels),stat=\"rms\"}"] ?? 0) + 13) < 0.5
            && abs((figures["streamd_level_dbfs{\(labels),stat=\"peak\"}"] ?? 0) + 10) < 0.5
        }, "\(figures)")
      #expect(abs((figures["streamd_gain_reduction_db{\(labels),stage=\"compressor\"}"] ?? 0) - 10) < 0.5)
      #expect(figures[#"streamd_channel_input_up{channel="1"}"#] == 1)
      #expect(figures[#"streamd_channel_heard{channel="1"}"#] == 1)
      #expect(figures[#"streamd_channel_latency_seconds{channel="1"}"#] ?? 1 < 0.1)
      let listed = try rig.status()["logical_channels"]?["1"]?["xruns"]?.doubleValue
      #expect(figures[#"streamd_channel_xruns_total{channel="1"}"#] ?? 99 <= listed ?? 0)
    }

    /// What was saved comes back with the next daemon, what was not does not, and what was saved can be taken back.
    @Test func whatWasSavedStays() throws {
      let rig = try ChannelRig(channels: 1)
      func origin() throws -> JSON? { try rig.status()["configuration"] }
      #expect(try origin() == "files")
      try rig.configure(ChannelRig.config)
      #expect(try origin() == "changed")
      try rig.restart()
      #expect(try rig.status()["logical_channels"] == [:])
      #expect(try origin() == "files")
      let web = try WebClient(rig.daemon)
      let saved = try web.post("/config?save=true", ChannelRig.config)
      #expect(saved["blocksize"] == 512)
      #expect(try origin() == "saved")
      try rig.configure(#"{"blocksize": 256}"#)
      #expect(try rig.daemon.streamctl(["channels"]).standardOutput.contains("not saved"))
      try rig.restart()
      #expect(try rig.daemon.client.request("channels.config") == saved)
      #expect(try origin() == "saved")
      try rig.waitUntilRunning(1...1)
      try rig.configure(#"{"blocksize": 256}"#)
      #expect(try rig.daemon.streamctl(["channels", "save"]).status == 0)
      #expect(try origin() == "saved")
      #expect(try rig.daemon.streamctl(["channels", "reset"]).status == 0)
      #expect(try rig.status()["logical_channels"] == [:])
      #expect(try origin() == "files")
      try rig.restart()
      #expect(try rig.status()["logical_channels"] == [:])
    }
  }
}
