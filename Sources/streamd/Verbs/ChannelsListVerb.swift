import Control

/// All duplex channels.
enum ChannelsListVerb: Verb {
  typealias Context = Daemon

  static let name = "channels.list"
  static let scope = VerbScope.read
  static let summary = "Duplex channels: their devices, how they fare, and how loud each is."
  static let result =
    "state: stopped, running or degraded; uptime_s, xruns, cpu_pct; configuration: files or saved, which the next start begins with, or changed, which it does not; logical_channels{} by number; vu{}: dBFS, -60 to 0"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    var reply = daemon.channels.status().objectValue ?? [:]
    reply["vu"] = daemon.channels.vu()["channels"]
    return .object(reply)
  }
}

@section("streamd_verbs") @used
let channelsListRecord: VerbRecord = (1, { exportVerb(ChannelsListVerb.self) })
