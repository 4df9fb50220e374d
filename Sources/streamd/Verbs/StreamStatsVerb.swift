import Control

/// Counts of a recording.
enum StreamStatsVerb: Verb {
  typealias Context = Daemon

  static let name = "stream_stats"
  static let summary = "All that is counted of a recording, or of every one; the peak is since the last call."
  static let parameters: [VerbParameter] = [.optional("uri", .text(maximumBytes: 1024), "One stream's name.")]
  static let result =
    "streams[]: callbacks, frames, saved_frames, bytes, write_errors, gaps, gap_frames, dropped_frames, page_faults"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let recordings = try daemon.requireRecordings()
    var wanted = recordings.all
    if let uri = try arguments.optional("uri", as: .string) { wanted = [try recordings.entry(uri)] }
    return ["streams": .array(wanted.map { .object(RecordingReport.stats($0)) })]
  }
}

@section("streamd_verbs") @used
let streamStatsRecord: VerbRecord = (1, { exportVerb(StreamStatsVerb.self) })
