import Control

/// Looks back no more.
enum FlightDisarmVerb: DeferredVerb {
  typealias Context = Daemon

  static let name = "flight.disarm"
  static let summary = "Forgets the last seconds of each hop, and keeps them no longer."
  static let result = "stopped: how many hops were kept"

  @ControlActor
  static func run(
    _ arguments: Arguments, client: ClientSession, in daemon: Daemon
  ) async throws(ControlError) -> JSON {
    ["stopped": JSON(try await daemon.flight.disarm())]
  }
}

@section("streamd_verbs") @used
let flightDisarmRecord: VerbRecord = (1, { exportVerb(FlightDisarmVerb.self) })
