import AudioCore
import Capture
import Control
import OpusCodec
import Settings
import Wire
import Wiring

/// What a streaming host says when it opens a GameStream session, and what a session is made of it.
enum GameStreamRequest {
  static let parameters: [VerbParameter] = [
    .optional("bind", .text(maximumBytes: 64), "gamestream: the local address to send from; left out: any."),
    .optional(
      "port", .integer(0...65535), default: 0, "gamestream: the local UDP port that the client pings; 0 picks one."),
    .optional(
      "quality", .choice(["normal", "high"]), default: "normal", "gamestream: which of the six stream shapes."),
    .optional(
      "coupling", .choice(["layout", "partners"]), default: "layout",
      "gamestream: which channels of normal surround share a stream: as other hosts do it, or left with right."),
    .optional(
      "surround_params", .text(maximumBytes: 16),
      "gamestream: channels, streams, coupled and mapping as digits, in place of the usual shape."),
    .optional("packet_ms", .integer(1...100), default: 5, unit: "ms", "gamestream: 5 or 10."),
    .optional("encrypt", .boolean, default: false, "gamestream: encrypts packets; needs rikey and rikeyid."),
    .optional("rikey", .text(maximumBytes: 64), "gamestream: the launch request's key, 32 hexadecimal digits."),
    .optional(
      "rikeyid", .integer(-2_147_483_648...4_294_967_295), "gamestream: the launch request's key id, signed."),
    .optional(
      "ping_payload", .text(maximumBytes: 64),
      "gamestream: the 16 characters the client was told to ping with; left out: made up and returned."),
    .optional(
      "legacy_ping", .boolean, default: false, "gamestream: also takes bare pings, from client_ip if that is given."),
    .optional("client_ip", .text(maximumBytes: 64), "gamestream: where bare pings may come from."),
    .optional("qos", .boolean, default: true, "gamestream: marks packets as interactive audio (DSCP CS6)."),
    .optional(
      "timeout_s", .number(0.5...3600), default: 10, unit: "s",
      "gamestream: ends the session after so long without a ping."),
  ]

  @ControlActor
  static func spec(
    _ arguments: Arguments, name: String, channels: Int, complexity: Int, bitrate: Int?, gain: Decibels,
    pacing: Pacer.Mode, source: Downlink.Key
  ) throws(ControlError) -> SessionSpec {
    let quality: GameStreamQuality = try arguments.optional("quality", as: .string) == "high" ? .high : .normal
    let coupling: GameStreamCoupling =
      try arguments.optional("coupling", as: .string) == "partners" ? .partners : .layoutOrder
    guard let shape = GameStreamConfiguration(channels: channels, quality, coupling: coupling) else {
      throw ControlError(.badArgs, "\(channels) channels; GameStream has 2, 6 and 8", path: "channels")
    }
    let milliseconds = try arguments.optional("packet_ms", as: .integer) ?? 5
    guard let duration = GameStreamPacketDuration(rawValue: milliseconds) else {
      throw ControlError(.badArgs, "\(milliseconds) ms; GameStream has packets of 5 and 10", path: "packet_ms")
    }
    guard shape.durations.contains(duration) else {
      throw ControlError(
        .badArgs, "high quality surround does not fit a datagram of 10 ms", path: "packet_ms", hint: "5")
    }
    let custom = try self.custom(arguments, channels: channels)
    let surround = custom ?? shape.surround
    guard let layout = ChannelLayout(channels: channels) else {
      throw ControlError(.internal, "no layout of \(channels) channels")
    }
    let codec = OpusConfiguration(
      layout: layout, streams: surround.streams, coupled: surround.coupled, mapping: surround.mapping,
      bitrate: bitrate ?? shape.bitrate, frame: duration == .ms5 ? .ms5 : .ms10, complexity: complexity)
    do { try codec.validate() } catch { throw SessionError(error).controlError }
    let terms = GameStreamTerms(
      bind: try arguments.optional("bind", as: .string),
      port: UInt16(try arguments.optional("port", as: .integer) ?? 0),
      quality: try arguments.optional("qos", as: .boolean) ?? true, duration: duration,
      encryption: try encryption(arguments), ping: try ping(arguments), coupling: coupling, custom: custom,
      timeout: .milliseconds(Int64((try arguments.optional("timeout_s", as: .number) ?? 10) * 1000)))
    return SessionSpec(
      name: name, transport: .gameStream(terms), configuration: codec, gain: gain, pacing: pacing, source: source)
  }

  @ControlActor
  private static func custom(_ arguments: Arguments, channels: Int) throws(ControlError) -> SurroundParams? {
    guard let text = try arguments.optional("surround_params", as: .string) else { return nil }
    let parsed: SurroundParams
    do { parsed = try SurroundParams(parsing: text) } catch {
      throw ControlError(.badArgs, error.message, path: "surround_params")
    }
    guard parsed.channels == channels else {
      throw ControlError(
        .badArgs, "they are for \(parsed.channels) channels, the session has \(channels)", path: "surround_params")
    }
    return parsed
  }

  @ControlActor
  private static func encryption(_ arguments: Arguments) throws(ControlError) -> GameStreamTerms.Encryption? {
    guard try arguments.optional("encrypt", as: .boolean) ?? false else { return nil }
    guard let digits = try arguments.optional("rikey", as: .string) else {
      throw ControlError(.badArgs, "encryption needs the key", path: "rikey")
    }
    guard let number = try arguments.optional("rikeyid", as: .integer) else {
      throw ControlError(.badArgs, "encryption needs the key id", path: "rikeyid")
    }
    do {
      return .init(
        key: try GameStreamKey(hexadecimal: digits), keyID: Int32(truncatingIfNeeded: number))
    } catch {
      let what = error == .wrongLength ? "the key has not 32 digits" : "the key holds more than hexadecimal digits"
      throw ControlError(.badArgs, what, path: "rikey")
    }
  }

  @ControlActor
  private static func ping(_ arguments: Arguments) throws(ControlError) -> PingPolicy.Terms {
    var terms = PingPolicy.Terms(
      payload: nil, allowsLegacy: try arguments.optional("legacy_ping", as: .boolean) ?? false, host: nil)
    if let text = try arguments.optional("ping_payload", as: .string) {
      guard let payload = GameStreamPingPayload(text) else {
        throw ControlError(
          .badArgs, "\(text.utf8.count) bytes; a ping payload is 16 printable characters", path: "ping_payload",
          hint: "clients fall back to bare pings for any other length")
      }
      terms.payload = payload
    } else {
      var random = SystemRandomNumberGenerator()
      terms.payload = .random(using: &random)
    }
    if let text = try arguments.optional("client_ip", as: .string) {
      guard let host = PeerAddress(literal: text) else {
        throw ControlError(.badArgs, "\"\(text)\" is no address", path: "client_ip")
      }
      terms.host = host
    }
    return terms
  }
}
