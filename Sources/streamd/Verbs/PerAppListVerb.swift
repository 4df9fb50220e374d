import Control

/// Levels of single applications.
enum PerAppListVerb: Verb {
  typealias Context = Daemon

  static let name = "per-app.list"
  static let scope = VerbScope.read
  static let summary = "Applications whose levels are kept."
  static let result = "layer_a[] with node_id, app, managed, volume_lin, reduction_db, user_ceiling_lin, deferred"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.routing.levelList()
  }
}

@section("streamd_verbs") @used
let perAppListRecord: VerbRecord = (1, { exportVerb(PerAppListVerb.self) })
