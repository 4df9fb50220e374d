import Control

/// Where the last seconds of each hop lie.
enum FlightStatusVerb: Verb {
  typealias Context = Daemon

  static let name = "flight.status"
  static let scope = VerbScope.read
  static let summary = "What is kept of the last seconds of each hop, and the newest events."
  static let result = "armed, seconds, mic, hops[]: hop, device, fed_by[], stream{}, stats{}, trouble; events[]"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.flight.report()
  }
}

@section("streamd_verbs") @used
let flightStatusRecord: VerbRecord = (1, { exportVerb(FlightStatusVerb.self) })
