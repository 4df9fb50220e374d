import Control

/// A user's value, taken back.
enum SettingClearVerb: Verb {
  typealias Context = Daemon

  static let name = "setting.clear"
  static let summary = "Forgets what was set for a key."
  static let parameters: [VerbParameter] = [
    .required("key", .string, "As it was set.")
  ]
  static let result = "key, cleared"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.clear(try arguments.required("key", as: .string))
  }
}

@section("streamd_verbs") @used
let settingClearRecord: VerbRecord = (1, { exportVerb(SettingClearVerb.self) })
