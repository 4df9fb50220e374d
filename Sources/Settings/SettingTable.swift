/// A key and the property it fills.
struct SettingSlot<Root: Sendable>: Sendable {
  let key: SettingKey
  let get: @Sendable (Root) -> SettingValue
  /// False when the value does not fit the property's type.
  let put: @Sendable (inout Root, SettingValue) -> Bool

  init<Value: SettingRepresentable>(
    _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ kind: SettingKind, of defaults: Root,
    _ documentation: String
  ) {
    let value = defaults[keyPath: path].setting
    key = SettingKey(name: name, kind: kind, defaultValue: value, fallback: nil, documentation: documentation)
    get = { $0[keyPath: path].setting }
    put = { root, value in
      guard let value = Value(setting: value) else { return false }
      root[keyPath: path] = value
      return true
    }
  }

  init(
    key: SettingKey, get: @escaping @Sendable (Root) -> SettingValue,
    put: @escaping @Sendable (inout Root, SettingValue) -> Bool
  ) {
    self.key = key
    self.get = get
    self.put = put
  }

  /// The same slot seen from a value that holds the root.
  func lifted<Outer: Sendable>(as key: SettingKey, through path: any WritableKeyPath<Outer, Root> & Sendable)
    -> SettingSlot<Outer>
  {
    SettingSlot<Outer>(
      key: key, get: { [get] in get($0[keyPath: path]) }, put: { [put] in put(&$0[keyPath: path], $1) })
  }
}

/// One `[section]` of a file.
struct SettingSection: Sendable {
  let name: String
  let documentation: String
  let slots: [SettingSlot<Settings>]
}

/// Every key there is. Adding one is adding a property to `Settings` and a line here.
enum SettingTable {
  static let capture: [SettingSlot<Settings.Capture>] = [
    .init(
      "target", \.target, .text(.captureTarget), of: .init(),
      "The sink whose sound is captured. A sink that is missing gives silence, never another device."),
    .init(
      "latency", \.latency, .wordChoice(Settings.Latency.allCases.map(\.rawValue)), of: .init(),
      "The graph cycle asked for: low 128 frames, balanced 256, relaxed leaves the graph as it is."),
    .init(
      "mode", \.mode, .wordChoice(Settings.CaptureMode.allCases.map(\.rawValue)), of: .init(),
      "monitor: the sink, a cycle late; streams: what plays into it, at once; auto: streams while it misses nothing."),
  ]

  static let stream: [SettingSlot<Settings.Stream>] = [
    .init(
      "bitrate", \.bitrate, .integerOrAutomatic(6000...4_000_000), of: .init(),
      "Bits per second, all channels together; 0 takes 64000, 96000, 576000 or 768000 for 1, 2, 6 or 8 channels."),
    .init(
      "frame_ms", \.frame, .numberChoice(Settings.FrameLength.allCases.map(\.milliseconds)), of: .init(),
      "Milliseconds of sound in one packet; shorter is earlier but costs bandwidth."),
    .init(
      "complexity", \.complexity, .integer(0...10), of: .init(), "The encoder's effort: 10 sounds best, 0 costs least."),
    .init("vbr", \.vbr, .flag, of: .init(), "Spend fewer bits on easy sound instead of a constant number."),
    .init(
      "channels", \.channels, .integerChoice([1, 2, 6, 8]), of: .init(), "Mono, stereo, 5.1 or 7.1."),
    .init("payload_type", \.payloadType, .integer(96...127), of: .init(), "The RTP payload type of the packets."),
    .init(
      "capture_time", \.captureTime, .flag, of: .init(),
      "Send the time each packet's sound was captured in an RTP header extension."),
    .init(
      "limiter", \.limiter, .flag, of: .init(),
      "Keep true peaks below -1 dBTP, at 1.3 ms of delay; bit-exact while nothing is too loud."),
  ]

  static let mic: [SettingSlot<Settings.Mic>] = [
    .init("enabled", \.enabled, .flag, of: .init(), "Whether there is one; it is there before any client is."),
    .init("name", \.name, .text(.sessionName), of: .init(), "Its node name, by which recorders remember it."),
    .init(
      "description", \.description, .text(.label), of: .init(), "What people read where they choose a microphone."),
    .init("channels", \.channels, .integerChoice([1, 2]), of: .init(), "Mono or stereo."),
    .init(
      "make_default", \.makeDefault, .wordChoice(Settings.MakeDefault.allCases.map(\.rawValue)), of: .init(),
      "When it is the default microphone: never, while_connected (a client's is open), always. The old default returns."
    ),
    .init(
      "local", \.local, .flag, of: .init(),
      "Whether programs of this user may hand in sound over mic.sock, beside the control socket."),
  ]

  static let graph: [SettingSlot<Settings.Graph>] = [
    .init(
      "backend", \.backend, .wordChoice(["pipewire", "alsa", "jack", "null"]), of: .init(),
      "The sound system it runs on; null is a clock without a device."),
    .init("device", \.device, .text(.device), of: .init(), "A sink's node name, a PCM; empty means the default."),
    .init("rate", \.rate, .integer(8000...192_000), of: .init(), "The graph's rate in hertz."),
    .init("channels", \.channels, .integerChoice([1, 2, 6, 8]), of: .init(), "Channels asked of the device."),
    .init("period", \.period, .integer(16...8192), of: .init(), "Frames asked of the device at a time."),
    .init(
      "watchdog", \.watchdog, .integer(0...3600), of: .init(),
      "Seconds without a cycle after which a device that says it runs is opened anew; 0 never does."),
    .init(
      "file", \.file, .text(.filePath), of: .init(), "A graph to load and start with the daemon; empty means none."),
  ]

  static let routing: [SettingSlot<Settings.Routing>] = [
    .init(
      "profile", \.profile, .text(.profileName), of: .init(),
      "The profile in use until another is chosen; empty means none: then nothing is routed."),
    .init(
      "folder", \.folder, .text(.filePath), of: .init(),
      "A folder of profiles that count more than those of the user; empty means none."),
    .init(
      "make_default", \.makeDefault, .flag, of: .init(),
      "Makes the processed sink the default while a profile is in use; another choice of the user's stands."),
  ]

  static let recording: [SettingSlot<Settings.Recording>] = [
    .init(
      "folder", \.folder, .text(.filePath), of: .init(),
      "Where recordings go whose folder nobody names; empty means streamd/recordings in $XDG_DATA_HOME."),
    .init("max_streams", \.maxStreams, .integer(1...256), of: .init(), "Streams recorded at the same time."),
    .init(
      "quota", \.quota, .integer(0...1_000_000_000), of: .init(),
      "MiB that recordings may have on the disk; 0 means as much as there is."),
    .init(
      "buffer", \.buffer, .integer(1...60), of: .init(),
      "Seconds of each stream that memory holds for a disk that stands still."),
    .init(
      "store", \.store, .text(.filePath), of: .init(),
      "A folder on the same file system in which sealed chunks also stand by their SHA-256; empty means none."),
    .init(
      "flight", \.flight, .integer(0...600), of: .init(),
      "Seconds of each hop that memory keeps from the start, for streamctl report; never of microphones."),
  ]

  static let sections: [SettingSection] = [
    section(
      "capture", "What is captured from the desktop.", capture, \.capture),
    section(
      "stream", "How sound is encoded and sent; a session can say otherwise.", stream, \.stream),
    section("mic", "The client's microphone, as applications of this computer see it.", mic, \.mic),
    section("graph", "The mixer graph, and what drives it.", graph, \.graph),
    section("routing", "Where applications' sound goes and how it is treated.", routing, \.routing),
    section("recording", "Recordings into files.", recording, \.recording),
    section(
      "control", "The socket that streamctl and scripts talk to.",
      [
        .init(
          "socket", \.socket, .text(.socketPath), of: .init(),
          "Its path; empty means streamd/control.sock in $XDG_RUNTIME_DIR."),
        .init(
          "headroom_socket", \.headroomSocket, .text(.doorPath), of: .init(),
          "A second socket that speaks headroom's protocol: its path; auto means headroom's own place; empty means none."
        ),
        .init("max_clients", \.maxClients, .integer(1...1024), of: .init(), "Connections served at the same time."),
      ], \.control),
    section(
      "ptt", "Push-to-talk: what is silent unless somebody holds it open.",
      [
        .init(
          "targets", \.targets, .text(.nameList), of: .init(),
          "What is silent from the start: mic, mic:NAME, node:NAME, channel:NAME, separated by commas."),
        .init(
          "release_ms", \.release, .integer(0...1000), of: .init(),
          "How long it stays open after a release, in milliseconds: keys that bounce are not heard."),
      ], \.talk),
    section(
      "http", "The page, metrics and operations over HTTP; all but the page needs a token (streamctl token).",
      [
        .init(
          "listen", \.listen, .text(.webAddress), of: .init(),
          "Such as 127.0.0.1:8787, for this computer alone, or a socket's path; empty means none."),
        .init(
          "hosts", \.hosts, .text(.nameList), of: .init(),
          "Names besides localhost by which it may be reached, separated by commas; all others are refused."),
        .init(
          "tls", \.isSecure, .flag, of: .init(),
          "Whether with a certificate, http-cert.pem and http-key.pem in the state directory; made where there is none."
        ),
      ], \.http),
    section(
      "log", "What the daemon writes to standard error, and so to the journal.",
      [
        .init(
          "level", \.level, .wordChoice(Settings.LogLevel.allCases.map(\.rawValue)), of: .init(),
          "The least important messages still written.")
      ], \.log),
    section(
      "pipewire", "The sound server.",
      [
        .init(
          "remote", \.remote, .text(.remoteName), of: .init(),
          "Its socket; empty means $PIPEWIRE_REMOTE, or the user's own server.")
      ], \.pipewire),
  ]

  static let version = SettingKey(
    name: "config_version", kind: .version(Settings.version), defaultValue: .integer(Settings.version), fallback: nil,
    documentation: "The version of this format.")

  /// By dotted name.
  static let slots = Dictionary(uniqueKeysWithValues: sections.flatMap(\.slots).map { ($0.key.name, $0) })

  static let sessionRequired: [SettingKey] = [
    SettingKey(
      name: "session.name", kind: .text(.sessionName), defaultValue: nil, fallback: nil,
      documentation: "What the session is called; no two are called the same."),
    SettingKey(
      name: "session.to", kind: .text(.endpoint), defaultValue: nil, fallback: nil,
      documentation: "Where its packets go."),
  ]

  /// What a session can say otherwise, in the order of the sections.
  static let sessionSlots: [SettingSlot<Settings.Session>] =
    capture.map { $0.lifted(as: override($0.key, of: "capture"), through: \.capture) }
    + stream.map { $0.lifted(as: override($0.key, of: "stream"), through: \.stream) }

  static let sessionKeys: [SettingKey] = sessionRequired + sessionSlots.map(\.key)

  private static func section<Root: Sendable>(
    _ name: String, _ documentation: String, _ slots: [SettingSlot<Root>],
    _ path: any WritableKeyPath<Settings, Root> & Sendable
  ) -> SettingSection {
    let lifted = slots.map { slot in
      let key = SettingKey(
        name: "\(name).\(slot.key.name)", kind: slot.key.kind, defaultValue: slot.key.defaultValue, fallback: nil,
        documentation: slot.key.documentation)
      return slot.lifted(as: key, through: path)
    }
    return SettingSection(name: name, documentation: documentation, slots: lifted)
  }

  private static func override(_ key: SettingKey, of section: String) -> SettingKey {
    SettingKey(
      name: "session.\(key.name)", kind: key.kind, defaultValue: nil, fallback: "\(section).\(key.name)",
      documentation: key.documentation)
  }
}
