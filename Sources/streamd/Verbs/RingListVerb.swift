import Control

/// Every open ring.
enum RingListVerb: Verb {
  typealias Context = Daemon

  static let name = "ring.list"
  static let scope = VerbScope.read
  static let summary = "Every open ring with its fill, level and counters."
  static let result = "rings[]; bytes, the memory of all together"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.rings.report()
  }
}

@section("streamd_verbs") @used
let ringListRecord: VerbRecord = (1, { exportVerb(RingListVerb.self) })
