import Control
import Glibc

/// Prints events as they come, one JSON document a line.
enum WatchCommand: Command {
  static let name = "watch"
  static let summary = "events as they come; or one line of status for a bar"
  static let usage = """
    usage: streamctl watch [TOPIC…] [--count N] [--json]
    Topics: health (default), sessions, levels, log. One JSON document a line; the first of each topic is its snapshot.
           streamctl watch --format waybar|i3blocks|jsonl|plain [--rate LINES-A-SECOND]
    A line of status without end, for a bar: at most so many a second (1), jsonl always, the others when it changes.
    """
  static let values: Set<String> = ["--count", "--format", "--rate"]

  static func run(_ options: Options) throws -> ExitStatus {
    if let word = options.value("--format") { return try bar(word, options) }
    let topics = options.words.isEmpty ? ["health", "log"] : options.words
    var left = try options.integer("--count", in: 1...Int(Int32.max)) ?? Int.max
    let client = try options.connect()
    let reply = try client.request("subscribe", ["topics": JSON(topics)])
    for (topic, state) in reply["topics"]?.objectValue ?? [:] {
      emit(["event": .string(topic), "rev": state["rev"] ?? 0, "data": state["snapshot"] ?? .null])
    }
    while left > 0, let event = try client.nextEvent() {
      emit(event.line)
      if event.topic == "bye" { return .ok }
      left -= 1
    }
    return .ok
  }

  private static func bar(_ word: String, _ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 0)
    guard let format = StatusLine.Format(rawValue: word) else {
      let known = StatusLine.Format.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(.usage, "usage", "--format \(word): one of \(known)")
    }
    let rate = try options.number("--rate", in: 0.05...30) ?? 1
    guard let path = options.socketPath else { throw Options.noSocket }
    var bar = StatusBar(path: path, format: format, rate: rate)
    return bar.run()
  }

  private static func emit(_ line: JSONObject) {
    print(JSON.object(line).text)
    fflush(nil)
  }
}
