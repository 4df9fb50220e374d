import Control

/// The duplex channels as they were asked for.
enum ChannelsConfigVerb: Verb {
  typealias Context = Daemon

  static let name = "channels.config"
  static let scope = VerbScope.read
  static let summary = "The configuration of the duplex channels."
  static let result = "as channels.configure takes it"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.channels.configuration
  }
}

@section("streamd_verbs") @used
let channelsConfigRecord: VerbRecord = (1, { exportVerb(ChannelsConfigVerb.self) })
