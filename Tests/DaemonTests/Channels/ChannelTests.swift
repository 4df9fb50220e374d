import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Duplex channels between real devices of a server of their own.
  @Suite(.serialized) struct ChannelTests {
    /// The configuration as users have it, with four channels at once: each plays its own microphone, compressed, and its
    /// meter agrees with what is heard.
    @Test func fourChannelsPlayFromTheExampleAsItIs() throws {
      let rig = try ChannelRig()
      let config = try rig.configure(ChannelRig.config)
      #expect(config["sample_rate"] == 44_100 && config["logical_channels"]?["4"]?["output_device_id"] == 8)
      try rig.waitUntilRunning(1...4)
      let levels = [0.0, -12, -20, -30]
      for channel in 1...4 { try rig.setInput(channel, to: levels[channel - 1]) }
      for channel in 1...4 {
        let input = levels[channel - 1]
        // Two to one above -20 dBFS.
        let expected = input > -20 ? -20 + (input + 20) / 2 : input
        let listener = try rig.listen(channel)
        let found = rig.level(listener, near: expected)
        measured("channel \(channel), \(input) dBFS in", found, "dBFS")
        #expect(abs(found - expected) < 0.1, "channel \(channel): \(found), not \(expected)")
        // The true power of what is heard, as a reference of its own.
        let sound = listener.record(seconds: 1)
        let power = 10 * log10(sound.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(sound.count, 1)))
        let vu = try rig.daemon.client.request("channels.list")["vu"]?["\(channel)"] ?? .null
        let shown = vu["dbfs"]?.doubleValue ?? 99
        #expect(abs(shown - power) < 0.5, "channel \(channel): \(vu), heard \(power)")
        let arriving = vu["input_dbfs"]?.doubleValue ?? 99
        #expect(abs(arriving - (input - 3.01)) < 0.5, "\(vu)")
      }
      let status = try rig.status()
      #expect(
        status["state"] == "running" && status["xruns"]?.intValue != nil && status["uptime_s"]?.doubleValue != nil)
      #expect(status["logical_channels"]?["3"]?["input"]?["name"] == "in3", "\(status)")
      let reduction = status["logical_channels"]?["1"]?["reduction_db"]?["comp"]?.doubleValue ?? 0
      #expect(abs(reduction - 10) < 0.2, "\(status)")
    }

    @Test func theCeilingHolds() throws {
      let rig = try ChannelRig(channels: 1)
      try rig.configure(ChannelRig.config)
      try rig.configure(#"{"dsp": {"comp": {"enabled": false}}}"#)
      try rig.waitUntilRunning(1...1)
      let listener = try rig.listen(1)
      let found = rig.level(listener, near: -3)
      measured("limiter at full scale in", found, "dBFS")
      #expect(abs(found + 3) < 0.1)
      // Below it nothing is changed.
      try rig.setInput(1, to: -6)
      #expect(abs(rig.level(listener, near: -6) + 6) < 0.1)
      try rig.configure(#"{"dsp": {"limiter": {"ceiling_db": -10}}}"#)
      #expect(abs(rig.level(listener, near: -10) + 10) < 0.1)
      // Silence shows as the lowest a meter has; so does what is muted, though its input is heard.
      _ = try rig.daemon.client.request("channels.set", ["channel": 1, "gate_open": false])
      #expect(waitUntil(timeout: 5) { listener.record(seconds: 0.1).allSatisfy { $0 == 0 } })
      #expect(try waitUntil(timeout: 5) { try rig.status()["vu"]?["1"]?["dbfs"]?.doubleValue == -60 })
      #expect(try rig.status()["vu"]?["1"]?["input_dbfs"]?.doubleValue ?? -60 > -12)
      let again = try rig.daemon.client.request("channels.set", ["channel": 1, "mute": true, "gate_open": true])
      #expect(again["mute"] == true && again["gate_open"] == true)
      #expect(listener.record(seconds: 0.2).allSatisfy { $0 == 0 })
      _ = try rig.daemon.client.request("channels.set", ["channel": 1, "mute": false])
      #expect(abs(rig.level(listener, near: -10) + 10) < 0.1)
      // Shut by push-to-talk, it is silent until it is opened, though nothing had a gate of it before.
      let shut = try rig.daemon.client.request("ptt.set", ["channel": 1, "mute": false, "gate_open": false])
      #expect(shut["gate_open"] == false && shut["mute"] == false)
      #expect(waitUntil(timeout: 5) { listener.record(seconds: 0.1).allSatisfy { $0 == 0 } })
      #expect(try rig.daemon.client.request("ptt.set", ["channel": 1, "gate_open": true])["gate_open"] == true)
      #expect(abs(rig.level(listener, near: -10) + 10) < 0.1)
    }

    /// Configurations one after the other while tones play: none of them is heard on a channel that they leave alone, and
    /// on the one that they change there is a change of level and no click.
    @Test func reloadingIsNotHeard() throws {
      let rig = try ChannelRig(channels: 2)
      try rig.configure(ChannelRig.config)
      try rig.waitUntilRunning(1...2)
      for channel in 1...2 { try rig.setInput(channel, to: -6) }
      let (changed, other) = (try rig.listen(1), try rig.listen(2))
      for listener in [changed, other] { #expect(abs(rig.level(listener, near: -13) + 13) < 0.1) }
      let rounds = Breadth.rounds(short: 2, long: 20)
      func config(_ ratio: Double, output: Int) -> String {
        """
        {"logical_channels": {"1": {"input_device_id": 1, "output_device_id": \(output),
          "dsp": {"comp": {"ratio": \(ratio)}, "limiter": {"ceiling_db": \(-ratio)}}},
         "2": {"input_device_id": 2, "output_device_id": 4}}}
        """
      }
      // A machine that others use loses sound of its own accord: a second without that must be found.
      func isClean(_ listener: SinkListener, _ work: () throws -> Void) throws -> (Bool, Double) {
        var worst = 0.0
        for _ in 0..<8 {
          let recorder = Recorder(listener)
          try work()
          let sound = recorder.sound()
          worst = worstBend(Array(sound.dropFirst(480)), pitch: ChannelRig.pitch)
          // Changed by 6 dB in 20 ms, a tone of that level bends by two thousandths of it.
          if worst < 0.004, sound.contains(where: { abs($0) > 0.05 }) { return (true, worst) }
        }
        return (false, worst)
      }
      for round in 0..<rounds {
        for listener in [changed, other] {
          let (clean, worst) = try isClean(listener) {
            for step in 0..<10 {
              try rig.configure(config(step % 2 == 0 ? 4 : 2, output: 3))
              usleep(60_000)
            }
          }
          measured("worst bend while reloading", worst, "of full scale")
          #expect(clean, "round \(round): \(worst)")
        }
      }
      // The changes did take place, and where they belong.
      try rig.configure(config(4, output: 3))
      #expect(abs(rig.level(changed, near: -16.5) + 16.5) < 0.1)
      #expect(abs(rig.level(other, near: -13) + 13) < 0.1)
      // Another device for the first: only that is interrupted.
      try rig.server.createSink("spare", channels: 2)
      let spare = try #require(
        try waitForNumber("spare", rig))
      // In all two hundred times where there is time for it.
      for round in 0..<Breadth.rounds(short: 1, long: 50) {
        let (clean, worst) = try isClean(other) {
          for step in 0..<4 {
            try rig.configure(config(2, output: step % 2 == 0 ? spare : 3))
            usleep(150_000)
          }
        }
        measured("worst bend beside a channel that changes its device", worst, "of full scale")
        #expect(clean, "round \(round): \(worst)")
      }
      try rig.configure(config(2, output: spare))
      let listener = try SinkListener(rig.server, to: "spare")
      #expect(abs(rig.level(listener, near: -13) + 13) < 0.1)
    }

    private func waitForNumber(_ name: String, _ rig: ChannelRig) throws -> Int? {
      var number: Int?
      waitUntil(timeout: 10) {
        number =
          (try? rig.daemon.client.request("device_find", ["device": .string(name)]))?["device"]?["number"]?.intValue
        return number != nil
      }
      return number
    }

    /// What is wrong is named by its field, and what runs goes on.
    @Test func whatIsWrongChangesNothing() throws {
      let rig = try ChannelRig(channels: 1)
      let before = try rig.configure(ChannelRig.config)
      for (text, field) in [
        (#"{"dsp": {"comp": {"ratio": 0}}}"#, "dsp.comp.ratio"), (#"{"sample_rate": "fast"}"#, "sample_rate"),
        (#"{"logical_channels": {"1": {"input_device_id": 1}}}"#, "logical_channels.1.output_device_id"),
        (#"{"logical_channels": {"one": {"input_device_id": 1, "output_device_id": 2}}}"#, "logical_channels.one"),
        (#"{"dsp": {"comp": {"threshhold_db": -3}}}"#, "dsp.comp.threshhold_db"), (#"{"channels": 3}"#, "channels"),
        (#"{"blocksize": 1}"#, "blocksize"), (#"{"sample_format": "int8"}"#, "sample_format"),
        (#"{"volume": 3}"#, "volume"),
      ] {
        do {
          try rig.configure(text)
          Issue.record("accepted \(text)")
        } catch ControlClientError.refused(let refusal) {
          #expect(refusal.code == .badArgs && refusal.path == field, "\(refusal)")
        }
      }
      #expect(try rig.configure("{}") == before && before["logical_channels"]?["1"]?["input_device_id"] == 1)
      try rig.waitUntilRunning(1...1)
    }

    /// Devices that are not there are waited for, each channel for itself; a line says which.
    @Test func aChannelWaitsForItsDevices() throws {
      let rig = try ChannelRig(channels: 1)
      try rig.configure(ChannelRig.config)
      try rig.waitUntilRunning(1...1)
      let list = try rig.daemon.streamctl(["channels"])
      #expect(
        list.status == 7 && list.standardOutput.contains("degraded") && list.standardOutput.contains("1: in1 -> out1"))
      #expect(list.standardOutput.contains("\"pipewire:output:name/out2\" is not there now"), "\(list.standardOutput)")
      try ChannelRig.plugIn(2, rig.server)
      try rig.server.createSink("out2", channels: 2)
      try rig.waitUntilRunning(1...2)
      try rig.server.destroyNode("in1")
      #expect(
        try waitUntil(timeout: 10) { try rig.status()["logical_channels"]?["1"]?["input"]?["state"] == "waiting" })
      try ChannelRig.plugIn(1, rig.server)
      try rig.waitUntilRunning(1...2)
      // A tone for the one channel's device.
      let listener = try rig.listen(2)
      _ = try rig.daemon.client.request("channels.set", ["channel": 2, "mute": true])
      let tone = try Child(
        [
          Products.streamctl, "test-tone", "--channel", "2", "--seconds", "20", "--socket", rig.daemon.socket,
          "--remote",
          rig.server.remote,
        ], environment: rig.server.environment)
      var level = -200.0
      #expect(
        waitUntil(timeout: 15) {
          level = ToneAnalysis.level(of: 1000, in: listener.record(seconds: 0.4), rate: 48_000)
          return abs(level + 20) < 0.2
        }, "\(level) \(tone.standardError)")
      tone.signal(SIGINT)
      #expect(tone.wait(timeout: 5) == 0 && tone.standardError.contains("channel 2 plays to out2"))
      #expect(try rig.daemon.streamctl(["test-tone", "--channel", "9"]).status == 4)
      #expect(try rig.daemon.streamctl(["test-tone", "--channel", "2", "--sink", "x"]).status == 2)
      #expect(try rig.daemon.streamctl(["channels", "mute", "9"]).status == 4)
      // None are left.
      #expect(try rig.configure(#"{"logical_channels": {}}"#)["logical_channels"] == [:])
      #expect(try waitUntil(timeout: 10) { try !rig.server.nodes().contains { $0.hasPrefix("streamd.channel") } })
      #expect(try rig.status()["state"] == "stopped")
    }

    /// From the file at the start, and as it comes over the command line.
    @Test func channelsComeFromFiles() throws {
      let directory = try TemporaryDirectory()
      func write(_ text: String, _ name: String) throws -> String {
        guard let file = fopen("\(directory.path)/\(name)", "w") else { throw SupportError(name) }
        fputs(text, file)
        fclose(file)
        return "\(directory.path)/\(name)"
      }
      let json = try write(ChannelRig.config, "config.json")
      let toml = try write(
        """
        [channels]
        file = "\(json)"
        sample_format = "float32"
        """, "streamd.toml")
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server, arguments: ["--config", toml])
      let config = try daemon.client.request("channels.config")
      // The file of JSON has the last word.
      #expect(config["sample_format"] == "int16" && config["logical_channels"]?["2"]?["input_device_id"] == 2)
      let change = try write(#"{"blocksize": 128}"#, "change.json")
      #expect(
        try daemon.streamctl(["channels", "config", change]).standardOutput == "taken over until the daemon ends\n")
      let shown = try daemon.streamctl(["channels", "config"]).standardOutput
      #expect(try JSON.parse(Array(shown.utf8))["blocksize"] == 128)
      let bad = try daemon.streamctl(["channels", "config", try write(#"{"blocksize": 0}"#, "bad.json")])
      #expect(bad.status == 2 && bad.standardError.contains("blocksize"))
    }
  }
}

/// A second of sound that is recorded while something is done.
private final class Recorder: @unchecked Sendable {
  private let listener: SinkListener
  private var kept: [Float] = []
  private var thread = pthread_t()

  init(_ listener: SinkListener) {
    self.listener = listener
    pthread_create(&thread, nil, recorderMain, Unmanaged.passUnretained(self).toOpaque())
  }

  func sound() -> [Float] {
    pthread_join(thread, nil)
    return kept
  }

  fileprivate func run() { kept = listener.record(seconds: 0.8) }
}

private func recorderMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<Recorder>.fromOpaque(raw!).takeUnretainedValue().run()
  return nil
}
