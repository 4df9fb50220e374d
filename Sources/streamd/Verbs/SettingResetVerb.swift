import Control

/// All of a user's values, taken back.
enum SettingResetVerb: Verb {
  typealias Context = Daemon

  static let name = "setting.reset"
  static let summary = "Forgets everything that was set with setting.set."
  static let parameters: [VerbParameter] = [
    .optional("if_match", .string, "The tag of setting.list that this was made from; refused if there is another.")
  ]
  static let result = "cleared"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try EntityTag.check(
      try arguments.optional("if_match", as: .string), against: try daemon.routing.settings(of: nil))
    return try daemon.routing.resetSettings()
  }
}

@section("streamd_verbs") @used
let settingResetRecord: VerbRecord = (1, { exportVerb(SettingResetVerb.self) })
