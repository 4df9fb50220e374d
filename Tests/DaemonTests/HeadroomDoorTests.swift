import Control
import Glibc
import TestSupport
import Testing

/// As small a client of headroom's protocol as there can be.
private final class HeadroomClient {
  private let socket: Int32
  private var input: [UInt8] = []
  private var lastID = 0
  /// What came while an answer was awaited.
  private(set) var events: [JSON] = []

  init(_ path: String) throws {
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else { throw SupportError("connect \(path): \(errno)") }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(socket) }

  func send(_ body: [UInt8]) throws {
    let length: [UInt8] = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: body.count >> $0) }
    let bytes = length + body
    guard Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw SupportError("send: \(errno)")
    }
  }

  private func read(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes { recv(socket, $0.baseAddress! + done, count - done, 0) }
      guard got > 0 else { throw SupportError("recv: \(got) \(errno)") }
      done += got
    }
    return bytes
  }

  func receive() throws -> JSON {
    let length = try read(4).reduce(0) { $0 << 8 | Int($1) }
    return try JSON.parse(try read(length))
  }

  /// The whole answer.
  func ask(_ op: String, _ args: JSON? = nil) throws -> JSON {
    lastID += 1
    var message: JSONObject = ["id": JSON(lastID), "op": .string(op)]
    if let args { message["args"] = args }
    try send(JSON.object(message).bytes)
    while true {
      let frame = try receive()
      if frame["event"] != nil { events.append(frame) } else if frame["id"] == JSON(lastID) { return frame }
    }
  }

  func result(_ op: String, _ args: JSON? = nil) throws -> JSON {
    let answer = try ask(op, args)
    return try #require(answer["result"], "\(op): \(answer)")
  }

  func code(_ op: String, _ args: JSON? = nil) throws -> JSON? { try ask(op, args)["error"]?["code"] }

  /// The next event of that name, or one that has come already.
  func event(_ name: String) throws -> JSON {
    if let place = events.firstIndex(where: { $0["event"] == .string(name) }) { return events.remove(at: place) }
    for _ in 0..<2000 {
      let frame = try receive()
      if frame["event"] == .string(name) { return frame }
    }
    throw SupportError("no \(name)")
  }
}

extension DaemonTests {
  /// headroom's protocol, spoken with a daemon.
  @Suite(.serialized) struct HeadroomDoorTests {
    private func run(_ body: (DaemonUnderTest, HeadroomClient, PrivatePipeWire) throws -> Void) throws {
      let server = try PrivatePipeWire()
      defer { server.stop() }
      let directory = try TemporaryDirectory()
      let path = directory.path + "/headroom/control.sock"
      let file = directory.path + "/config.toml"
      guard let stream = fopen(file, "w") else { throw SupportError("cannot write \(file)") }
      fputs("[control]\nheadroom_socket = \"\(path)\"\n[routing]\nprofile = \"default\"\n", stream)
      fclose(stream)
      let daemon = try DaemonUnderTest(
        on: server, arguments: ["--config", file], environment: ["HOME": directory.path])
      defer { daemon.stop() }
      try body(daemon, try HeadroomClient(path), server)
      #expect(daemon.stop() == 0)
      #expect(access(path, F_OK) != 0)
    }

    @Test func aClientFindsItsWay() throws {
      try run { daemon, client, _ in
        let hello = try client.receive()
        #expect(hello["event"] == "hello" && hello["topic"] == "control" && hello["data"]?["protocol"] == 1)
        #expect(try client.result("hello", ["protocol": 1])["daemon"] == "headroom")
        let status = try client.result("status")
        #expect(
          Set(status.objectValue?.keys ?? []) == [
            "version", "protocol", "uptime_s", "profile", "bypass", "per_app", "sinks", "streams", "layer_a",
            "warnings", "setting_overrides",
          ])
        #expect(status["profile"] == "default" && status["bypass"] == false)
        waitUntil(timeout: 15) {
          (try? client.result("status")["sinks"]?["real"]?["ready"]) == true
        }
        let real = try client.result("status")["sinks"]?["real"]
        #expect(real?["name"]?.stringValue == PrivatePipeWire.sinkName && (real?["node_id"]?.intValue ?? 0) > 0)

        let profiles = try client.result("profile.list")["profiles"]?.arrayValue ?? []
        #expect(profiles.contains { $0["name"] == "night" } && profiles.count { $0["active"] == true } == 1)
        #expect(
          try client.result("subscribe", ["topics": ["profile", "routing", "daemon"]])["subscribed"]?[2] == "daemon")
        let started = try client.event("started")
        #expect(started["topic"] == "daemon" && started["data"]?["active_missing"] == false)
        #expect(try client.result("profile.use", ["name": "quiet-hours"]) == ["name": "quiet-hours"])
        #expect(try client.event("used")["data"] == ["name": "quiet-hours"])
        let shown = try client.result("profile.show")
        #expect(shown["limiter"]?["ceiling_dbtp"]?.doubleValue == -6 && shown["rules"]?.arrayValue != nil)
        #expect(try client.code("profile.use", ["name": "nihgt"]) == "NOT_FOUND")
        #expect(try client.result("profile.reload")["reloaded"]?.arrayValue?.isEmpty == false)
        #expect(try client.event("reloaded")["topic"] == "profile")

        #expect(try client.result("route.set", ["app": "mpv", "to": "bypass"]) == .null)
        #expect(try client.event("rule_changed")["data"] == [:])
        #expect(try client.code("route.set", ["app": "mpv", "to": "sideways"]) == "INVALID_ARGS")
        #expect(try client.result("route.list")["default_route"] == "processed")
        #expect(try client.result("route.unset", ["app": "mpv"]) == .null)
        #expect(try client.code("route.unset", ["app": "mpv"]) == "NOT_FOUND")
        #expect(try client.code("route.stream", ["node_id": 4_000_000, "to": "bypass"]) == "NOT_FOUND")
        try settings(client)
        try faults(client)
        // Ours sees what theirs did.
        #expect(try daemon.status()["profile"] == "quiet-hours")
      }
    }

    private func settings(_ client: HeadroomClient) throws {
      #expect(try client.result("setting.set", ["key": "limiter.ceiling_dbtp", "value": -3]) == .null)
      let value = try client.result("setting.get", ["key": "limiter.ceiling_dbtp"])
      #expect(value["key"] == "limiter.ceiling_dbtp" && value["value"]?.doubleValue == -3)
      #expect(try client.result("setting.list")["settings"]?["limiter.ceiling_dbtp"]?.doubleValue == -3)
      #expect(try client.result("status")["setting_overrides"]?["limiter.ceiling_dbtp"]?.doubleValue == -3)
      #expect(try client.code("setting.set", ["key": "limiter.ceiling_dbtp", "value": 12]) == "INVALID_ARGS")
      #expect(try client.code("setting.get", ["key": "limiter.cieling"]) == "NOT_FOUND")
      #expect(
        try client.result("setting.clear", ["key": "limiter.ceiling_dbtp"]) == [
          "key": "limiter.ceiling_dbtp", "cleared": true,
        ])
      #expect(try client.result("setting.reset") == ["cleared": 0])
      #expect(try client.result("bypass.set", ["enabled": true]) == .null)
      #expect(try client.result("status")["bypass"] == true)
      #expect(try client.result("bypass.set", ["enabled": false]) == .null)
      #expect(try client.result("per-app.list") == ["layer_a": []])
      #expect(try client.result("per-app.master", ["enabled": true]) == .null)
      #expect(try client.result("per-app.set", ["app": "mpv", "enabled": true]) == .null)
      #expect(try client.result("status")["per_app"] == true)
      #expect(try client.code("per-app.reset", ["node_id": 4_000_000]) == "NOT_FOUND")
    }

    private func faults(_ client: HeadroomClient) throws {
      #expect(try client.code("profile.lst") == "UNKNOWN_OP")
      #expect(try client.code("bypass.set", ["enabled": "yes"]) == "INVALID_ARGS")
      try client.send(Array("not JSON".utf8))
      #expect(try client.receive()["error"]?["code"] == "INVALID_MESSAGE")
      try client.send([UInt8](repeating: 0x20, count: (1 << 20) + 1))
      #expect(try client.receive()["error"]?["code"] == "INVALID_FRAME")
      #expect(try client.result("subscribe", ["topics": []]) == ["subscribed": []])
    }

    @Test func metersTickAndTheEndIsTold() throws {
      try run { daemon, client, _ in
        #expect(try client.receive()["event"] == "hello")
        _ = try client.result("subscribe", ["topics": ["meters", "daemon"]])
        for _ in 0..<3 {
          let tick = try client.event("tick")
          let data = try #require(tick["data"]?.objectValue)
          #expect(
            Set(data.keys) == [
              "momentary_lufs", "shortterm_lufs", "integrated_lufs", "true_peak_dbtp", "gain_reduction_db",
              "compressor_gr_db", "limiter_gr_db", "agc_gain_db", "agc_enabled", "compressor_enabled",
            ])
          #expect(data["momentary_lufs"]?.doubleValue == -200 && data["agc_enabled"] == true)
        }
        _ = try client.result("unsubscribe", ["topics": ["meters"]])
        daemon.signal(SIGTERM)
        #expect(try client.event("shutdown") == ["event": "shutdown", "topic": "daemon", "data": [:]])
        #expect(throws: SupportError.self) { while true { _ = try client.receive() } }
      }
    }

    @Test func whatPlaysIsToldOf() throws {
      try run { daemon, client, server in
        let directory = try TemporaryDirectory()
        let file = directory.path + "/tone.wav"
        try TestTone(channels: 2, level: -3).write(to: file, seconds: 60)
        #expect(try client.receive()["event"] == "hello")
        #expect(try client.result("per-app.master", ["enabled": true]) == .null)
        #expect(try client.result("per-app.set", ["app": "pw-cat", "enabled": true]) == .null)
        _ = try client.result("subscribe", ["topics": ["meters", "routing"]])
        var player = try server.start(["pw-cat", "--playback", file])
        defer { player.stop() }
        // WirePlumber 0.4 may overlook a player that comes while it is busy.
        for _ in 0..<4 where !waitUntil(timeout: 5, { isPlaying(client) }) {
          player.stop()
          player = try server.start(["pw-cat", "--playback", file])
        }
        let routed = try client.event("stream_routed")["data"]
        #expect(routed?["app"] == "pw-cat" && routed?["to"] == "processed" && routed?["node_id"]?.intValue != nil)
        #expect(try client.event("layer_a_attached")["data"]?["app"] == "pw-cat")
        // It is far too loud for its level to stay.
        let level = try client.event("layer_a_level")
        #expect(level["topic"] == "meters" && (level["data"]?["reduction_db"]?.doubleValue ?? 0) > 0)
        #expect((level["data"]?["volume_lin"]?.doubleValue ?? 2) < 1)
        let kept = try client.result("per-app.list")["layer_a"]?[0]
        #expect(kept?["app"] == "pw-cat" && kept?["managed"] == true && kept?["deferred"] == false)
        var loudness = -200.0
        for _ in 0..<400 where loudness < -60 {
          loudness = try client.event("tick")["data"]?["momentary_lufs"]?.doubleValue ?? -200
        }
        #expect(loudness > -60 && loudness < 0)
        player.stop()
        _ = try client.event("stream_removed")
        _ = try client.event("layer_a_detached")
      }
    }

    private func isPlaying(_ client: HeadroomClient) -> Bool {
      ((try? client.result("status")["streams"]?.arrayValue) ?? []).isEmpty == false
    }
  }
}
