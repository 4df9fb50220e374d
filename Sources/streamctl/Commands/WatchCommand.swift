import Control
import Glibc

/// Prints events as they come, one JSON document a line.
enum WatchCommand: Command {
  static let name = "watch"
  static let summary = "events as they come: health sessions levels log"
  static let usage = """
    usage: streamctl watch [TOPIC…] [--count N] [--json]
    Topics: health (default), sessions, levels, log. One JSON document a line; the first of each topic is its snapshot.
    """
  static let values: Set<String> = ["--count"]

  static func run(_ options: Options) throws -> ExitStatus {
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

  private static func emit(_ line: JSONObject) {
    print(JSON.object(line).text)
    fflush(nil)
  }
}
