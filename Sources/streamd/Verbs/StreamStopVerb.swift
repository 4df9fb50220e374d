import Control

/// Ends a recording.
enum StreamStopVerb: DeferredVerb {
  typealias Context = Daemon

  static let name = "stream_stop"
  static let summary = "Ends a recording; answers when its last chunk is sealed with its true length."
  static let parameters: [VerbParameter] = [.required("uri", .text(maximumBytes: 1024), "The stream's name.")]
  static let result = "stream{}: its last figures; stats{}; saved: whether the disk took everything"

  @ControlActor
  static func run(
    _ arguments: Arguments, client: ClientSession, in daemon: Daemon
  ) async throws(ControlError) -> JSON {
    let recordings = try daemon.requireRecordings()
    let entry = try recordings.entry(try arguments.required("uri", as: .string))
    let isSaved = await recordings.stop(entry)
    var last = recordings.report(of: entry)
    last["state"] = "stopped"
    return ["stream": .object(last), "stats": .object(RecordingReport.stats(entry)), "saved": .bool(isSaved)]
  }
}

@section("streamd_verbs") @used
let streamStopRecord: VerbRecord = (1, { exportVerb(StreamStopVerb.self) })
