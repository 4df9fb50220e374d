import Control
import Recording
import Wiring

/// Ends the chunk at hand.
enum StreamSwitchChunkVerb: Verb {
  typealias Context = Daemon

  static let name = "stream_switch_chunk"
  static let summary = "Seals the chunk that a recording writes and goes on in the next, without losing a frame."
  static let parameters: [VerbParameter] = [
    .required("uri", .text(maximumBytes: 1024), "The stream's name."),
    .optional(
      "new_chunk_path", .text(maximumBytes: 4000),
      "A second name for the next chunk from its first frame on: an absolute path on the same disk, not there yet."),
  ]
  static let result = "stream{}; the chunk follows as stream_chunk_full"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let recordings = try daemon.requireRecordings()
    let entry = try recordings.entry(try arguments.required("uri", as: .string))
    let name = try arguments.optional("new_chunk_path", as: .string)
    if let name { try RecordingPlaces.check(name: name, besides: entry.stream.recording.terms.folder) }
    entry.stream.switchChunk(next: name)
    return ["stream": .object(recordings.report(of: entry))]
  }
}

@section("streamd_verbs") @used
let streamSwitchChunkRecord: VerbRecord = (1, { exportVerb(StreamSwitchChunkVerb.self) })
