import Control

/// Sends one line as it is and prints the answer as it is.
enum RawCommand: Command {
  static let name = "raw"
  static let summary = "send one request as JSON, print the reply"
  static let usage = "usage: streamctl raw '{\"op\":\"status\"}'"

  static func run(_ options: Options) throws -> ExitStatus {
    guard options.words.count == 1, !options.words[0].contains("\n") else {
      throw Failure(.usage, "usage", "raw takes one request, in quotes")
    }
    let client = try options.connect()
    try client.send(line: options.words[0])
    guard let reply = try client.receiveLine(timeout: .seconds(10)) else { throw ControlClientError.timeout }
    print(reply)
    let parsed = try? JSON.parse(Array(reply.utf8))
    return parsed?["ok"] == false ? .refused : .ok
  }
}
