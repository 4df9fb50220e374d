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
    await daemon.levelMeter.read()
  }
}

@section("streamd_verbs") @used
let channelsVURecord: VerbRecord = (1, { exportVerb(ChannelsVUVerb.self) })
