import Control
import Wiring

/// Whether a duplex channel is heard.
enum ChannelsSetVerb: Verb {
  typealias Context = Daemon

  static let name = "channels.set"
  static let summary =
    "Mutes a duplex channel, or opens and shuts its gate; it is heard while it is not muted and its gate is open."
  static let parameters: [VerbParameter] = [
    .required("channel", .integer(1...999), "Its number."),
    .optional("mute", .boolean, "Silence."),
    .optional("gate_open", .boolean, "Push to talk."),
  ]
  static let result = "channel, mute, gate_open: as they are now"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let number = try arguments.required("channel", as: .integer)
    try daemon.channels.set(
      number, mute: try arguments.optional("mute", as: .boolean),
      gateOpen: try arguments.optional("gate_open", as: .boolean))
    let channel = try daemon.channels.channel(number)
    return ["channel": JSON(number), "mute": JSON(channel.isMuted), "gate_open": JSON(channel.isGateOpen)]
  }
}

@section("streamd_verbs") @used
let channelsSetRecord: VerbRecord = (1, { exportVerb(ChannelsSetVerb.self) })
