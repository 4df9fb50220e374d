import Control

/// Begins to look back.
enum FlightArmVerb: DeferredVerb {
  typealias Context = Daemon

  static let name = "flight.arm"
  static let summary =
    "Keeps in memory, from now on, the last seconds of what is captured, of each bus, and of what each session's encoder is "
    + "given, also of those that come later."
  static let parameters: [VerbParameter] = [
    .optional("seconds", .integer(1...FlightRoom.longest), default: 30, unit: "s", "How long to look back."),
    .optional("mic", .boolean, default: false, "Clients' voices as they are decoded, and our microphone, too."),
  ]
  static let result = "armed, seconds, mic, hops[]: hop, device, fed_by[], stream{}, stats{}, trouble; events[]"

  @ControlActor
  static func run(
    _ arguments: Arguments, client: ClientSession, in daemon: Daemon
  ) async throws(ControlError) -> JSON {
    try await daemon.flight.arm(
      FlightRoom.Terms(
        seconds: try arguments.optional("seconds", as: .integer) ?? 30,
        hasMicrophones: try arguments.optional("mic", as: .boolean) ?? false))
    return daemon.flight.report()
  }
}

@section("streamd_verbs") @used
let flightArmRecord: VerbRecord = (1, { exportVerb(FlightArmVerb.self) })
