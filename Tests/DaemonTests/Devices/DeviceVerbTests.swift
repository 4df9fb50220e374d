import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Devices as the socket and the command line have them.
  @Suite(.serialized) struct DeviceVerbTests {
    private func names(_ reply: JSON) -> Set<String> {
      Set(reply["devices"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? [])
    }

    private func refusal(_ daemon: DaemonUnderTest, _ verb: String, _ arguments: JSONObject) -> ControlError? {
      do throws(ControlClientError) {
        _ = try daemon.client.request(verb, arguments)
        return nil
      } catch { if case .refused(let refusal) = error { return refusal } else { return nil } }
    }

    @Test func devicesAreListedAndFound() throws {
      let server = try PrivatePipeWire(microphone: true)
      try server.createNode("usb-1", mediaClass: "Audio/Sink", channels: 2, description: "Twin")
      try server.createNode("usb-2", mediaClass: "Audio/Sink", channels: 2, description: "Twin")
      try server.createNode("bluez_input.AA", mediaClass: "Audio/Source", channels: 1, description: "Headset")
      let daemon = try DaemonUnderTest(on: server)
      let client = daemon.client
      #expect(waitUntil(timeout: 10) { (try? names(client.request("device_list")).contains("bluez_input.AA")) == true })
      let outputs = try client.request("device_list", ["direction": "output"])
      #expect(names(outputs) == [PrivatePipeWire.sinkName, "usb-1", "usb-2"], "\(outputs)")
      #expect(outputs["backends"]?["pipewire"]?["state"] == "listed")
      let inputs = try client.request("device_list", ["direction": "input", "backend": "pipewire"])
      #expect(names(inputs).isSuperset(of: [PrivatePipeWire.microphoneName, "bluez_input.AA"]))
      let headset = inputs["devices"]?.arrayValue?.first { $0["name"] == "bluez_input.AA" }
      #expect(headset?["held_back"]?.stringValue?.contains("bluetooth") == true, "\(String(describing: headset))")
      let found = try client.request("device_find", ["device": "private microphone"])["device"] ?? .null
      #expect(found["name"] == .string(PrivatePipeWire.microphoneName) && found["direction"] == "input")
      #expect(try client.request("device_find", ["device": found["id"]!])["device"] == found)
      let twins = try #require(refusal(daemon, "device_find", ["device": "Twin"]))
      #expect(twins.code == .conflict && twins.detail == "ambiguous_device", "\(twins)")
      #expect(twins.hint?.contains("usb-1") == true && twins.hint?.contains("usb-2") == true)
      let near = try #require(refusal(daemon, "device_find", ["device": "private-micc"]))
      #expect(
        near.code == .notFound && near.detail == "unknown_device" && near.hint?.contains("\"private-mic\"") == true)
      #expect(refusal(daemon, "device_find", ["device": "x", "direction": "sideways"])?.code == .badArgs)
      let line = try daemon.streamctl(["devices", "--outputs"])
      #expect(line.status == 0 && line.standardOutput.contains("pipewire:output:name/usb-1"), "\(line)")
      #expect(try daemon.streamctl(["devices", "find", "Twin"]).status == 5)
      #expect(try daemon.streamctl(["devices", "find", "private-micc"]).status == 4)
      let json = try daemon.streamctl(["devices", "--inputs", "--json"]).standardOutput
      #expect(names(try JSON.parse(Array(json.utf8))).contains(PrivatePipeWire.microphoneName))
    }

    /// What else a client asks is answered meanwhile; who hangs up waits no more.
    @Test func aDeviceIsWaitedFor() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let program = try Child(
        [Products.streamctl, "devices", "wait", "Late*", "--timeout", "30", "--json", "--socket", daemon.socket])
      let line = try LineClient(path: daemon.socket)
      try line.send(#"{"id":1,"op":"device_wait","args":{"device":"late-sink","timeout":30}}"#)
      try line.send(#"{"id":2,"op":"ping"}"#)
      #expect(try line.reply()["id"] == 2)
      #expect(program.status == nil)
      try server.createNode("late-sink", mediaClass: "Audio/Sink", channels: 2, description: "Late one")
      let reply = try line.reply()
      #expect(reply["id"] == 1 && reply["result"]?["device"]?["name"] == "late-sink", "\(reply)")
      #expect(
        program.wait(timeout: 10) == 0 && program.standardOutput.contains("Late one"), "\(program.standardOutput)")
      let late = try #require(refusal(daemon, "device_wait", ["device": "late-snik", "timeout": 0.05]))
      #expect(late.code == .timeout && late.detail == "unknown_device" && late.hint?.contains("late-sink") == true)
      // So many may wait, and places come back with clients that go.
      for _ in 0..<2 {
        let waiting = try (0..<5).map { _ in try LineClient(path: daemon.socket) }
        for client in waiting {
          for number in 0..<14 {
            try client.send(#"{"id":\#(number),"op":"device_wait","args":{"device":"never","timeout":600}}"#)
          }
          try client.send(#"{"id":"last","op":"ping"}"#)
        }
        var refused = 0
        for client in waiting {
          while true {
            let reply = try client.reply()
            if reply["id"] == "last" { break }
            #expect(reply["error"]?["code"] == "busy", "\(reply)")
            refused += 1
          }
        }
        #expect(refused <= 70 - 64)
        for client in waiting { client.close() }
      }
      #expect(
        waitUntil(timeout: 5) {
          refusal(daemon, "device_wait", ["device": "never", "timeout": 0])?.code == .timeout
        })
    }

    @Test func comingAndGoingIsTold() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      try #require(
        waitUntil(timeout: 10) {
          (try? names(daemon.client.request("device_list")).contains(PrivatePipeWire.sinkName)) == true
        })
      let client = try ControlClient(path: daemon.socket)
      let snapshot = try client.request("subscribe", ["topics": ["devices"]])
      let listed = names(snapshot["topics"]?["devices"]?["snapshot"] ?? .null)
      #expect(listed.contains(PrivatePipeWire.sinkName))
      func next(_ change: String, _ fits: (JSON) -> Bool) throws -> JSON {
        while let event = try client.nextEvent(timeout: .seconds(10)) {
          if event.data["change"]?.stringValue == change, fits(event.data) { return event.data }
        }
        throw SupportError("no event \(change)")
      }
      let isExtra = { (data: JSON) in data["device"]?["name"] == "extra" }
      try server.createSink("extra", channels: 2)
      let added = try next("added", isExtra)
      try server.setDefaultSink("extra")
      let chosen = try next("default") { isExtra($0) && $0["direction"] == "output" }
      #expect(chosen["device"]?["id"] == added["device"]?["id"] && chosen["device"]?["default"] == true)
      try server.destroyNode("extra")
      #expect(try next("removed", isExtra)["device"]?["id"] == added["device"]?["id"])
    }

    /// ALSA's own, from a configuration; JACK's absence is said, and is no error.
    @Test func otherSoundSystemsAreListedOnceAskedFor() throws {
      let card = try SoftCard()
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(
        on: server, environment: ["ALSA_CONFIG_PATH": card.configuration, "JACK_DEFAULT_SERVER": "streamd-test-none"])
      let before = try daemon.client.request("device_list")
      #expect(!names(before).contains("nothing"))
      let alsa = try daemon.client.request("device_list", ["backend": "alsa", "direction": "output"])
      #expect(names(alsa) == ["card", "default", "nothing", "tofile", "fromfile"], "\(alsa)")
      #expect(
        try daemon.client.request("device_find", ["device": "alsa:nothing", "direction": "input"])["device"]?["backend"]
          == "alsa")
      let jack = try daemon.client.request("device_list", ["backend": "jack"])
      #expect(jack["devices"] == [] && jack["backends"]?["jack"]?["state"] == "unavailable", "\(jack)")
    }
  }
}

/// A connection on which replies may come in any order.
final class LineClient {
  private var descriptor: Int32
  private var bytes: [UInt8] = []

  /// Reads the daemon's first line.
  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw SupportError("connect \(path): \(errno)") }
    _ = try reply()
  }

  deinit { close() }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  func send(_ line: String) throws {
    let text = Array((line + "\n").utf8)
    guard Glibc.send(descriptor, text, text.count, Int32(MSG_NOSIGNAL)) == text.count else {
      throw SupportError("send: \(errno)")
    }
  }

  /// The next line of the daemon's.
  func reply(timeout seconds: Int32 = 15) throws -> JSON {
    while true {
      if let end = bytes.firstIndex(of: 0x0A) {
        let line = Array(bytes[..<end])
        bytes.removeFirst(end + 1)
        return try JSON.parse(line)
      }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, seconds * 1000) > 0 else { throw SupportError("no reply") }
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { throw SupportError("the connection has ended") }
      bytes += buffer[..<count]
    }
  }
}
