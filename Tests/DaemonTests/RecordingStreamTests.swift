import AudioCore
import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Recordings by the daemon, of a server of their own.
  @Suite(.serialized) struct RecordingStreamTests {
    private func event(_ client: ControlClient, _ topic: String, timeout: Double = 10) throws -> JSON? {
      let end = monotonicSeconds() + timeout
      while monotonicSeconds() < end {
        if let event = try client.nextEvent(timeout: .seconds(1)), event.topic == topic { return event.data }
      }
      return nil
    }

    private func seconds(_ daemon: DaemonUnderTest, _ uri: String) throws -> Double {
      let streams = try daemon.client.request("stream_list")["streams"]?.arrayValue ?? []
      return streams.first { $0["uri"]?.stringValue == uri }?["seconds"]?.doubleValue ?? -1
    }

    /// Ten seconds in the long run; what comes out is a tone without a break, and as long as was said.
    @Test func aMicrophoneIsRecordedAndExported() throws {
      let server = try PrivatePipeWire(microphone: true)
      let daemon = try DaemonUnderTest(on: server)
      let watcher = try ControlClient(path: daemon.socket)
      _ = try watcher.request("subscribe", ["topics": ["stream_started", "stream_head_position"]])
      let chunks = try ControlClient(path: daemon.socket)
      _ = try chunks.request("subscribe", ["topics": ["stream_chunk_full"]])
      let folder = try TemporaryDirectory()
      let length = Double(Breadth.rounds(short: 2, long: 10))
      let reply = try daemon.client.request(
        "stream_start",
        [
          "uri": "stream://test/mic", "device": .string(PrivatePipeWire.microphoneName),
          "format": ["type": "audio", "sample_rate": 48_000, "channels": 2, "sample_format": "s24"],
          "chunk_bytes": 98_304, "path": .string(folder.path + "/take"),
        ], timeout: .seconds(20))
      #expect(reply["streams"]?[0]?["uri"] == "stream://test/mic")
      #expect(try event(watcher, "stream_started")?["device"]?.stringValue == PrivatePipeWire.microphoneName)
      #expect(try event(watcher, "stream_head_position")?["uri"] == "stream://test/mic")
      #expect(try waitUntil(timeout: length + 20) { try seconds(daemon, "stream://test/mic") >= length / 2 })
      let named = folder.path + "/second.chunk"
      _ = try daemon.client.request(
        "stream_switch_chunk", ["uri": "stream://test/mic", "new_chunk_path": .string(named)])
      for path in ["relative", folder.path + "/none/x", folder.path + "/take", "/proc/x"] {
        let refusal = try? daemon.client.request(
          "stream_switch_chunk", ["uri": "stream://test/mic", "new_chunk_path": .string(path)])
        #expect(refusal == nil, "\(path)")
      }
      #expect(try waitUntil(timeout: length + 20) { try seconds(daemon, "stream://test/mic") >= length })
      let stats = try daemon.client.request("stream_stats", ["uri": "stream://test/mic"])["streams"]?[0]
      #expect(stats?["write_errors"] == 0 && stats?["dropped_frames"] == 0)
      #expect((stats?["callbacks"]?.intValue ?? 0) > 10 && (stats?["peak_dbfs"]?.doubleValue ?? -200) > -20)
      let last = try daemon.client.request("stream_stop", ["uri": "stream://test/mic"], timeout: .seconds(20))
      #expect(last["saved"] == true)
      let frames = try #require(last["stream"]?["frames"]?.intValue)

      // Every chunk was told, in order and without a hole.
      var end = 0
      var numbers: [Int] = []
      while let chunk = try event(chunks, "stream_chunk_full", timeout: 2) {
        #expect(chunk["position"]?.intValue == end)
        end += chunk["length"]?.intValue ?? 0
        numbers.append(chunk["number"]?.intValue ?? 0)
      }
      #expect(numbers == Array(1...max(numbers.count, 1)) && numbers.count >= 2)
      // The chunk behind the one that was ended has the name that somebody wanted, too.
      #expect(
        try Child.run(["find", folder.path + "/take", "-samefile", named]).standardOutput.contains(".chunk"))
      #expect(end == last["stream"]?["position"]?.intValue)

      let wav = folder.path + "/take.wav"
      let export = try daemon.streamctl(["record", "export", folder.path + "/take", "--out", wav, "--json"])
      #expect(export.status == 0, "\(export.standardError)")
      let probe = try Child.run([
        "ffprobe", "-v", "error", "-show_entries", "stream=sample_rate,channels,duration_ts,codec_name", "-of",
        "csv=p=0", wav,
      ])
      #expect(probe.standardOutput.contains("pcm_s24le,48000,2,\(frames)"), "\(probe.standardOutput)")
      let verified = try daemon.streamctl(["record", "show", folder.path + "/take", "--verify", "--json"])
      let shown = try JSON.parse(verified.standardOutput)
      #expect(verified.status == 0 && shown["broken"]?.arrayValue?.isEmpty == true)
      // The last half second of a tone, as it was played.
      let slice = folder.path + "/slice.raw"
      let cut = try Child.run([
        "sh", "-c", "exec \"$0\" record slice \"$1\" --last 0.5 > \"$2\"", Products.streamctl, folder.path + "/take",
        slice,
      ])
      #expect(cut.status == 0)
      #expect(try Child.run(["stat", "-c", "%s", slice]).standardOutput == "\(24_000 * 6)\n")
    }

    @Test func severalBeginAtOnceAndTheDesktopIsHeardToo() throws {
      let server = try PrivatePipeWire(microphone: true)
      let daemon = try DaemonUnderTest(on: server)
      let folder = try TemporaryDirectory()
      let devices = ["desktop", PrivatePipeWire.microphoneName]
      let streams = devices.map { device -> JSON in
        ["uri": .string("stream://\(device)"), "device": .string(device), "path": .string(folder.path + "/" + device)]
      }
      _ = try daemon.client.request("stream_start", ["streams": .array(streams)], timeout: .seconds(30))
      #expect(try waitUntil(timeout: 20) { try devices.allSatisfy { try seconds(daemon, "stream://\($0)") > 0.5 } })
      var starts: [Int] = []
      for device in devices {
        let last = try daemon.client.request(
          "stream_stop", ["uri": .string("stream://\(device)")], timeout: .seconds(20))
        #expect(last["saved"] == true)
        starts.append(last["stream"]?["wall_clock"]?.intValue ?? -starts.count)
      }
      // The same point of the monotonic clock; the wall clock is asked twice.
      #expect(starts.count == 2 && abs(starts[0] - starts[1]) < 1_000_000)
    }

    /// The server dies and comes back: the recording is the same one, with a hole as long as the absence.
    @Test func aRecordingOutlivesTheServer() throws {
      let server = try PrivatePipeWire(microphone: true)
      let daemon = try DaemonUnderTest(on: server)
      let watcher = try ControlClient(path: daemon.socket)
      _ = try watcher.request("subscribe", ["topics": ["stream_gap", "stream_error"]])
      let folder = try TemporaryDirectory()
      _ = try daemon.client.request(
        "stream_start",
        [
          "uri": "stream://mic", "device": .string(PrivatePipeWire.microphoneName),
          "path": .string(folder.path + "/take"),
        ], timeout: .seconds(20))
      #expect(try waitUntil(timeout: 20) { try seconds(daemon, "stream://mic") > 0.5 })
      server.kill(.pipewire)
      #expect(try event(watcher, "stream_error")?["recovered"] == false)
      try server.restartServer()
      let gap = try event(watcher, "stream_gap", timeout: 30)
      #expect(gap?["cause"] == "device")
      let last = try daemon.client.request("stream_stop", ["uri": "mic"], timeout: .seconds(20))
      let stream = last["stream"] ?? .null
      let missing = gap?["frames"]?.intValue ?? 0
      // It has waited for what the test has waited for; whose clock was right is for tests under virtual time to say.
      #expect(missing > 0 && stream["position"]?.intValue == (stream["frames"]?.intValue ?? 0) + missing)
    }

    @Test func whatCannotBeRecordedIsSaidByField() throws {
      let server = try PrivatePipeWire(microphone: true)
      let daemon = try DaemonUnderTest(on: server)
      let microphone = PrivatePipeWire.microphoneName
      func refusal(_ arguments: JSONObject) throws -> ControlError? {
        do { _ = try daemon.client.request("stream_start", arguments, timeout: .seconds(20)) } catch {
          if case .refused(let refusal) = error { return refusal }
          throw error
        }
        return nil
      }
      let near = try refusal(["uri": "a", "device": "privat-mic"])
      #expect(near?.code == .notFound && near?.path == "device" && near?.hint?.contains(microphone) == true)
      let rate = try refusal(["uri": "a", "device": .string(microphone), "format": ["sample_rate": 44_100]])
      #expect(rate?.path == "format.sample_rate" && rate?.detail == "rate_mismatch")
      let channels = try refusal(["uri": "a", "device": .string(microphone), "format": ["channels": 6]])
      #expect(channels?.path == "format.channels" && channels?.detail == "channel_mismatch")
      for labels in [["FL", "LFE"], ["FL", "FL"], ["XX"], []] as [JSON] {
        let none = try refusal(["uri": "a", "device": .string(microphone), "format": ["labels": labels]])
        #expect(none?.path == "format.labels", "\(labels)")
      }
      #expect(try refusal(["uri": "a", "device": "bus:none"])?.path == "device")
      #expect(try refusal(["uri": "a", "device": "sink:none"])?.path == "device")
      #expect(try refusal(["device": "desktop"])?.path == "uri")
      #expect(try refusal(["uri": "a", "device": "desktop", "path": "relative"])?.path == "path")
      #expect(try refusal(["uri": "a", "device": "desktop", "path": "/proc/x/y"])?.path == "path")
      #expect(try refusal(["uri": "a", "device": "desktop", "chunk_bytes": 4095])?.path == "chunk_bytes")
      #expect(try refusal(["uri": "a", "device": "desktop", "format": ["type": "midi"]])?.path == "format.type")
      let inGroup = try refusal([
        "streams": [["uri": "a", "device": "desktop"], ["uri": "b", "device": "nothing"]]
      ])
      #expect(inGroup?.path == "streams[1].device")
      // None of them is there.
      #expect(try daemon.client.request("stream_list")["streams"]?.arrayValue?.isEmpty == true)
    }

    /// The daemon is killed; the next one brings in order what it left.
    @Test func whatAKilledDaemonLeftIsRecovered() throws {
      let server = try PrivatePipeWire(microphone: true)
      let daemon = try DaemonUnderTest(on: server)
      let folder = try TemporaryDirectory()
      _ = try daemon.client.request(
        "stream_start",
        [
          "uri": "stream://mic", "device": .string(PrivatePipeWire.microphoneName),
          "path": .string(folder.path + "/take"),
        ], timeout: .seconds(20))
      #expect(try waitUntil(timeout: 20) { try seconds(daemon, "stream://mic") > 0.5 })
      daemon.signal(SIGKILL)
      _ = daemon.wait()
      let next = try DaemonUnderTest(on: server)
      #expect(
        waitUntil(timeout: 10) { next.log.contains("left by a process that was killed, is whole") }, "\(next.log)")
      let shown = try next.streamctl(["record", "show", folder.path + "/take", "--verify", "--json"])
      let facts = try JSON.parse(shown.standardOutput)
      #expect(shown.status == 0 && facts["growing"] == false && (facts["seconds"]?.doubleValue ?? 0) > 0.5)
      let again = try next.streamctl(["record", "recover", folder.path + "/take", "--json"])
      #expect(again.status == 0)
      #expect(try JSON.parse(again.standardOutput)["recordings"]?[0]?["saved_frames"] == 0)
    }
  }
}
