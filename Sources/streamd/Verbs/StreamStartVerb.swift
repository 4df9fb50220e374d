import Control

/// Begins to record one stream or several.
enum StreamStartVerb: DeferredVerb {
  typealias Context = Daemon

  static let name = "stream_start"
  static let summary = "Records a device, a sink's sound or a bus into chunk files; several streams begin at one time."
  static let parameters: [VerbParameter] =
    RecordingRequest.streamParameters + [
      .optional(
        "streams", .array(of: .object(RecordingRequest.streamParameters), maximumCount: 64),
        "In place of one stream several, of which all or none are recorded; they begin at the same time, to the frame.")
    ]
  static let result = "streams[]: uri, device, state, path, format, position, frames, bytes, chunks"

  @ControlActor
  static func run(
    _ arguments: Arguments, client: ClientSession, in daemon: Daemon
  ) async throws(ControlError) -> JSON {
    let recordings = try daemon.requireRecordings()
    var requests: [RecordingRequest] = []
    if let streams = try arguments.optional("streams", as: .array(of: .object)) {
      for name in ["uri", "device", "path"] where arguments.object[name] != nil {
        throw ControlError(.badArgs, "\(name): given beside streams", path: name, hint: "each of streams has its own")
      }
      for (index, stream) in streams.enumerated() {
        requests.append(try RecordingRequest(Arguments(stream.object), place: "streams[\(index)]."))
      }
      guard !requests.isEmpty else { throw ControlError(.badArgs, "streams: empty", path: "streams") }
    } else {
      requests = [try RecordingRequest(arguments)]
    }
    let made = try await recordings.start(requests)
    return ["streams": .array(made.map { .object(recordings.report(of: $0)) })]
  }
}

@section("streamd_verbs") @used
let streamStartRecord: VerbRecord = (1, { exportVerb(StreamStartVerb.self) })
