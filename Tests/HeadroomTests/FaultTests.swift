import Control
import Testing

@testable import Headroom

@Suite struct FaultTests {
  private func code(_ conversation: inout Conversation, _ text: String) throws -> (code: JSON?, id: JSON?) {
    let words = conversation.dialect.take(frame: Array(text.utf8))
    #expect(words.lines.isEmpty && words.frames.count == 1 && !words.isLast, "\(text)")
    let frame = try JSON.parse(try #require(words.frames.first))
    #expect(frame["error"]?["message"]?.stringValue?.isEmpty == false && frame["result"] == nil)
    return (frame["error"]?["code"], frame["id"])
  }

  @Test func messagesThatAreNone() throws {
    var conversation = try Conversation.open()
    let deep = String(repeating: "[", count: 10_000)
    for text in [
      "", "{", "7", "[]", "null", "{\"id\":1", "\u{0}", deep, "{\"id\":1,\"op\":\"status\",\"args\":\(deep)}",
      "{\"op\":\"status\"}", "{\"id\":\"1\",\"op\":\"status\"}", "{\"id\":-1,\"op\":\"status\"}",
      "{\"id\":1.5,\"op\":\"status\"}", "{\"id\":18446744073709551615,\"op\":\"status\"}",
    ] {
      let found = try code(&conversation, text)
      #expect(found.code == "INVALID_MESSAGE" && found.id == 0, "\(text.prefix(60))")
    }
    for text in ["{\"id\":3}", "{\"id\":3,\"op\":7}", "{\"id\":3,\"op\":null}"] {
      let found = try code(&conversation, text)
      #expect(found.code == "INVALID_MESSAGE" && found.id == 3, "\(text)")
    }
    // Not in UTF-8.
    let words = conversation.dialect.take(frame: [0x22, 0xFF, 0x22])
    #expect(try JSON.parse(try #require(words.frames.first))["error"]?["code"] == "INVALID_MESSAGE")
  }

  @Test func operationsAndArgumentsThatAreNone() throws {
    var conversation = try Conversation.open()
    let unknown = try code(&conversation, "{\"id\":4,\"op\":\"profile.ls\"}")
    #expect(unknown.code == "UNKNOWN_OP" && unknown.id == 4)
    for text in [
      "{\"id\":5,\"op\":\"profile.use\"}", "{\"id\":5,\"op\":\"profile.use\",\"args\":{}}",
      "{\"id\":5,\"op\":\"profile.use\",\"args\":{\"name\":null}}", "{\"id\":5,\"op\":\"profile.use\",\"args\":[]}",
      "{\"id\":5,\"op\":\"profile.use\",\"args\":7}", "{\"id\":5,\"op\":\"setting.set\",\"args\":{\"key\":\"a\"}}",
    ] {
      let found = try code(&conversation, text)
      #expect(found.code == "INVALID_ARGS" && found.id == 5, "\(text)")
    }
  }

  @Test(arguments: ControlError.Code.allCases) func everyErrorHasACode(_ ours: ControlError.Code) throws {
    var conversation = try Conversation.open()
    let (lines, _) = try conversation.asks(["id": 77, "op": "setting.get", "args": ["key": "x", "more": 1]])
    #expect(lines.first?["args"] == ["key": "x"])
    let error = ControlError(ours, "it is so", path: "key", hint: "did you mean y?")
    let frames = conversation.says(["id": lines[0]["id"] ?? .null, "ok": false, "error": error.json])
    let codes: [ControlError.Code: String] = [
      .parse: "INVALID_MESSAGE", .tooLarge: "INTERNAL", .unknownOp: "UNKNOWN_OP", .badArgs: "INVALID_ARGS",
      .notFound: "NOT_FOUND", .conflict: "CONFLICT", .denied: "CONFLICT", .busy: "BUSY", .unavailable: "CONFLICT",
      .timeout: "BUSY", .internal: "INTERNAL",
    ]
    let code = try #require(codes[ours])
    #expect(
      frames == [
        ["id": 77, "error": ["code": .string(code), "message": "key: it is so (did you mean y?)"]]
      ])
  }

  @Test func refusals() throws {
    let dialect = HeadroomDialect()
    for (code, theirs) in [
      (ControlError.Code.tooLarge, "INVALID_FRAME"), (.parse, "INVALID_FRAME"), (.busy, "BUSY"), (.denied, "CONFLICT"),
    ] {
      let frame = try JSON.parse(dialect.refusal(ControlError(code, "no")))
      #expect(frame == ["id": 0, "error": ["code": .string(theirs), "message": "no"]])
    }
  }

  /// The daemon has no room: its first line is an error without a number.
  @Test func theDaemonLetsNobodyIn() throws {
    var conversation = Conversation()
    let words = conversation.dialect.take(
      line: JSON.object(["ok": false, "error": ControlError(.busy, "64 clients are connected").json]).bytes)
    #expect(words.isLast)
    #expect(try words.frames.map { try JSON.parse($0)["error"]?["code"] } == ["BUSY"])
  }

  @Test func onlySoManyAreUnderWay() throws {
    var conversation = try Conversation.open()
    var lines: [JSON] = []
    while conversation.dialect.isReady, lines.count < 1000 {
      // All with one number: answers still find their way.
      lines += try conversation.asks(["id": 1, "op": "status"]).lines
    }
    #expect(lines.count == HeadroomDialect.mostPending)
    #expect(Set(lines.compactMap { $0["id"]?.intValue }).count == lines.count)
    for line in lines.reversed() {
      #expect(conversation.says(["id": line["id"] ?? .null, "ok": true, "result": [:]]).first?["id"] == 1)
      #expect(conversation.dialect.isReady)
    }
    // An answer nobody waits for.
    #expect(conversation.says(["id": 1, "ok": true, "result": [:]]).isEmpty)
  }

  @Test func largeNumbersAndAnswers() throws {
    var conversation = try Conversation.open()
    let (lines, _) = try conversation.asks(["id": .int(.max), "op": "status"])
    #expect(conversation.says(["id": lines[0]["id"] ?? .null, "ok": true, "result": [:]]).first?["id"] == .int(.max))
    let long = String(repeating: "x", count: (1 << 20) - 10)
    let (none, refused) = try conversation.asks(["id": 2, "op": "profile.use", "args": ["name": .string(long)]])
    #expect(none.isEmpty && refused.first?["error"]?["code"] == "INVALID_ARGS")
    let (asked, _) = try conversation.asks(["id": 3, "op": "status"])
    let many = JSON.array(Array(repeating: ["node_id": 1, "app": "a", "route": "bypass"], count: 30_000))
    let frames = conversation.says(["id": asked[0]["id"] ?? .null, "ok": true, "result": ["streams": many]])
    #expect(frames.first?["error"]?["code"] == "INTERNAL" && frames.first?["id"] == 3)
  }

  /// Whatever comes from either side, every frame is JSON of the right shape and nothing traps.
  @Test func garbageIsAnswered() throws {
    var random = SystemRandomNumberGenerator()
    var conversation = try Conversation.open()
    let seeds = HeadroomOperation.all.map { "{\"id\":1,\"op\":\"\($0.name)\",\"args\":{\"topics\":[\"meters\"]}}" }
    var bytes = 0
    while bytes < 100_000 {
      var frame = Array(seeds.randomElement(using: &random)?.utf8 ?? "".utf8)
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        frame[Int.random(in: frame.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) { frame = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) } }
      bytes += frame.count
      let words = conversation.dialect.take(frame: frame)
      #expect(words.lines.count + words.frames.count == 1)
      for frame in words.frames { #expect(try JSON.parse(frame)["id"] != nil) }
      // Answered, so that there is room for more; sometimes with garbage.
      for line in words.lines {
        let id = try #require(try JSON.parse(line)["id"])
        _ = conversation.dialect.take(line: frame)
        _ = conversation.says(["id": id, "ok": true, "result": ["streams": 7, "origins": ["x"], "profiles": [[1]]]])
      }
    }
    #expect(conversation.dialect.isReady)
  }
}
