import Control

/// Levels for who asks once in a while.
enum MetersReadVerb: Verb {
  typealias Context = Daemon

  static let name = "meters.read"
  static let scope = VerbScope.read
  static let summary =
    "What was measured since this was last asked, by anybody: highest peaks, mean powers, figures. The first time nothing is known."
  static let result = "as an event of the topic meters"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.levelMeter.readSince()
  }
}

@section("streamd_verbs") @used
let metersReadRecord: VerbRecord = (1, { exportVerb(MetersReadVerb.self) })
