import AudioCore
import Control
import Wire

/// GameStream, from the command line's words to a stream that can be received: a session opened here, or one that a host
/// has opened and told its client of.
enum GameStreamSource {
  static let flags: Set<String> = ["--gamestream", "--encrypt", "--legacy-ping"]
  static let values: Set<String> = [
    "--quality", "--coupling", "--packet-ms", "--surround-params", "--attach", "--ping-payload", "--key", "--key-id",
  ]

  /// Without `--gamestream` none of its options means anything.
  static func refuseOptions(_ options: Options) throws {
    let given = flags.filter { options.has($0) }.union(values.filter { options.value($0) != nil })
    if let first = given.sorted().first { throw Failure(.usage, "usage", "\(first) needs --gamestream") }
  }

  static func open(_ options: Options) throws -> ListenSource {
    try refuseContradictions(options)
    return options.value("--attach") == nil ? try opened(options) : try attached(options)
  }

  /// Every pair of options of which one makes the other senseless.
  private static func refuseContradictions(_ options: Options) throws {
    func given(_ name: String) -> Bool { options.has(name) || options.value(name) != nil }
    func refuse(_ name: String, _ why: String) throws {
      if given(name) { throw Failure(.usage, "usage", "\(name) \(why)") }
    }
    let plain = "is of plain RTP, not of GameStream"
    for name in ["--frame", "--payload-type", "--capture-time", "--vbr"] {
      try refuse(name, name == "--frame" ? plain + "; its packets have --packet-ms 5 or 10" : plain)
    }
    if given("--legacy-ping") { try refuse("--ping-payload", "is not in bare pings; leave out --legacy-ping") }
    if given("--attach") {
      let agreed = "is agreed when the session is opened; --attach joins one that is open"
      for name in [
        "--target", "--latency", "--name", "--bitrate", "--gain", "--coupling", "--surround-params",
      ] { try refuse(name, agreed) }
      try refuse("--encrypt", "makes a key; --attach needs the session's: --key and --key-id")
      if given("--key") != given("--key-id") {
        throw Failure(.usage, "usage", "--key and --key-id go together")
      }
      if !given("--ping-payload"), !given("--legacy-ping") {
        throw Failure(.usage, "usage", "--attach needs --ping-payload, by which the host knows its client")
      }
    } else {
      for name in ["--key", "--key-id"] {
        try refuse(name, "is of a session that is open already; --encrypt makes a key for a new one")
      }
      try refuse("--sdp", "is of a session that is open already: with --gamestream it needs --attach")
    }
  }

  /// Opens a session as a host would, and is its client.
  private static func opened(_ options: Options) throws -> ListenSource {
    let shape = try shape(options)
    let address = options.value("--bind") ?? "127.0.0.1"
    let receiver = try ListenSource.bound(address, port: 0)
    var arguments = try SessionCommand.arguments(options)
    arguments["protocol"] = "gamestream"
    arguments["channels"] = JSON(shape.channels)
    arguments["packet_ms"] = JSON(shape.duration.rawValue)
    arguments["legacy_ping"] = JSON(options.has("--legacy-ping"))
    // Should this program die, its session dies with it.
    arguments["while_connected"] = true
    for (option, key) in [
      ("--quality", "quality"), ("--coupling", "coupling"), ("--surround-params", "surround_params"),
      ("--ping-payload", "ping_payload"),
    ] {
      if let value = options.value(option) { arguments[key] = .string(value) }
    }
    var encryption: GameStreamAgreement.Encryption?
    if options.has("--encrypt") {
      let digits = Endpoint.randomKey()
      let made = try self.encryption(digits, Int32.random(in: .min ... .max))
      arguments["encrypt"] = true
      arguments["rikey"] = .string(digits)
      arguments["rikeyid"] = JSON(Int(made.keyID))
      encryption = made
    }
    let client = try options.connect()
    let reply = try client.request("session.open", arguments)
    guard let port = reply["port"]?.intValue.flatMap({ UInt16(exactly: $0) }), let sdp = reply["sdp"]?.stringValue
    else {
      throw Failure(.refused, "no_port", "the daemon named no port to ping; is it older than this program?")
    }
    let agreement = GameStreamAgreement(
      channels: shape.channels, quality: shape.quality, duration: shape.duration, encryption: encryption,
      ping: options.has("--legacy-ping") ? nil : GameStreamPingPayload(reply["ping_payload"]?.stringValue ?? ""),
      description: sdp)
    return ListenSource(
      receiver: receiver, stream: .gameStream(agreement, try Endpoint.peer(address, port)), layout: shape.layout,
      device: reply["session"]?["device"]?.plain, session: (client, reply["session"]?["session"] ?? .null))
  }

  /// The client of a session that somebody else has opened, by what a host tells its client.
  private static func attached(_ options: Options) throws -> ListenSource {
    let shape = try shape(options)
    let (host, port) = try Endpoint.parse(options.value("--attach") ?? "", of: "--attach")
    let peer = try Endpoint.peer(host, port)
    var encryption: GameStreamAgreement.Encryption?
    if let key = options.value("--key"), let number = options.value("--key-id") {
      encryption = try self.encryption(key, try Endpoint.keyID(number, of: "--key-id"))
    }
    var payload: GameStreamPingPayload?
    if let text = options.value("--ping-payload") {
      payload = GameStreamPingPayload(text)
      guard payload != nil else {
        throw Failure(.usage, "usage", "--ping-payload \(text): 16 printable characters; clients know no other length")
      }
    }
    let agreement = GameStreamAgreement(
      channels: shape.channels, quality: shape.quality, duration: shape.duration, encryption: encryption,
      ping: payload, description: try options.value("--sdp").map { try ListenSource.text(of: $0) } ?? "")
    do throws(SurroundParamsError) { _ = try agreement.decoding() } catch {
      throw Failure(.usage, "sdp", "\(error.message); --sdp FILE takes the lines that the host prints")
    }
    return ListenSource(
      receiver: try ListenSource.bound(options.value("--bind") ?? peer.anyAddress, port: 0),
      stream: .gameStream(agreement, peer), layout: shape.layout)
  }

  private struct Shape {
    var channels: Int
    var layout: ChannelLayout
    var quality: GameStreamQuality
    var duration: GameStreamPacketDuration
  }

  private static func shape(_ options: Options) throws -> Shape {
    var channels = try options.integer("--channels", in: 1...8)
    if let text = options.value("--surround-params") {
      let parsed: SurroundParams
      do throws(SurroundParamsError) { parsed = try SurroundParams(parsing: text) } catch {
        throw Failure(.usage, "usage", "--surround-params \(text): \(error.message)")
      }
      guard channels == nil || channels == parsed.channels else {
        throw Failure(.usage, "usage", "--surround-params \(text) is of \(parsed.channels) channels, not \(channels!)")
      }
      channels = parsed.channels
    }
    let quality: GameStreamQuality
    switch options.value("--quality") ?? "normal" {
    case "normal": quality = .normal
    case "high": quality = .high
    case let word: throw Failure(.usage, "usage", "--quality \(word): normal or high")
    }
    let count = channels ?? 2
    guard let configuration = GameStreamConfiguration(channels: count, quality),
      let layout = ChannelLayout(channels: count)
    else { throw Failure(.usage, "usage", "--channels \(count): GameStream has 2, 6 and 8") }
    let milliseconds = try options.integer("--packet-ms", in: 1...1000) ?? 5
    guard let duration = GameStreamPacketDuration(rawValue: milliseconds) else {
      throw Failure(.usage, "usage", "--packet-ms \(milliseconds): GameStream has packets of 5 and 10 ms")
    }
    guard configuration.durations.contains(duration) else {
      throw Failure(.usage, "usage", "--packet-ms 10: high quality surround fits datagrams of 5 ms only")
    }
    return Shape(channels: count, layout: layout, quality: quality, duration: duration)
  }

  private static func encryption(_ digits: String, _ number: Int32) throws -> GameStreamAgreement.Encryption {
    do throws(GameStreamKeyError) {
      return .init(key: try GameStreamKey(hexadecimal: digits), keyID: number)
    } catch {
      throw Failure(.usage, "usage", "--key: 32 hexadecimal digits")
    }
  }
}
