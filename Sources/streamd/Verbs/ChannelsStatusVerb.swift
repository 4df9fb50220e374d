import Control

/// The daemon as whoever runs duplex channels wants to see it.
enum ChannelsStatusVerb: Verb {
  typealias Context = Daemon

  static let name = "channels.status"
  static let scope = VerbScope.read
  static let summary = "State, devices, lost cycles, time since the start and processor load."
  static let result = "state, devices{}, xruns, uptime_s, cpu_percent, problems[]; channels{} where there are some"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.channelsStatus()
  }
}

@section("streamd_verbs") @used
let channelsStatusRecord: VerbRecord = (1, { exportVerb(ChannelsStatusVerb.self) })
