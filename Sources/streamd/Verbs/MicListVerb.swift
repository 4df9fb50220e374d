import Control

/// Says who may speak and how it sounds.
enum MicListVerb: Verb {
  typealias Context = Daemon

  static let name = "mic.list"
  static let scope = VerbScope.read
  static let summary = "The microphone that applications see, and every client's that is heard in it."
  static let parameters: [VerbParameter] = []
  static let result = "mic{}: state, recorders, level, and mics[] with buffer, delay, losses and drift of each"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    ["mic": try daemon.requireMicrophones().report()]
  }
}

@section("streamd_verbs") @used
let micListRecord: VerbRecord = (1, { exportVerb(MicListVerb.self) })
