import Glibc
import Testing

@testable import Control

/// Frames that hold the control socket's own lines.
private struct PlainDialect: DoorDialect {
  var isReady = false

  mutating func take(frame: [UInt8]) -> DoorWords {
    frame == Array("end".utf8) ? DoorWords(isLast: true) : DoorWords(lines: [frame])
  }

  mutating func take(line: [UInt8]) -> DoorWords {
    isReady = true
    return DoorWords(frames: [line])
  }

  func refusal(_ error: ControlError) -> [UInt8] { JSON.object(["refused": .string(error.code.rawValue)]).bytes }
}

/// A blocking client in frames. One thread sends and one receives.
private final class FrameClient: @unchecked Sendable {
  let descriptor: Descriptor
  private var input = FrameBuffer(maximumBytes: 2 << 20, skippableBytes: 2 << 20)
  private var scratch = [UInt8](repeating: 0, count: 65_536)

  init(_ path: String) throws { descriptor = try UnixSocket.connected(to: path, until: .now + .seconds(5)) }

  func send(_ text: String) throws { try send(raw: FrameBuffer.frame(Array(text.utf8))) }

  func send(raw bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      switch descriptor.send(bytes, from: sent) {
      case .bytes(let count): sent += count
      case .wouldBlock: #expect(try descriptor.wait(for: POLLOUT, until: .now + .seconds(20)))
      case .end, .failed: throw SystemError("send")
      }
    }
  }

  func stopSending() { _ = shutdown(descriptor.number, Int32(SHUT_WR)) }

  /// Nil at the end.
  func receive() throws -> JSON? {
    while true {
      if case .frame(let body) = input.next() { return try JSON.parse(body) }
      var parcels: [DescriptorParcel] = []
      switch descriptor.receive(into: &scratch, &parcels, limit: 0) {
      case .bytes(let count): input.append(scratch[..<count])
      case .wouldBlock: try #require(try descriptor.wait(for: POLLIN, until: .now + .seconds(20)))
      case .end, .failed: return nil
      }
    }
  }

  func ask(_ text: String) throws -> JSON? {
    try send(text)
    return try receive()
  }
}

extension Live {
  @Suite struct DoorTests {
    /// A server with a door, and a client that has read its hello.
    private func run(
      _ adjust: (inout FramedDoor.Limits) -> Void = { _ in },
      serving: (inout ControlSocket.Limits) -> Void = { _ in },
      body: (Harness, FramedDoor, String) async throws -> Void
    ) async throws {
      var limits = FramedDoor.Limits()
      adjust(&limits)
      try await Harness.run(serving) { harness in
        let path = harness.directory + "/door.sock"
        let door = try await Self.open(path, to: harness.path, limits)
        do { try await body(harness, door, path) } catch {
          await Self.close(door)
          throw error
        }
        await Self.close(door)
        #expect(access(path, F_OK) != 0, "the door's file stays behind")
      }
    }

    @ControlActor
    private static func open(_ path: String, to control: String, _ limits: FramedDoor.Limits) throws -> FramedDoor {
      let door = FramedDoor(to: control, limits: limits) { PlainDialect() }
      try door.serve(try ControlListener.open(path: path))
      return door
    }

    private static func close(_ door: FramedDoor) async {
      await withCheckedContinuation { continuation in
        Task { @ControlActor in door.close { continuation.resume() } }
      }
    }

    private func greeted(_ path: String) throws -> FrameClient {
      let client = try FrameClient(path)
      #expect(try client.receive()?["event"] == "hello")
      return client
    }

    @Test func whatIsAskedIsAnswered() async throws {
      try await run { harness, door, path in
        let client = try greeted(path)
        #expect(try client.ask(#"{"id":1,"op":"ping"}"#)?["ok"] == true)
        #expect(try client.ask(#"{"id":2,"op":"subscribe","args":{"topics":["log"]}}"#)?["id"] == 2)
        await harness.publish("log", ["n": 1])
        #expect(try client.receive()?["data"] == ["n": 1])
        #expect(await door.clientCount == 1)
        // Byte by byte, and many at once.
        for byte in FrameBuffer.frame(Array(#"{"id":3,"op":"ping"}"#.utf8)) { try client.send(raw: [byte]) }
        #expect(try client.receive()?["id"] == 3)
        let frames = (10..<510).map { FrameBuffer.frame(Array(#"{"id":\#($0),"op":"ping"}"#.utf8)) }
        try client.send(raw: frames.flatMap(\.self))
        for id in 10..<510 { #expect(try client.receive()?["id"] == JSON(id)) }
      }
    }

    @Test func halfClosedClientsAreAnswered() async throws {
      try await run { harness, door, path in
        let client = try greeted(path)
        for id in 1...100 { try client.send(#"{"id":\#(id),"op":"ping"}"#) }
        client.stopSending()
        for id in 1...100 { #expect(try client.receive()?["id"] == JSON(id)) }
        #expect(try client.receive() == nil)
        await harness.until { door.clientCount == 0 && harness.socket.clientCount == 0 }
      }
    }

    @Test func lastWordsAreHeard() async throws {
      try await run { harness, door, path in
        do {
          let client = try greeted(path)
          for id in 1...200 { try client.send(#"{"id":\#(id),"op":"ping"}"#) }
        }
        // Gone without reading one answer.
        await harness.until { door.clientCount == 0 && harness.socket.clientCount == 0 }
        #expect(await harness.socket.statistics.requests == 200)
      }
    }

    @Test func whatIsNoFrameIsRefused() async throws {
      try await run {
        $0.frameBytes = 100
        $0.skippableBytes = 1 << 20
      } body: { harness, door, path in
        let client = try greeted(path)
        // Too long, but its end is known: what follows is understood.
        try client.send(String(repeating: "x", count: 300_000))
        #expect(try client.receive() == ["refused": "too_large"])
        #expect(try client.ask(#"{"id":1,"op":"ping"}"#)?["id"] == 1)
        try client.send(raw: Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(try client.receive() == ["refused": "too_large"])
        #expect(try client.receive() == nil)
        // One that never ends.
        let half = try greeted(path)
        try half.send(raw: [0, 0, 0, 9, 1])
        half.stopSending()
        #expect(try half.receive() == ["refused": "parse"])
        #expect(try half.receive() == nil)
        await harness.until { door.clientCount == 0 }
      }
    }

    @Test func framesMustEndInTime() async throws {
      try await run {
        $0.frameTimeout = .milliseconds(50)
      } body: { harness, door, path in
        let client = try greeted(path)
        try client.send(raw: [0, 0])
        #expect(try client.receive() == ["refused": "parse"])
        #expect(try client.receive() == nil)
        await harness.until { door.clientCount == 0 }
      }
    }

    /// Each ends in time, though there is always one that has begun.
    @Test func oneFrameAfterTheOtherIsNoSlowFrame() async throws {
      try await run {
        $0.frameTimeout = .milliseconds(300)
      } body: { _, _, path in
        let client = try greeted(path)
        let frame = FrameBuffer.frame(Array(#"{"id":1,"op":"ping"}"#.utf8))
        try client.send(raw: Array(frame[..<3]))
        for _ in 0..<40 {
          let began = Monotonic.now
          usleep(10_000)
          try client.send(raw: Array(frame[3...] + frame[..<3]))
          let answer = try client.receive()
          // A machine that stood still for so long says nothing about the door.
          guard Monotonic.now < began + .milliseconds(150) else { return }
          #expect(answer?["id"] == 1)
        }
      }
    }

    @Test func onlySoManyAreLetIn() async throws {
      try await run {
        $0.clients = 2
      } body: { harness, door, path in
        let (one, two) = (try greeted(path), try greeted(path))
        let three = try FrameClient(path)
        #expect(try three.receive() == ["refused": "busy"])
        #expect(try three.receive() == nil)
        #expect(try one.ask(#"{"id":1,"op":"ping"}"#)?["id"] == 1)
        try two.send("end")
        #expect(try two.receive() == nil)
        await harness.until { door.clientCount == 1 }
        _ = try greeted(path)
      }
    }

    /// Answers far beyond every buffer, unread: nothing grows, the others are served, and nothing is lost.
    @Test func slowReadersWait() async throws {
      try await run {
        $0.waitingBytes = 16_384
      } serving: {
        $0.outgoingBytes = 32_768
      } body: { harness, door, path in
        let client = try greeted(path)
        let count = 600
        let request = #"{"id":%,"op":"describe"}"#
        let writer = Task.detached {
          for id in 1...count { try client.send(request.replacing("%", with: "\(id)")) }
        }
        let other = try greeted(path)
        for id in 1...20 { #expect(try other.ask(#"{"id":\#(id),"op":"ping"}"#)?["id"] == JSON(id)) }
        #expect(await harness.socket.waitingBytes.allSatisfy { $0 < 300_000 })
        for id in 1...count {
          guard let reply = try client.receive(), reply["id"] == JSON(id) else {
            Issue.record("answer \(id) is missing")
            break
          }
        }
        try await writer.value
      }
    }

    @Test func theServersGoodbyeArrives() async throws {
      try await run { harness, door, path in
        let client = try greeted(path)
        await harness.socket.close(reason: "test")
        #expect(try client.receive()?["event"] == "bye")
        #expect(try client.receive() == nil)
        await harness.until { door.clientCount == 0 }
        // With nobody behind it a door refuses.
        let late = try FrameClient(path)
        #expect(try late.receive() == ["refused": "busy"])
      }
    }
  }
}

@Suite struct FrameBufferTests {
  private func frame(_ text: String) -> [UInt8] { FrameBuffer.frame(Array(text.utf8)) }

  @Test func cutsFramesHoweverTheyArrive() {
    var random = Random(state: 5)
    let bodies = (0..<300).map { number in [UInt8](repeating: UInt8(number % 256), count: Int(random.next() % 400)) }
    let stream = bodies.flatMap { FrameBuffer.frame($0) }
    var buffer = FrameBuffer(maximumBytes: 400, skippableBytes: 1000)
    var taken: [FrameBuffer.Piece] = []
    var position = 0
    while position < stream.count {
      let end = min(stream.count, position + 1 + Int(random.next() % 300))
      buffer.append(stream[position..<end])
      position = end
      while let piece = buffer.next() { taken.append(piece) }
    }
    #expect(taken == bodies.map { .frame($0) })
    #expect(!buffer.isPartial && buffer.waitingBytes == 0)
  }

  @Test func lengthsAreBigEndian() {
    #expect(FrameBuffer.frame([]) == [0, 0, 0, 0])
    #expect(FrameBuffer.frame([UInt8](repeating: 7, count: 258)).prefix(5) == [0, 0, 1, 2, 7])
  }

  @Test func tooLongIsSkippedAsItArrives() {
    var buffer = FrameBuffer(maximumBytes: 4, skippableBytes: 1000)
    buffer.append([0, 0, 3, 0xE8, 1, 2])
    #expect(buffer.next() == .tooLong(1000))
    #expect(buffer.next() == nil && buffer.isPartial && buffer.waitingBytes == 0)
    for _ in 0..<99 { buffer.append([UInt8](repeating: 9, count: 10)[...]) }
    #expect(buffer.next() == nil && buffer.isPartial && buffer.waitingBytes == 0)
    let next = [UInt8](repeating: 9, count: 8) + frame("ab")
    buffer.append(next[...])
    #expect(buffer.next() == .frame(Array("ab".utf8)))
    #expect(!buffer.isPartial)
  }

  @Test func hopelessStaysHopeless() {
    var buffer = FrameBuffer(maximumBytes: 4, skippableBytes: 1000)
    buffer.append(Array("GET / HTTP".utf8)[...])
    #expect(buffer.next() == .noFrame(0x4745_5420))
    buffer.append(frame("ab")[...])
    #expect(buffer.next() == nil && !buffer.isPartial && buffer.waitingBytes == 0)
  }

  @Test func theBoundIsTheLongest() {
    var buffer = FrameBuffer(maximumBytes: 4, skippableBytes: 5)
    buffer.append(frame("abcd")[...])
    #expect(buffer.next() == .frame(Array("abcd".utf8)))
    buffer.append(frame("abcde")[...])
    #expect(buffer.next() == .tooLong(5))
    buffer.append(frame("abcdef")[...])
    #expect(buffer.next() == .noFrame(6))
  }

  /// Whatever arrives, no more is held than a frame and what came last.
  @Test func garbageIsBounded() {
    var random = Random(state: 11)
    var buffer = FrameBuffer(maximumBytes: 512, skippableBytes: 4096)
    var pieces = 0
    for _ in 0..<1000 {
      buffer.append((0..<100).map { _ in random.next() % 4 == 0 ? UInt8(truncatingIfNeeded: random.next()) : 0 }[...])
      while let piece = buffer.next() {
        pieces += 1
        if case .noFrame = piece { buffer = FrameBuffer(maximumBytes: 512, skippableBytes: 4096) }
      }
      #expect(buffer.waitingBytes <= 512 + 4)
    }
    #expect(pieces > 100)
  }
}
