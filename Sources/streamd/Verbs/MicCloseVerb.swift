import Control

/// Shuts a client's microphone out.
enum MicCloseVerb: Verb {
  typealias Context = Daemon

  static let name = "mic.close"
  static let summary = "Closes a client's microphone; nothing of it is heard any more."
  static let parameters: [VerbParameter] = [.required("mic", .string, "Its id, such as m1, or its name.")]
  static let result = "mic{}: its last figures"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let mics = try daemon.requireMicrophones()
    let entry = try mics.entry(try arguments.required("mic", as: .string))
    let last = mics.report(of: entry)
    mics.close(entry)
    return ["mic": .object(last)]
  }
}

@section("streamd_verbs") @used
let micCloseRecord: VerbRecord = (1, { exportVerb(MicCloseVerb.self) })
