import Control

/// Changes duplex channels while they run.
enum ChannelsConfigureVerb: Verb {
  typealias Context = Daemon

  static let name = "channels.configure"
  static let scope = VerbScope.admin
  static let summary = "Makes the duplex channels what a configuration says; what is alike goes on."
  static let parameters: [VerbParameter] = [
    .required(
      "config", .any,
      "sample_rate, sample_format, channels, blocksize, logical_channels{}, dsp{}: what is left out stays; logical_channels are all there are to be."
    ),
    .optional(
      "save", .boolean, default: false,
      "Keeps it over the daemon's end, in the place of what its files say, until channels.reset."),
    .optional(
      "if_match", .string, "The tag of the configuration this change was made from; refused if there is another."),
  ]
  static let result = "the configuration as it is then"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let channels = daemon.channels
    try EntityTag.check(try arguments.optional("if_match", as: .string), against: channels.configuration)
    try channels.configure(
      try arguments.required("config", as: .any), save: try arguments.optional("save", as: .boolean) ?? false)
    return channels.configuration
  }
}

@section("streamd_verbs") @used
let channelsConfigureRecord: VerbRecord = (1, { exportVerb(ChannelsConfigureVerb.self) })
