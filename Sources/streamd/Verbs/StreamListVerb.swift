import Control
import Settings

/// Says what is being recorded.
enum StreamListVerb: Verb {
  typealias Context = Daemon

  static let name = "stream_list"
  static let summary = "What is being recorded."
  static let parameters: [VerbParameter] = []
  static let result = "streams[]; folder: where recordings go whose path nobody names; max_streams"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let recordings = try daemon.requireRecordings()
    return [
      "streams": .array(recordings.all.map { .object(recordings.report(of: $0)) }),
      "folder": recordings.folder.map { .string($0) } ?? .null, "max_streams": JSON(recordings.settings.maxStreams),
    ]
  }
}

@section("streamd_verbs") @used
let streamListRecord: VerbRecord = (1, { exportVerb(StreamListVerb.self) })
