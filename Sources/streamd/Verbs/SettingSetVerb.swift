import Control

/// A user's value.
enum SettingSetVerb: Verb {
  typealias Context = Daemon

  static let name = "setting.set"
  static let summary = "Puts another value in the place of the profile's, for good and under every profile."
  static let parameters: [VerbParameter] = [
    .required("key", .string, "As in limiter.ceiling_dbtp."),
    .required("value", .any, "Of the key's type."),
    .optional("if_match", .string, "The tag of setting.list that this was made from; refused if there is another."),
  ]
  static let result = "key, value, note where it has no effect now"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try EntityTag.check(
      try arguments.optional("if_match", as: .string), against: try daemon.routing.settings(of: nil))
    return try daemon.routing.set(
      try arguments.required("key", as: .string), to: try arguments.required("value", as: .any))
  }
}

@section("streamd_verbs") @used
let settingSetRecord: VerbRecord = (1, { exportVerb(SettingSetVerb.self) })
