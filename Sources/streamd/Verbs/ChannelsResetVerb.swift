import Control

/// Duplex channels as the files say.
enum ChannelsResetVerb: Verb {
  typealias Context = Daemon

  static let name = "channels.reset"
  static let scope = VerbScope.admin
  static let summary = "Takes back what channels.configure has changed and saved: the files are read again, and hold."
  static let result = "the configuration as it is then"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.channels.reset()
    return daemon.channels.configuration
  }
}

@section("streamd_verbs") @used
let channelsResetRecord: VerbRecord = (1, { exportVerb(ChannelsResetVerb.self) })
