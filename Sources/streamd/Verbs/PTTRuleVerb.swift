import Control

/// Puts something under push-to-talk, or takes it out.
enum PTTRuleVerb: Verb {
  typealias Context = Daemon

  static let name = "ptt.rule"
  static let summary = "Shuts something unless it is held, or gives it back as it was."
  static let parameters: [VerbParameter] = [
    TalkRequest.target, .optional("ruled", .boolean, default: true, "False: push-to-talk has no more to do with it."),
  ]
  static let result = "target, ruled, open, holders, ends_in_ms where it ends by itself"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let target = try TalkRequest(arguments).target
    guard try arguments.optional("ruled", as: .boolean) ?? true else { return daemon.talk.leave(target) }
    return try daemon.talk.rule(target)
  }
}

@section("streamd_verbs") @used
let pttRuleRecord: VerbRecord = (1, { exportVerb(PTTRuleVerb.self) })
