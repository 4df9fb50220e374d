import AudioCore
import AudioIO
import Capture
import Control
import Policy
import Settings
import Wire
import Wiring

/// Starts sending what a sink plays to a client. Anything left out comes from the profile in use, else from the
/// configuration.
enum SessionOpenVerb: Verb {
  typealias Context = Daemon

  static let name = "session.open"
  static let scope = VerbScope.admin
  static let summary = "Starts sending what a sink plays to a client, as Opus over RTP or GameStream."
  static let parameters: [VerbParameter] =
    [
      .optional("to", .text(maximumBytes: 300), "rtp: where to send: host:port, IPv6 in brackets."),
      .optional("protocol", .choice(["rtp", "gamestream"]), default: "rtp", "How packets look on the wire."),
      .optional("name", .text(maximumBytes: 64), "A name of your own, unique among open sessions."),
      .optional(
        "target", .text(maximumBytes: 300),
        "What to hear: default-sink, sink:<node name>, app:<rule>, or desktop minus app:<rule>. Never a microphone."),
      .optional(
        "bus", .text(maximumBytes: 64),
        "Hears this bus of the mixer graph, which a stream_sink node feeds, and no target. Left out, what follows the "
          + "default sink hears the bus main while the graph feeds it."),
      .optional(
        "latency", .choice(Settings.Latency.allCases.map(\.rawValue)),
        "Asks the graph for a cycle of 128 frames (low), 256 (balanced), or leaves it alone (relaxed)."),
      .optional(
        "capture_mode", .choice(Settings.CaptureMode.allCases.map(\.rawValue)),
        "monitor hears the sink one graph cycle late; streams hears what plays into it in the same cycle; auto, the "
          + "default, is streams while it misses nothing."),
      .optional(
        "host_audio", .choice(HostAudioMode.allCases.map(\.rawValue)), default: "keep",
        "keep: the host plays on. mute: a sink of our own becomes the default, so the host falls silent; given back at the "
          + "end. mirror: the same, but the sink that was the default plays along, unless another session mutes. "
          + "virtual_only: that sink exists, and who plays into it is the user's business."),
      .optional("channels", .integer(1...8), "1, 2, 6 or 8, in the order FL FR FC LFE RL RR SL SR."),
      .optional(
        "bitrate", .integer(6000...4_000_000), unit: "bit/s",
        "All channels together; left out: 64000, 96000, 576000 or 768000 for 1, 2, 6 or 8 channels."),
      .optional("frame_ms", .number(2.5...20), unit: "ms", "Sound per packet: 2.5, 5, 10 or 20."),
      .optional("complexity", .integer(0...10), "The encoder's effort."),
      .optional("vbr", .boolean, "Variable instead of constant bit rate."),
      .optional("payload_type", .integer(96...127), "The RTP payload type."),
      .optional("capture_time", .boolean, "Adds the absolute capture time to every packet (12 to 16 bytes)."),
      .optional(
        "limiter", .boolean,
        "Keeps true peaks below -1 dBTP, at 64 frames (1.3 ms) of delay; bit-exact while nothing is too loud."),
      .optional(
        "gain_db", .number(-120...20), unit: "dB",
        "Applied to this session only; left out, what the profile in use says, else 0."),
      .optional(
        "pacing", .choice(Pacer.Mode.allCases.map(\.rawValue)),
        "Sends packets as they are ready, or spread over a graph cycle (even). auto, which is usual for gamestream, spreads "
          + "when a cycle is longer than two packets."),
      .optional(
        "while_connected", .boolean, default: false, "Ends the session when this connection ends, however it ends."),
    ] + GameStreamRequest.parameters
  static let result =
    "session{}; sdp, the text a player needs, or the lines a host prints; for gamestream port and ping_payload"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let session = try daemon.openSession(
      try spec(arguments, daemon.settings, daemon.routing.effective?.profile.session ?? SessionDefaults()))
    if try arguments.optional("while_connected", as: .boolean) ?? false {
      client.onClose { [weak daemon, weak session] in
        guard let daemon, let session else { return }
        daemon.abandonSession(session)
      }
    }
    var result: JSONObject = [
      "session": .object(daemon.report(of: session)), "sdp": .string(session.line.description),
    ]
    if let line = session.line as? GameStreamLine {
      result["port"] = JSON(line.localPort)
      result["ping_payload"] = JSON(line.terms.ping.payload?.text ?? "")
    }
    return .object(result)
  }

  /// From the command line's words, under the same checks.
  @ControlActor
  static func spec(_ members: JSONObject, _ settings: Settings) throws(ControlError) -> SessionSpec {
    try spec(Arguments(try parameters.validated(members)), settings, SessionDefaults())
  }

  @ControlActor
  private static func spec(
    _ arguments: Arguments, _ settings: Settings, _ profile: SessionDefaults
  ) throws(ControlError) -> SessionSpec {
    var settings = settings
    if let text = profile.capture, let target = Settings.CaptureTarget(text) { settings.capture.target = target }
    var spec = try wire(arguments, settings, gain: profile.gain ?? 0)
    spec.isLimited = try arguments.optional("limiter", as: .boolean) ?? profile.limiter ?? settings.stream.limiter
    if let bus = try arguments.optional("bus", as: .string) {
      guard !bus.isEmpty else { throw ControlError(.badArgs, "a bus has a name", path: "bus") }
      if arguments.object["target"] != nil {
        throw ControlError(.badArgs, "a session hears a bus or a target, not both", path: "bus")
      }
      spec.source = Downlink.Key(bus: bus)
    }
    spec.hostAudio = try arguments.optional("host_audio", as: .string).flatMap { HostAudioMode(rawValue: $0) } ?? .keep
    return spec
  }

  @ControlActor
  private static func wire(
    _ arguments: Arguments, _ settings: Settings, gain usual: Double
  ) throws(ControlError) -> SessionSpec {
    var stream = settings.stream
    try adjust(&stream, by: arguments)
    let capture = try self.capture(arguments, settings.capture)
    let gain = Decibels(try arguments.optional("gain_db", as: .number) ?? usual)
    let name = try arguments.optional("name", as: .string) ?? ""
    let pacing = try arguments.optional("pacing", as: .string).flatMap { Pacer.Mode(rawValue: $0) }
    if try arguments.optional("protocol", as: .string) == "gamestream" {
      return try GameStreamRequest.spec(
        arguments, name: name, channels: stream.channels, complexity: stream.complexity,
        bitrate: try arguments.optional("bitrate", as: .integer), gain: gain, pacing: pacing ?? .auto,
        source: capture.key)
    }
    return try SessionSpec(
      name: name, to: try endpoint(arguments), stream: stream, capture: capture, gain: gain, pacing: pacing ?? .ready)
  }

  private static func endpoint(_ arguments: Arguments) throws(ControlError) -> Settings.Endpoint {
    do {
      return try Settings.Endpoint(try arguments.required("to", as: .string))
    } catch let problem as Settings.EndpointProblem {
      throw ControlError(.badArgs, "the destination \(problem.rawValue)", path: "to", hint: "such as 127.0.0.1:5004")
    } catch {
      throw (error as? ControlError) ?? ControlError(.badArgs, "\(error)", path: "to")
    }
  }

  private static func adjust(_ stream: inout Settings.Stream, by arguments: Arguments) throws(ControlError) {
    if let value = try arguments.optional("frame_ms", as: .number) {
      guard let frame = Settings.FrameLength(rawValue: Int(value * 1000)) else {
        throw ControlError(.badArgs, "\(value) is no frame length", path: "frame_ms", hint: "2.5, 5, 10 or 20")
      }
      stream.frame = frame
    }
    stream.complexity = try arguments.optional("complexity", as: .integer) ?? stream.complexity
    stream.vbr = try arguments.optional("vbr", as: .boolean) ?? stream.vbr
    stream.payloadType = try arguments.optional("payload_type", as: .integer) ?? stream.payloadType
    stream.captureTime = try arguments.optional("capture_time", as: .boolean) ?? stream.captureTime
    if let channels = try arguments.optional("channels", as: .integer), channels != stream.channels {
      // A rate configured for another layout says nothing about this one.
      stream.channels = channels
      stream.bitrate = 0
    }
    stream.bitrate = try arguments.optional("bitrate", as: .integer) ?? stream.bitrate
  }

  private static func capture(
    _ arguments: Arguments, _ configured: Settings.Capture
  ) throws(ControlError) -> Settings.Capture {
    var capture = configured
    if let text = try arguments.optional("target", as: .string) {
      guard let target = Settings.CaptureTarget(text) else {
        throw ControlError(
          .badArgs, "\"\(text)\" names nothing to hear", path: "target",
          hint: "default-sink, sink:<node name>, app:<rule> or desktop minus app:<rule>")
      }
      capture.target = target
    }
    if let latency = try arguments.optional("latency", as: .string) {
      capture.latency = Settings.Latency(rawValue: latency) ?? capture.latency
    }
    if let mode = try arguments.optional("capture_mode", as: .string) {
      capture.mode = Settings.CaptureMode(rawValue: mode) ?? capture.mode
    }
    return capture
  }
}

@section("streamd_verbs") @used
let sessionOpenRecord: VerbRecord = (1, { exportVerb(SessionOpenVerb.self) })
