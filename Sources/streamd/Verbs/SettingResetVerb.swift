import Control

/// All of a user's values, taken back.
enum SettingResetVerb: Verb {
  typealias Context = Daemon

  static let name = "setting.reset"
  static let summary = "Forgets everything that was set with setting.set."
  static let result = "cleared"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.resetSettings()
  }
}

@section("streamd_verbs") @used
let settingResetRecord: VerbRecord = (1, { exportVerb(SettingResetVerb.self) })
