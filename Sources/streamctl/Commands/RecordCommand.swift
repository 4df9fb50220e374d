import Control

/// Recordings: made by the daemon, read without it.
enum RecordCommand: Command {
  static let name = "record"
  static let summary = "record devices, sinks and buses; read, cut, export and recover recordings"
  static let usage = """
    usage: streamctl record start DEVICE… [--uri URI] [--seconds N] [--detach] [--format f32|s16|s24|s32] [--rate HZ]
                            [--channels N | --labels FL,FR] [--chunk-bytes N] [--path DIR] [--convert]
           streamctl record stop URI… | list | show URI|DIR [--verify] | switch URI
           streamctl record export URI|DIR --out FILE.wav|FILE.flac [SPAN] [--gaps silence|skip|refuse] [--force]
           streamctl record slice URI|DIR SPAN [--gaps …] > SAMPLES
           streamctl record recover [DIR…]
    DEVICE: a microphone's node name, alsa:PCM, jack:CLIENT, default-source, desktop, sink:NAME, bus:NAME. Several begin at
    the same time, to the frame. On a terminal start shows the recording and ends it with Ctrl-C; --detach leaves it running.
    SPAN: --last SECONDS, --from and --to in seconds of the recording, --frames A-B, or --wall-from and --wall-to in
    seconds since 1970. A recording that still grows can be read too. slice writes the samples as they are; export keeps
    every one of them. recover brings in order what a killed daemon or a loss of power left; doing it twice does no harm.
    """
  static let flags: Set<String> = ["--detach", "--convert", "--verify", "--force"]
  static let values: Set<String> = [
    "--uri", "--seconds", "--format", "--rate", "--channels", "--labels", "--chunk-bytes", "--path", "--out", "--last",
    "--from",
    "--to", "--frames", "--wall-from", "--wall-to", "--gaps",
  ]

  static func run(_ options: Options) throws -> ExitStatus {
    switch options.words.first {
    case "start": return try RecordStart.run(options)
    case nil, "list":
      try options.refuseWords(beyond: 1)
      try list(options)
    case "stop": return try stop(options)
    case "switch":
      let reply = try options.connect().request("stream_switch_chunk", ["uri": .string(try subject(options))])
      print(options.asJSON ? reply.text : line(reply["stream"] ?? .null))
    case "show": return try RecordShow.run(options)
    case "export": return try RecordExport.run(options)
    case "slice": return try RecordExport.slice(options)
    case "recover": return try RecordRecover.run(options)
    case let word?:
      throw Failure(
        .usage, "usage",
        "unknown action \(word): start, stop, list, show, switch, export, slice or recover")
    }
    return .ok
  }

  /// The one word behind the action.
  static func subject(_ options: Options) throws -> String {
    try options.refuseWords(beyond: 2)
    guard options.words.count == 2 else {
      throw Failure(.usage, "usage", "record \(options.words[0]) needs a stream's URI or a recording's folder")
    }
    return options.words[1]
  }

  private static func list(_ options: Options) throws {
    let reply = try options.connect().request("stream_list")
    if options.asJSON { return print(reply.text) }
    let streams = reply["streams"]?.arrayValue ?? []
    if streams.isEmpty { print("nothing is being recorded") }
    for stream in streams { print(line(stream)) }
  }

  private static func stop(_ options: Options) throws -> ExitStatus {
    let wanted = options.words.dropFirst()
    guard !wanted.isEmpty else {
      throw Failure(.usage, "usage", "record stop needs a stream's URI: record list tells them")
    }
    let client = try options.connect()
    var isSaved = true
    for uri in wanted {
      let reply = try client.request("stream_stop", ["uri": .string(uri)], timeout: .seconds(30))
      print(options.asJSON ? reply.text : line(reply["stream"] ?? .null))
      isSaved = isSaved && reply["saved"] == true
    }
    if !isSaved { Console.note("streamctl: the disk did not take everything; streamctl record recover, when it does") }
    return isSaved ? .ok : .degraded
  }

  static func counted(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }

  static func line(_ stream: JSON) -> String {
    let word = { (key: String) in stream[key]?.plain ?? "" }
    let format = stream["format"] ?? .null
    let trouble = (stream["trouble"] ?? stream["disk_trouble"]?["message"]).map { "; \($0.plain)" } ?? ""
    return "\(word("uri")) \(word("state")): \(word("device")), \(format["channels"]?.plain ?? "?") ch, "
      + "\(format["sample_rate"]?.plain ?? "?") Hz, \(format["sample_format"]?.plain ?? "?"), \(word("seconds")) s, "
      + "\(counted(stream["chunks"]?.intValue ?? 0, "chunk")) in \(word("path"))\(trouble)"
  }

  /// The folder of what is meant: a stream's that is being recorded, its newest one, or that folder.
  static func folder(_ options: Options) throws -> String {
    let subject = try subject(options)
    guard subject.contains("://") else { return subject.hasPrefix("/") ? subject : WorkingFolder.path + "/" + subject }
    let streams = try? options.connect().request("stream_list")["streams"]?.arrayValue
    if let path = streams?.first(where: { $0["uri"]?.stringValue == subject })?["path"]?.stringValue { return path }
    guard let ended = RecordingsFolder.newest(of: subject) else {
      throw Failure(
        .notFound, "not_found",
        "no stream \"\(subject)\" is being recorded, and none is in \(RecordingsFolder.path ?? "the recordings' folder"); "
          + "of one that lies elsewhere, give the folder")
    }
    return ended
  }
}
