import TestSupport
import Testing

@testable import Wire

/// The document's own vectors, read from the document.
@Suite struct VectorTests {
  typealias Vector = [String: String]

  static func vectors() throws -> [Vector] {
    let text = try Child.run(["cat", SourceTree.root + "/docs/MIC-PROTOCOL.md"]).standardOutput
    let block = text.split(separator: "```vectors\n")[1].split(separator: "```")[0]
    return block.split(separator: "\n\n").map { group in
      Dictionary(
        uniqueKeysWithValues: group.split(separator: "\n").map { line in
          let parts = line.split(separator: " = ", maxSplits: 1)
          return (String(parts[0]), String(parts[1]))
        })
    }
  }

  private func bytes(_ vector: Vector, _ name: String) throws -> [UInt8] {
    let text = Array(try #require(vector[name]))
    if text == ["-"] { return [] }
    return stride(from: 0, to: text.count, by: 2).map { UInt8(String(text[$0...$0 + 1]), radix: 16)! }
  }

  private func number<Value: FixedWidthInteger>(_ vector: Vector, _ name: String, radix: Int = 10) throws -> Value {
    let text = try #require(vector[name])
    return try #require(Value(text, radix: radix))
  }

  @Test func sealingAndOpening() throws {
    let vectors = try Self.vectors()
    #expect(vectors.count == 4)
    for vector in vectors {
      let session: UInt32 = try number(vector, "session", radix: 16)
      let key = try bytes(vector, "secret").withUnsafeBytes { try MicKey(secret: $0, session: session) }
      let made = key.withBytes { Array(UnsafeBufferPointer(start: $0, count: MicKey.length)) }
      #expect(try made == bytes(vector, "key"))
      let counter: UInt64 = try number(vector, "counter")
      let nonce = SealedMicCipher.nonce(counter)
      #expect(try nonce.indices.map { nonce[$0] } == bytes(vector, "nonce"))

      let kind = try #require(SealedMicHeader.Kind(rawValue: number(vector, "kind")))
      var sealer = try SealedMicSealer(
        key: key, session: session, counter: counter, sequence: number(vector, "sequence"))
      let payload = try bytes(vector, "payload")
      let datagram = try sealer.seal(
        kind, payload, timestamp: number(vector, "timestamp"), isMuted: vector["muted"] == "1")
      #expect(try datagram == bytes(vector, "datagram"), "\(vector["name"]!)")

      var opener = try SealedMicOpener(key: key, session: session)
      var room = [UInt8](repeating: 0, count: 1400)
      let length = try datagram.withUnsafeBytes { datagram in
        try room.withUnsafeMutableBytes {
          try opener.open(datagram, SealedMicHeader(parsing: datagram), into: $0)
        }
      }
      #expect(Array(room[..<length]) == payload)
    }
  }
}
