import CLinux
import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// The daemon as it is over HTTP.
  @Suite(.serialized, .enabled(if: Products.python != nil, "python3 is not installed"))
  struct HTTPTests {
    private func freePort() throws -> Int { try WebClient.freePort() }

    private func program(_ name: String) -> String { SourceTree.root + "/Tests/WebPrograms/" + name }

    private func token(_ daemon: DaemonUnderTest, _ words: String...) throws -> String {
      let made = try daemon.streamctl(["token"] + words)
      try #require(made.status == 0, "\(made.standardError)")
      return String(made.standardOutput.split(separator: "\n")[0])
    }

    private func curl(_ url: String, _ token: String, _ more: [String] = []) throws -> String {
      try WebClient.curl(url, token, more)
    }

    /// Everything that must be refused is, nothing brings it down, and sound goes on.
    @Test func attacksAreRefusedAndTheDaemonLives() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let port = try freePort()
      let on = try daemon.streamctl(["http", "on", "--port", "\(port)"])
      try #require(on.status == 0, "\(on.standardError)")
      let recorder = try PacketRecorder()
      try daemon.open(recorder)
      let file = try #require(daemon.tokenFile)
      let (admin, control) = (try token(daemon, "show"), try token(daemon, "create", "c", "--scope", "control"))
      let read = try token(daemon, "create", "r")
      let expired = String(repeating: "e", count: 64)
      try file.add(name: "old", secret: expired, expires: 1)
      let before = try daemon.session()["sent"]?["packets"]?.intValue ?? 0
      let python = try #require(Products.python)
      let attack = try Child.run(
        [python, program("attack.py"), "\(port)", admin, control, read, expired] + (Breadth.isLong ? ["--long"] : []),
        timeout: Breadth.isLong ? 900 : 120)
      #expect(attack.status == 0, "\(attack.standardOutput) \(attack.standardError)")
      #expect(daemon.wait(timeout: 0) == nil, "the daemon has ended: \(daemon.log.suffix(2000))")
      let session = try #require(
        try daemon.status()["sessions"]?.arrayValue?.first { $0["session"] == "s1" }, "the session has ended")
      #expect(session["sent"]?["packets"]?.intValue ?? 0 > before)
      #expect(session["sent"]?["encode_errors"] == 0)
    }

    /// Reads figures with Prometheus's own library for Python, and what its checker asks of names and of what is said of them.
    private static let reader = """
      import re, sys
      from prometheus_client.parser import text_string_to_metric_families
      names, text = set(), sys.argv[1]
      for family in text_string_to_metric_families(text):
        assert family.name not in names, f"{family.name} comes twice"
        names.add(family.name)
        assert re.fullmatch("streamd_[a-z0-9_]+", family.name), family.name
        assert family.documentation and family.type in ("counter", "gauge", "histogram", "info"), family
        assert not re.search("_(kilobytes|milliseconds|ms|percent)$", family.name), f"{family.name} has no base unit"
        assert family.samples, f"{family.name} has no figure"
        for sample in family.samples:
          assert (family.type == "counter") == sample.name.endswith("_total"), sample
      assert len(names) == len(re.findall("^# TYPE ", text, re.M)), "a family without figures"
      print("good")
      """

    /// What Prometheus reads is what `status` says, in a form that its library takes.
    @Test func metricsAgreeWithStatus() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let port = try freePort()
      #expect(try daemon.streamctl(["http", "on", "--port", "\(port)"]).status == 0)
      let recorder = try PacketRecorder()
      try daemon.open(recorder, ["name": "tv"])
      try daemon.waitUntilHearing()
      let owner = try token(daemon, "show")
      let before = try JSON.parse(daemon.streamctl(["status", "--json"]).standardOutput)
      let text = try curl("http://127.0.0.1:\(port)/metrics", owner)
      let after = try JSON.parse(daemon.streamctl(["status", "--json"]).standardOutput)
      let figures = Dictionary(
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line -> (String, Double)? in
          guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
            return nil
          }
          return (String(line[..<space]), value)
        }, uniquingKeysWith: { first, _ in first })
      func figure(_ name: String, lies path: (JSON) -> Double?) throws {
        let value = try #require(figures[name], "\(name) is missing in \(text)")
        let (low, high) = (try #require(path(before)), try #require(path(after)))
        #expect(value >= low && value <= high, "\(name): \(value) is not between \(low) and \(high)")
      }
      let labels = #"{session="s1",client="tv"}"#
      try figure("streamd_packets_sent_total\(labels)") { $0["sessions"]?[0]?["sent"]?["packets"]?.doubleValue }
      try figure("streamd_sent_bytes_total\(labels)") { $0["sessions"]?[0]?["sent"]?["bytes"]?.doubleValue }
      try figure("streamd_uptime_seconds") { $0["uptime_s"]?.doubleValue }
      try figure(#"streamd_capture_cycles_total{bus="default-sink"}"#) { $0["captures"]?[0]?["cycles"]?.doubleValue }
      #expect(figures[#"streamd_state{state="ok"}"#] == 1)
      // Histograms: each bound has what the one before has, the last has all, and each packet was encoded once.
      try figure("streamd_encode_seconds_count\(labels)") { $0["sessions"]?[0]?["encode_times"]?["count"]?.doubleValue }
      try figure("streamd_encode_seconds_sum\(labels)") {
        ($0["sessions"]?[0]?["encode_times"]?["total_ms"]?.doubleValue).map { $0 / 1000 }
      }
      for name in ["streamd_encode_seconds", "streamd_capture_to_sent_seconds"] {
        let buckets = text.split(separator: "\n").filter { $0.hasPrefix("\(name)_bucket") }.compactMap {
          Double($0[$0.index(after: $0.lastIndex(of: " ") ?? $0.startIndex)...])
        }
        #expect(buckets.count == 11 && buckets == buckets.sorted(), "\(buckets)")
        #expect(buckets.last == figures["\(name)_count\(labels)"])
      }
      #expect(
        abs(
          (figures["streamd_encode_seconds_count\(labels)"] ?? 0)
            - (figures["streamd_packets_sent_total\(labels)"] ?? 99))
          <= 1)
      let checked = try Child.run(["/usr/bin/python3", "-c", Self.reader, text], timeout: 20)
      #expect(checked.status == 0 && checked.standardOutput == "good\n", "\(checked)")
    }

    /// Every operation that makes sense over HTTP is in the document, and is what `describe` says it is.
    @Test func theDocumentHasEveryOperation() throws {
      let daemon = try DaemonUnderTest(on: nil)
      let port = try freePort()
      #expect(try daemon.streamctl(["http", "on", "--port", "\(port)"]).status == 0)
      let owner = try token(daemon, "show")
      let document = try JSON.parse(curl("http://127.0.0.1:\(port)/api/v1/openapi.json", owner))
      let operations = try #require(try daemon.client.request("describe")["ops"]?.objectValue)
      #expect(operations.count > 50)
      let bound: Set = ["subscribe", "unsubscribe", "ring.open", "ring.close", "http.status", "http.reload"]
      for (name, description) in operations {
        let item = document["paths"]?["/api/v1/\(name)"]
        #expect((item == nil) == bound.contains(name), "\(name)")
        guard let item else { continue }
        let body = item["post"]?["requestBody"]?["content"]?["application/json"]?["schema"]
        let wanted = Set(
          (description["args"]?["properties"]?.objectValue?.keys ?? []).filter { $0 != "while_connected" })
        #expect(Set(body?["properties"]?.objectValue?.keys ?? []) == wanted, "\(name)")
        #expect(item["post"]?["x-scope"] == description["scope"], "\(name)")
        #expect((item["get"] != nil) == (description["scope"] == "read"), "\(name)")
      }
      var ids: Set<String> = []
      for (path, item) in document["paths"]?.objectValue ?? [:] {
        for (method, operation) in item.objectValue ?? [:] {
          let id = operation["operationId"]?.stringValue ?? ""
          #expect(!id.isEmpty && ids.insert(id).inserted, "\(path) \(method): \(id)")
          #expect(operation["responses"]?["200"] != nil && operation["responses"]?["default"] != nil, "\(path)")
        }
      }
    }

    /// Reading again costs nothing where nothing has changed, and a change is refused where something has.
    @Test func tagsTellStatesApart() throws {
      let daemon = try DaemonUnderTest(on: nil)
      let port = try freePort()
      #expect(try daemon.streamctl(["http", "on", "--port", "\(port)"]).status == 0)
      let owner = try token(daemon, "show")
      let base = "http://127.0.0.1:\(port)/api/v1/"
      let head = try curl(base + "setting.list", owner, ["-D", "-", "-o", "/dev/null"])
      let line = try #require(head.split(whereSeparator: \.isNewline).first { $0.lowercased().hasPrefix("etag: ") })
      let tag = String(line.dropFirst(6))
      let status = ["-o", "/dev/null", "-w", "%{http_code}"]
      #expect(try curl(base + "setting.list", owner, status + ["-H", "If-None-Match: \(tag)"]) == "304")
      #expect(try curl(base + "setting.list", owner, status + ["-H", "If-None-Match: \"0\""]) == "200")
      let type = ["-H", "Content-Type: application/json", "-d", "{}"]
      #expect(try curl(base + "setting.reset", owner, status + type + ["-H", "If-Match: \"0\""]) == "412")
      #expect(try curl(base + "setting.reset", owner, status + type + ["-H", "If-Match: \(tag)"]) == "200")
      #expect(try curl(base + "ping", owner, status + type + ["-H", "If-Match: \(tag)"]) == "400")
    }

    @Test func theLANTakesAnExplicitActAndACertificate() throws {
      let daemon = try DaemonUnderTest(on: nil)
      let port = try freePort()
      #expect(try daemon.client.request("http.status")["listening"] == false)
      #expect(try daemon.streamctl(["http", "lan", "--port", "\(port)"]).status == 2)
      let lan = try daemon.streamctl(
        ["http", "lan", "--host", "tower.lan", "--listen", "127.0.0.2", "--port", "\(port)", "--json"])
      try #require(lan.status == 0, "\(lan.standardError)")
      let told = try JSON.parse(lan.standardOutput)
      let owner = try token(daemon, "show")
      #expect(told["url"] == .string("https://tower.lan:\(port)/#token=\(owner)"))
      #expect(try daemon.client.request("http.status")["fingerprint"] == told["fingerprint"])
      let status = ["-o", "/dev/null", "-w", "%{http_code}", "--resolve", "tower.lan:\(port):127.0.0.2"]
      let trusting = ["--cacert", daemon.statePath + "/streamd/http-cert.pem"]
      #expect(try curl("https://tower.lan:\(port)/api/v1/ping", owner, status + trusting) == "200")
      // Nobody else's name, no other certificate's trust, and nothing in the clear.
      #expect(try curl("https://127.0.0.2:\(port)/api/v1/ping", owner, status + ["-k"]) == "403")
      #expect(try curl("https://tower.lan:\(port)/api/v1/ping", owner, status) == "000")
      #expect(try curl("http://tower.lan:\(port)/api/v1/ping", owner, status) == "000")
      #expect(try daemon.streamctl(["http", "off"]).status == 0)
      #expect(try curl("https://tower.lan:\(port)/healthz", owner, status + trusting) == "000")
    }

    /// What the daemon does not take is not in its configuration either.
    @Test func whatIsRefusedIsNotWritten() throws {
      let folder = try TemporaryDirectory()
      let other = folder.path + "/other.toml"
      let file = try #require(fopen(other, "w"))
      fputs("[log]\nlevel = \"info\"\n", file)
      fclose(file)
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--config", other])
      let written = daemon.configurationPath + "/streamd/conf.d/50-http.toml"
      let refused = try daemon.streamctl(["http", "on", "--port", "\(try freePort())"])
      #expect(refused.status == 5 && refused.standardError.contains("reads another configuration"), "\(refused)")
      #expect(access(written, F_OK) != 0)
      daemon.stop()
      // A port that somebody else has: what was there before stays, open and written.
      let usual = try DaemonUnderTest(on: nil)
      let port = try freePort()
      #expect(try usual.streamctl(["http", "on", "--port", "\(port)"]).status == 0)
      let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(taken) }
      var place = sockaddr_in()
      place.sin_family = sa_family_t(AF_INET)
      place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isTaken = withUnsafeMutablePointer(to: &place) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(taken, $0, size) == 0 && listen(taken, 1) == 0 && getsockname(taken, $0, &size) == 0
        }
      }
      try #require(isTaken)
      let busy = UInt16(bigEndian: place.sin_port)
      #expect(try usual.streamctl(["http", "on", "--port", "\(busy)"]).status != 0)
      #expect(try usual.client.request("http.status")["listen"] == .string("127.0.0.1:\(port)"))
      let kept = try Child.run(["cat", usual.configurationPath + "/streamd/conf.d/50-http.toml"]).standardOutput
      #expect(kept.contains("127.0.0.1:\(port)"), "\(kept)")
    }

    /// The key's owner dies, and the microphone shuts.
    @Test func pushToTalkEndsWithItsHolder() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      func isOpen() throws -> Bool? { try daemon.client.request("ptt.list")["targets"]?[0]?["open"]?.boolValue }
      func word() throws -> JSON? { try daemon.client.request("mic.list")["mic"]?["state"] }
      _ = try daemon.client.request("ptt.rule")
      #expect(try isOpen() == false)
      #expect(try word() == "muted")
      let holder = try Child([Products.streamctl, "ptt", "hold", "--socket", daemon.socket])
      defer { holder.stop() }
      #expect(try waitUntil(timeout: 10) { try isOpen() == true })
      #expect(try word() != "muted")
      holder.signal(SIGKILL)
      #expect(try waitUntil(timeout: 10) { try isOpen() == false })
      #expect(try word() == "muted")
      // A press ends by itself.
      _ = try daemon.client.request("ptt.press", ["ttl_ms": 50])
      #expect(try waitUntil(timeout: 10) { try isOpen() == false })
      // Whoever mutes by hand is not overruled by a key.
      _ = try daemon.client.request("mic.update", ["muted": true])
      _ = try daemon.client.request("ptt.press")
      #expect(try word() == "muted")
      _ = try daemon.client.request("ptt.release")
      // A node of the graph.
      _ = try daemon.client.request("create_node", ["type": "gain", "name": "voice"])
      _ = try daemon.client.request("create_node", ["type": "tone", "name": "tone"])
      func muted() throws -> Double? {
        try daemon.client.request("get", ["id": "voice"])["node"]?["params"]?["mute"]?.doubleValue
      }
      _ = try daemon.client.request("ptt.rule", ["target": "node:voice"])
      #expect(try muted() == 1)
      _ = try daemon.client.request("ptt.press", ["target": "node:voice"])
      #expect(try muted() == 0)
      _ = try daemon.client.request("ptt.release", ["target": "node:voice"])
      #expect(try waitUntil(timeout: 10) { try muted() == 1 })
      _ = try daemon.client.request("ptt.rule", ["target": "node:voice", "ruled": false])
      #expect(try muted() == 0)
      for target in ["node:tone", "node:nobody", "mic:nobody", "channel:1", "what"] {
        #expect(throws: ControlClientError.self, "\(target)") {
          try daemon.client.request("ptt.press", ["target": .string(target)])
        }
      }
    }

    @Test(.enabled(if: access("/usr/bin/chromium", X_OK) == 0, "chromium is not installed"))
    func aBrowserSeesThePage() throws {
      let server = try PrivatePipeWire(microphone: true)
      let python = try #require(Products.python)
      let looked = try Child.run(
        [python, program("page.py"), "/usr/bin/chromium", Products.streamd, Products.streamctl, "\(try freePort())"],
        environment: server.environment, timeout: 180)
      #expect(looked.status == 0, "\(looked.standardOutput) \(looked.standardError)")
      for line in looked.standardOutput.split(separator: "\n") where line.contains(" heard after ") {
        print("page: \(line)")
      }
    }
  }
}

/// The file of tokens, for what no command makes.
struct TokenFileUnderTest {
  let path: String

  func add(name: String, secret: String, expires: Int) throws {
    let file = try #require(fopen(path, "r+"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, file)
    var book = try #require(try JSON.parse(Array(bytes[..<count])).objectValue)
    let token: JSON = [
      "name": .string(name), "scope": "admin", "token": .string(secret), "expires": JSON(expires),
    ]
    book["tokens"] = .array((book["tokens"]?.arrayValue ?? []) + [token])
    rewind(file)
    let text = JSON.object(book).text
    #expect(fwrite(text, 1, text.utf8.count, file) == text.utf8.count)
  }
}

extension DaemonUnderTest {
  var tokenFile: TokenFileUnderTest? { TokenFileUnderTest(path: statePath + "/streamd/http-tokens.json") }
}
