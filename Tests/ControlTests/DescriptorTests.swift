import Glibc
import Testing

@testable import Control

/// Answers with the reading end of a pipe that holds some text.
enum PassVerb: Verb {
  static let name = "test.pass"
  static let summary = "Passes descriptors."
  static let parameters: [VerbParameter] = [
    .required("texts", .array(of: .string, maximumCount: 8), "what is in the pipes"),
    .optional("fail", .boolean, default: false, "refuses in the end"),
    .optional("padding", .integer(0...200_000), default: 0, "makes the reply longer"),
  ]
  static let result = "count"

  static func run(
    _ arguments: Arguments, client: ClientSession, in context: TestDaemon
  ) throws(ControlError) -> JSON {
    let texts = try arguments.required("texts", as: .array(of: .string))
    for text in texts { client.pass(DescriptorParcel(owning: [filledPipe(text)])) }
    if try arguments.required("fail", as: .boolean) { throw ControlError(.conflict, "no") }
    let padding = try arguments.required("padding", as: .integer)
    return ["count": JSON(texts.count), "padding": JSON(String(repeating: "x", count: padding))]
  }
}

@section("streamd_verbs") @used
let passRecord: VerbRecord = (1, { exportVerb(PassVerb.self) })

/// Reads what is in a pipe that came with the request.
enum TakeVerb: Verb {
  static let name = "test.take"
  static let summary = "Takes a descriptor."
  static let result = "text"

  static func run(
    _ arguments: Arguments, client: ClientSession, in context: TestDaemon
  ) throws(ControlError) -> JSON {
    guard let parcel = client.takeDescriptor() else { throw ControlError(.badArgs, "no descriptor") }
    return ["text": .string(text(in: parcel))]
  }
}

@section("streamd_verbs") @used
let takeRecord: VerbRecord = (1, { exportVerb(TakeVerb.self) })

private func filledPipe(_ text: String) -> Int32 {
  var ends: [Int32] = [-1, -1]
  precondition(pipe(&ends) == 0)
  let bytes = Array(text.utf8)
  precondition(write(ends[1], bytes, bytes.count) == bytes.count)
  close(ends[1])
  return ends[0]
}

private func text(in parcel: DescriptorParcel) -> String {
  var buffer = [UInt8](repeating: 0, count: 256)
  let count = read(parcel.numbers[0], &buffer, buffer.count)
  return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
}

extension Live {
  /// What travels beside the lines. The harness counts descriptors: none may be lost on any of these ways.
  @Suite struct DescriptorTests {
    @Test func aReplyBringsItsDescriptors() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        for round in 0..<200 {
          let texts = (0..<(round % 4)).map { "\(round).\($0)" }
          #expect(try client.request("test.pass", ["texts": JSON(texts)])["count"] == JSON(texts.count))
          #expect(client.takeDescriptors().map(text(in:)) == texts)
        }
        var flags: [Int32] = []
        _ = try client.request("test.pass", ["texts": ["one"]])
        for parcel in client.takeDescriptors() { flags.append(fcntl(parcel.numbers[0], F_GETFD)) }
        #expect(flags == [FD_CLOEXEC])
      }
    }

    /// Many lines are answered in one turn; each reply's descriptors come in the order of the lines.
    @Test func theOrderIsKept() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        var lines = ""
        for line in 0..<40 {
          lines += #"{"id":\#(line),"op":"test.pass","args":{"texts":["\#(line)"],"padding":\#(line * 50)}}"# + "\n"
          lines += #"{"id":"ping","op":"ping"}"# + "\n"
        }
        lines += #"{"id":"all","batch":[{"op":"test.pass","args":{"texts":["a","b"]}},"#
        lines += #"{"op":"ping"},"#
        lines += #"{"op":"test.pass","args":{"texts":["lost"],"fail":true}},"#
        lines += #"{"op":"test.pass","args":{"texts":["c"]}}]}"#
        try client.send(line: lines)
        var texts: [String] = []
        var replies = 0
        while replies < 81 {
          let reply = try client.receiveJSON()
          replies += 1
          let found = client.takeDescriptors().map(text(in:))
          texts += found
          // What names a descriptor never comes after it by more than what was read at once.
          if case .int(let number)? = reply["id"] { #expect(texts.count > Int(number)) }
        }
        #expect(texts == (0..<40).map { "\($0)" } + ["a", "b", "c"])
      }
    }

    @Test func aReplyOfManyPartsBringsThemOnce() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        let reply = try client.request("test.pass", ["texts": ["far"], "padding": 200_000])
        #expect(reply["padding"]?.stringValue?.count == 200_000)
        #expect(client.takeDescriptors().map(text(in:)) == ["far"])
      }
    }

    @Test func aRequestBringsOne() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        for round in 0..<50 {
          let parcel = DescriptorParcel(owning: [filledPipe("\(round)")])
          #expect(try client.request("test.take", passing: [parcel])["text"] == JSON("\(round)"))
        }
        // A line that asks for none leaves none to the next.
        let unasked = (0..<20).map { _ in DescriptorParcel(owning: [filledPipe("unasked")]) }
        _ = try client.request("ping", passing: unasked)
        #expect(throws: ControlClientError.self) { try client.request("test.take") }
        _ = try client.request("ping")
      }
    }

    /// Whoever does not read cannot make the daemon hold more and more descriptors.
    @Test func descriptorsThatNobodyTakesAreFew() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        let before = openDescriptors()
        for line in 0..<3000 {
          do throws(ControlClientError) {
            try client.send(
              bytes: Array("{\"id\":\(line),\"op\":\"test.pass\",\"args\":{\"texts\":[\"a\",\"b\",\"c\"]}}\n".utf8),
              timeout: .milliseconds(100))
          } catch {
            break
          }
        }
        await Harness.settle()
        #expect(openDescriptors() - before < 16 * 3)
        _ = try harness.connect().request("ping")
        // It reads after all: nothing was lost.
        var next = 0
        while next < 200 {
          #expect(try client.receiveJSON()["id"] == JSON(next))
          next += 1
        }
        #expect(client.takeDescriptors().map(text(in:)).prefix(252) == (0..<84).flatMap { _ in ["a", "b", "c"] }[...])
      }
    }

    /// Whoever goes without reading leaves nothing open, here or on the way.
    @Test func nothingIsLeftOfThoseWhoGo() async throws {
      try await Harness.run { harness in
        for _ in 0..<20 {
          let client = try harness.connect()
          for line in 0..<30 {
            try client.send(line: #"{"id":\#(line),"op":"test.pass","args":{"texts":["a","b","c"],"padding":3000}}"#)
          }
          _ = try client.receiveLine(timeout: .seconds(5))
        }
        await harness.until { harness.socket.clientCount == 0 }
      }
    }
  }
}
