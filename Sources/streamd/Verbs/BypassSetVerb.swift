import Control

/// The switch that takes everything out of the way.
enum BypassSetVerb: Verb {
  typealias Context = Daemon

  static let name = "bypass.set"
  static let summary = "Sends every application straight to its device, or back."
  static let parameters: [VerbParameter] = [
    .required("enabled", .boolean, "What is excluded stays so.")
  ]
  static let result = "nothing"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.bypass(try arguments.required("enabled", as: .boolean))
    return [:]
  }
}

@section("streamd_verbs") @used
let bypassSetRecord: VerbRecord = (1, { exportVerb(BypassSetVerb.self) })
