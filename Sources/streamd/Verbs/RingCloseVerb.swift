import Control

/// Ends a ring.
enum RingCloseVerb: Verb {
  typealias Context = Daemon

  static let name = "ring.close"
  static let isBound = true
  static let summary = "Closes a ring: silence from the next period on. The memory stays mapped where it is mapped."
  static let parameters: [VerbParameter] = [
    .required("ring", .string, "Its id, such as r1, or its name.")
  ]
  static let result = "ring{}: its last figures"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let entry = try daemon.rings.entry(try arguments.required("ring", as: .string))
    daemon.rings.close(entry)
    return ["ring": .object(daemon.rings.report(of: entry))]
  }
}

@section("streamd_verbs") @used
let ringCloseRecord: VerbRecord = (1, { exportVerb(RingCloseVerb.self) })
