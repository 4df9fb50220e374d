import Control

/// Mutes microphones.
enum MicUpdateVerb: Verb {
  typealias Context = Daemon

  static let name = "mic.update"
  static let summary = "Mutes a client's microphone, or all of them: nothing is decoded, and the source is silent."
  static let parameters: [VerbParameter] = [
    .optional("mic", .string, "Its id, such as m1, or its name; left out: everybody."),
    .required("muted", .boolean, "Whether it is muted."),
  ]
  static let result = "mic{}: the one, or everything"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let mics = try daemon.requireMicrophones()
    let muted = try arguments.required("muted", as: .boolean)
    guard let name = try arguments.optional("mic", as: .string) else {
      mics.setMuted(muted)
      return ["mic": mics.report()]
    }
    return ["mic": .object(mics.report(of: try mics.setMuted(muted, of: try mics.entry(name))))]
  }
}

@section("streamd_verbs") @used
let micUpdateRecord: VerbRecord = (1, { exportVerb(MicUpdateVerb.self) })
