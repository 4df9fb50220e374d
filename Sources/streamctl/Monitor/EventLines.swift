import Control
import Glibc

/// Events as JSON lines, each written at once. Ends when the daemon does, or when nobody reads any more.
enum EventLines {
  static func run(_ options: Options) throws -> ExitStatus {
    let topics = options.words.flatMap { $0.split(separator: ",").map { String($0) } }
    guard !topics.isEmpty else {
      throw Failure(.usage, "usage", "monitor --json needs topics, such as meters,log; streamctl describe lists them")
    }
    let client = try options.connect()
    var arguments: JSONObject = ["topics": JSON(topics)]
    if let rate = try options.number("--rate", in: 1...60) { arguments["rate"] = JSON(rate) }
    let reply = try client.request("subscribe", arguments)
    for (topic, state) in reply["topics"]?.objectValue ?? [:] {
      let line: JSON = ["event": .string(topic), "rev": state["rev"] ?? 0, "data": state["snapshot"] ?? .null]
      guard Pipe.write(line.text + "\n") else { return .ok }
    }
    while true {
      // Who reads may go while nothing happens.
      guard let event = try client.nextEvent(timeout: .milliseconds(500)) else {
        if Pipe.isClosed { return .ok }
        continue
      }
      guard Pipe.write(JSON.object(event.line).text + "\n"), event.topic != "bye" else { return .ok }
    }
  }
}

/// Standard output as something that may be closed.
enum Pipe {
  /// All of it, at once; false when nobody reads any more.
  static func write(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var state = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
        poll(&state, 1, 1000)
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }

  static var isClosed: Bool {
    var state = pollfd(fd: 1, events: 0, revents: 0)
    return poll(&state, 1, 0) > 0 && state.revents & Int16(POLLERR | POLLNVAL) != 0
  }
}
