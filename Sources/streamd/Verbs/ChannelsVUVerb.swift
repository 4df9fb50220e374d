import Control

/// How loud everything is now.
enum ChannelsVUVerb: DeferredVerb {
  typealias Context = Daemon

  static let name = "channels.vu"
  static let scope = VerbScope.read
  static let summary = "Mean level of every channel and bus over the last tenth of a second, from -60 to 0 dBFS."
  static let result = "vu{}: the mean of each in dBFS; channels{}: the same for each of its channels; span_ms"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) async throws(ControlError) -> JSON {
    var report = (await daemon.levelMeter.read()).objectValue ?? [:]
    var (vu, each) = (report["vu"]?.objectValue ?? [:], report["channels"]?.objectValue ?? [:])
    for (number, channel) in daemon.channels.vu()["channels"]?.objectValue ?? [:] {
      vu[number] = channel["dbfs"] ?? .null
      each[number] = channel["output_channels"] ?? .null
    }
    (report["vu"], report["channels"]) = (.object(vu), .object(each))
    return .object(report)
  }
}

@section("streamd_verbs") @used
let channelsVURecord: VerbRecord = (1, { exportVerb(ChannelsVUVerb.self) })
