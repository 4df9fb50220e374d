/// Whether anybody is there, and who.
enum PingVerb: Verb {
  static let name = "ping"
  static let scope = VerbScope.read
  static let summary = "Answers at once."
  static let result = "name and version of the daemon"

  static func run(
    _ arguments: Arguments, client: ClientSession, in context: any ControlContext
  ) throws(ControlError) -> JSON {
    ["name": .string(client.server.identity.name), "version": .string(client.server.identity.version)]
  }
}

@section("streamd_verbs") @used
let pingRecord: VerbRecord = (1, { exportVerb(PingVerb.self) })
