import AudioCore
import Control
import Wiring

/// Changes a session while it runs.
enum SessionUpdateVerb: Verb {
  typealias Context = Daemon

  static let name = "session.update"
  static let summary = "Changes gain, mute or bit rate of a session without interrupting it."
  static let parameters: [VerbParameter] = [
    .required("session", .string, "Its id, such as s1, or its name."),
    .optional("gain_db", .number(-120...20), unit: "dB", "Moves smoothly."),
    .optional("mute", .boolean, "Silence is sent on time, as always."),
    .optional(
      "bitrate", .integer(6000...4_000_000), unit: "bit/s",
      "All channels together; in force from the next protected block."),
  ]
  static let result = "session{}"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let session = try daemon.session(try arguments.required("session", as: .string))
    let change = SessionChange(
      gain: try arguments.optional("gain_db", as: .number).map { Decibels($0) },
      isMuted: try arguments.optional("mute", as: .boolean),
      bitrate: try arguments.optional("bitrate", as: .integer))
    return ["session": .object(try daemon.updateSession(session, change))]
  }
}

@section("streamd_verbs") @used
let sessionUpdateRecord: VerbRecord = (1, { exportVerb(SessionUpdateVerb.self) })
