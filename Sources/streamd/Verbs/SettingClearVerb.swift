import Control

/// A user's value, taken back.
enum SettingClearVerb: Verb {
  typealias Context = Daemon

  static let name = "setting.clear"
  static let summary = "Forgets what was set for a key."
  static let parameters: [VerbParameter] = [
    .required("key", .string, "As it was set."),
    .optional("if_match", .string, "The tag of setting.list that this was made from; refused if there is another."),
  ]
  static let result = "key, cleared"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try EntityTag.check(
      try arguments.optional("if_match", as: .string), against: try daemon.routing.settings(of: nil))
    return try daemon.routing.clear(try arguments.required("key", as: .string))
  }
}

@section("streamd_verbs") @used
let settingClearRecord: VerbRecord = (1, { exportVerb(SettingClearVerb.self) })
