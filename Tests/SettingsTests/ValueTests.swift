import Testing

@testable import Settings

/// What good files become.
@Suite struct ValueTests {
  @Test func nothingGivesTheDocumentedDefaults() throws {
    let settings = try Settings.parse(text: "", name: "empty")
    #expect(settings == Settings())
    #expect(settings.capture.target == .defaultSink)
    #expect(settings.capture.latency == .balanced)
    #expect(settings.capture.latency.cycleFrames == 256)
    #expect(settings.stream.bitrate == 0)
    #expect(settings.stream.frame == .ms5)
    #expect(settings.stream.complexity == 10)
    #expect(!settings.stream.vbr)
    #expect(settings.stream.channels == 2)
    #expect(settings.stream.payloadType == 97)
    #expect(!settings.stream.captureTime)
    #expect(settings.control.socket == "")
    #expect(settings.control.maxClients == 64)
    #expect(settings.log.level == .info)
    #expect(settings.pipewire.remote == "")
    #expect(settings.sessions.isEmpty)
  }

  @Test func everyKeyReachesItsProperty() throws {
    let text = """
      config_version = 1
      [capture]
      target = "sink:alsa_output.pci-0000_00_1f.3"
      latency = "low"
      mode = "streams"
      [stream]
      bitrate = 512000
      frame_ms = 2.5
      complexity = 3
      vbr = true
      channels = 8
      payload_type = 127
      capture_time = true
      limiter = false
      [mic]
      enabled = false
      name = "couch-mic"
      description = "Somebody's voice"
      channels = 2
      make_default = "while_connected"
      local = true
      [graph]
      backend = "alsa"
      device = "hw:1"
      rate = 96000
      channels = 6
      period = 64
      watchdog = 30
      file = "/var/lib/graph.json"
      [routing]
      profile = "night"
      folder = "/srv/profiles"
      make_default = true
      [recording]
      folder = "/srv/takes"
      max_streams = 2
      quota = 1000
      buffer = 9
      flight = 7
      store = "/srv/store"
      [control]
      socket = "/run/user/1000/s.sock"
      headroom_socket = "auto"
      max_clients = 1
      [ptt]
      targets = "mic, node:voice"
      release_ms = 25
      [http]
      listen = "[::]:8787"
      hosts = "tower.lan, 10.0.0.2"
      tls = true
      [log]
      level = "debug"
      [pipewire]
      remote = "pipewire-1"
      """
    let settings = try Settings.parse(text: text, name: "all.toml")
    #expect(settings.capture.target == .sink("alsa_output.pci-0000_00_1f.3"))
    #expect(settings.capture.latency == .low)
    #expect(settings.capture.mode == .streams)
    #expect(settings.stream.bitrate == 512_000)
    #expect(settings.stream.frame == .ms2Half)
    #expect(settings.stream.complexity == 3)
    #expect(settings.stream.vbr)
    #expect(settings.stream.channels == 8)
    #expect(settings.stream.payloadType == 127)
    #expect(settings.stream.captureTime)
    #expect(!settings.mic.enabled && settings.mic.local)
    #expect(settings.mic.name == "couch-mic" && settings.mic.description == "Somebody's voice")
    #expect(settings.mic.channels == 2 && settings.mic.makeDefault == .whileConnected)
    #expect(settings.graph.backend == "alsa" && settings.graph.device == "hw:1")
    #expect(settings.graph.rate == 96_000 && settings.graph.channels == 6 && settings.graph.period == 64)
    #expect(settings.graph.file == "/var/lib/graph.json")
    #expect(settings.control.socket == "/run/user/1000/s.sock")
    #expect(settings.control.headroomSocket == "auto" && settings.control.maxClients == 1)
    #expect(settings.routing.profile == "night" && settings.routing.profileFolders == ["/srv/profiles"])
    #expect(settings.routing.makeDefault)
    #expect(settings.talk.names == ["mic", "node:voice"] && settings.talk.release == 25)
    #expect(settings.http.listen == "[::]:8787" && settings.http.names == ["tower.lan", "10.0.0.2"])
    #expect(settings.http.isSecure)
    #expect(settings.recording.folder == "/srv/takes" && settings.recording.store == "/srv/store")
    #expect(settings.recording.maxStreams == 2 && settings.recording.quota == 1000 && settings.recording.buffer == 9)
    #expect(settings.log.level == .debug)
    #expect(settings.pipewire.remote == "pipewire-1")
    #expect(settings.value(of: "stream.frame_ms") == .number(2.5))
    #expect(settings.origin(of: "stream.bitrate") == SettingOrigin(file: "all.toml", line: 7, column: 11))
    #expect(settings.origin(of: "stream.bitrate").map(\.description) == "all.toml:7")
    for slot in SettingTable.slots.values where slot.key.name != "config_version" {
      #expect(settings.value(of: slot.key.name) != slot.key.defaultValue, "\(slot.key.name) did not arrive")
    }
  }

  @Test(arguments: [("2.5", 2_500), ("5", 5_000), ("5.0", 5_000), ("10", 10_000), ("20.0", 20_000)])
  func frameLengthsAreReadWithAndWithoutAPoint(text: String, microseconds: Int) throws {
    let settings = try Settings.parse(text: "stream.frame_ms = \(text)", name: "t")
    #expect(settings.stream.frame.microseconds == microseconds)
  }

  @Test func sessionsFallBackToTheSectionsKeyByKey() throws {
    let text = """
      [[session]]
      name = "tv"
      to = "192.0.2.7:5004"
      channels = 6
      bitrate = 256000
      target = "sink:hdmi"
      [[session]]
      name = "laptop"
      to = "[2001:db8::1]:5006"
      latency = "relaxed"
      frame_ms = 20
      [stream]
      bitrate = 128000
      payload_type = 100
      """
    let settings = try Settings.parse(text: text, name: "t.toml")
    #expect(settings.sessions.map(\.name) == ["tv", "laptop"])
    let (tv, laptop) = (settings.sessions[0], settings.sessions[1])
    #expect(tv.to.host == "192.0.2.7")
    #expect(tv.to.port == 5004)
    #expect(tv.stream.channels == 6)
    #expect(tv.stream.bitrate == 256_000)
    #expect(tv.stream.payloadType == 100)
    #expect(tv.capture.target == .sink("hdmi"))
    #expect(tv.capture.latency == .balanced)
    #expect(laptop.to.description == "[2001:db8::1]:5006")
    #expect(laptop.stream.bitrate == 128_000)
    #expect(laptop.stream.channels == 2)
    #expect(laptop.stream.frame == .ms20)
    #expect(laptop.capture.latency == .relaxed)
    #expect(tv.origin(of: "bitrate")?.line == 5)
    #expect(laptop.origin(of: "bitrate") == nil)
  }

  @Test func equalityIsAboutValuesNotPlaces() throws {
    let one = try Settings.parse(text: "[stream]\nchannels = 6", name: "one")
    let two = try Settings.parse(text: "\n\nstream.channels = 6 # six", name: "two")
    #expect(one == two)
    #expect(one != Settings())
  }

  @Test(arguments: [
    ("203.0.113.5:5004", Settings.Endpoint.Family.ipv4), ("tv:1", .name), ("tv.lan.:65535", .name),
    ("a-b.9c:7", .name), ("[::1]:5004", .ipv6), ("[fe80::1%eth0]:5004", .ipv6), ("[::ffff:192.0.2.1]:9", .ipv6),
  ])
  func endpointsAreReadAndSpelledBack(text: String, family: Settings.Endpoint.Family) throws {
    let endpoint = try Settings.Endpoint(text)
    #expect(endpoint.family == family)
    #expect(endpoint.description == text)
  }

  @Test(arguments: [
    ("", Settings.EndpointProblem.noPort), ("tv", .noPort), ("tv:", .badPort), ("tv:0", .badPort),
    ("tv:65536", .badPort), ("tv:+5", .badPort), ("tv:5 ", .badPort), (":5004", .noHost), ("::1:5004", .bareIPv6),
    ("[::1]", .bareIPv6), ("[::g]:5", .badIPv6), ("[]:5", .badIPv6), ("[192.0.2.1]:5", .badIPv6),
    ("[fe80::1%]:5", .badIPv6), ("1.2.3:5", .badIPv4), ("1.2.3.256:5", .badIPv4), ("-tv:5", .badName),
    ("t v:5", .badName), ("a..b:5", .badName), ("tv_1:5", .badName),
    (String(repeating: "a", count: 64) + ":5", .badName), (String(repeating: "a", count: 400) + ":5", .tooLong),
  ])
  func wrongEndpointsSayWhy(text: String, problem: Settings.EndpointProblem) {
    #expect(throws: problem) { try Settings.Endpoint(text) }
  }

  @Test func valuesAreSpelledAsTOMLThatReadsBack() throws {
    let path = "/tmp/a \"b\" \\c"
    let spelled = SettingValue.text(path).description
    #expect(spelled == #""/tmp/a \"b\" \\c""#)
    let settings = try Settings.parse(text: "control.socket = \(spelled)", name: "t")
    #expect(settings.control.socket == path)
    #expect(SettingValue.number(5).description == "5")
    #expect(SettingValue.number(2.5).description == "2.5")
  }
}
