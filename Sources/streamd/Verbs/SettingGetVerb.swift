import Control

/// One value.
enum SettingGetVerb: Verb {
  typealias Context = Daemon

  static let name = "setting.get"
  static let scope = VerbScope.read
  static let summary = "A value of the profile in use."
  static let parameters: [VerbParameter] = [
    .required("key", .string, "As in limiter.ceiling_dbtp.")
  ]
  static let result = "key, value, origin"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.setting(try arguments.required("key", as: .string))
  }
}

@section("streamd_verbs") @used
let settingGetRecord: VerbRecord = (1, { exportVerb(SettingGetVerb.self) })
