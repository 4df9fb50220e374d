import Control

/// All values.
enum SettingListVerb: Verb {
  typealias Context = Daemon

  static let name = "setting.list"
  static let scope = VerbScope.read
  static let summary = "What was set, and every value of a profile with where it comes from."
  static let parameters: [VerbParameter] = [
    .optional("name", .string, "Another profile than the one in use.")
  ]
  static let result = "settings{}, origins[] with key, value, origin; notes[]"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.settings(of: try arguments.optional("name", as: .string))
  }
}

@section("streamd_verbs") @used
let settingListRecord: VerbRecord = (1, { exportVerb(SettingListVerb.self) })
