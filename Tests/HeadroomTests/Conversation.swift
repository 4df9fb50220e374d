import Control
import Testing

@testable import Headroom

/// A client's conversation with a daemon that says what the test wants.
struct Conversation {
  var dialect = HeadroomDialect()
  private(set) var lastID = 0

  /// After the daemon's hello.
  static func open() throws -> Conversation {
    var conversation = Conversation()
    let hello = conversation.says(["event": "hello", "name": "streamd", "version": "1.2.3"])
    _ = try #require(hello.first)
    return conversation
  }

  /// The client sends this; what goes to the daemon, and what comes back at once.
  mutating func asks(_ message: JSON) throws -> (lines: [JSON], frames: [JSON]) {
    let words = dialect.take(frame: message.bytes)
    return (try words.lines.map { try JSON.parse($0) }, try words.frames.map { try JSON.parse($0) })
  }

  /// The daemon says this; what the client hears.
  mutating func says(_ line: JSON) -> [JSON] {
    dialect.take(line: line.bytes).frames.compactMap { try? JSON.parse($0) }
  }

  /// One operation that the daemon answers with success: what it was asked, and what the client hears.
  mutating func plays(_ op: String, _ args: JSON? = nil, answer: JSON) throws -> (asked: JSON, heard: JSON) {
    lastID += 1
    var message: JSONObject = ["id": JSON(lastID), "op": .string(op)]
    if let args { message["args"] = args }
    let (lines, frames) = try asks(.object(message))
    #expect(frames.isEmpty)
    let line = try #require(lines.first)
    #expect(lines.count == 1)
    let heard = says(["id": line["id"] ?? .null, "ok": true, "result": answer])
    let first = try #require(heard.first)
    #expect(first["id"] == JSON(lastID) && first["error"] == nil)
    return (line, first["result"] ?? "no result")
  }

  /// Subscribes; the question about the start is left unanswered.
  mutating func subscribes(_ topics: String...) throws {
    _ = try plays("subscribe", ["topics": JSON(topics)], answer: ["topics": [:]])
  }
}
