import AppRings
import Control

/// Makes memory through which an application hands sound over, or takes it.
enum RingOpenVerb: Verb {
  typealias Context = Daemon

  static let name = "ring.open"
  static let isBound = true
  static let summary =
    "Makes shared memory through which an application hands sound over or takes it; gone with this connection."
  static let parameters = RingRequest.parameters
  static let result =
    "ring{}; descriptors[]: what comes beside this line (SCM_RIGHTS), in order: memory, unless you brought it, space, data"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let (entry, descriptors) = try daemon.rings.open(try RingRequest(arguments), for: client)
    client.pass(DescriptorParcel(owning: descriptors.all))
    let names = (descriptors.memory == nil ? [] : ["memory"]) + ["space", "data"]
    return ["ring": .object(daemon.rings.report(of: entry)), "descriptors": JSON(names)]
  }
}

@section("streamd_verbs") @used
let ringOpenRecord: VerbRecord = (1, { exportVerb(RingOpenVerb.self) })
