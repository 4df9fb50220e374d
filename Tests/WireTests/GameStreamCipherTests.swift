import CRenderGuard
import Testing

@testable import Wire

@Suite struct GameStreamCipherTests {
  private func encrypt(_ plain: [UInt8], keyID: Int32, sequence: UInt16) throws -> [UInt8] {
    let encryptor = try GameStreamCipher.Encryptor(key: .golden(), keyID: keyID)
    var output = [UInt8](repeating: 0, count: plain.count + 16)
    let length = try output.withUnsafeMutableBytes { output in
      try plain.withUnsafeBytes { try encryptor.encrypt($0, sequence: sequence, into: output) }
    }
    return Array(output[..<length])
  }

  private func decrypt(_ encrypted: [UInt8], keyID: Int32, sequence: UInt16) throws -> [UInt8] {
    let decryptor = try GameStreamCipher.Decryptor(key: .golden(), keyID: keyID)
    var output = [UInt8](repeating: 0, count: encrypted.count)
    let length = try output.withUnsafeMutableBytes { output in
      try encrypted.withUnsafeBytes { try decryptor.decrypt($0, sequence: sequence, into: output) }
    }
    return Array(output[..<length])
  }

  @Test func goldenVectors() throws {
    #expect(
      try encrypt(Array(0...15), keyID: -2, sequence: 5)
        == bytes("cc5a7643c682a938a9eb6b3e1a1b898a7e80b219421ff8ce4127fadbae08d85b"))
    #expect(
      try encrypt([UInt8](repeating: 0xAA, count: 15), keyID: .max, sequence: 65_535)
        == bytes("54e095a9ec7b0fe466e8b639f3ffdd31"))
  }

  @Test func vectorsWrap() {
    func start(_ keyID: Int32, _ sequence: UInt16) -> UInt32 {
      let vector = GameStreamCipher.vector(keyID: keyID, sequence: sequence)
      #expect(vector[1] == 0 && vector[2] == 0 && vector[3] == 0)
      return UInt32(bigEndian: vector[0])
    }
    #expect(start(-2, 5) == 3)
    #expect(start(.max, 65_535) == 0x8000_FFFE)
    #expect(start(-1, 0) == 0xFFFF_FFFF)
  }

  @Test func everyLengthComesBack() throws {
    for length in 0...70 {
      let plain = (0..<length).map { UInt8($0) }
      let encrypted = try encrypt(plain, keyID: 7, sequence: UInt16(length))
      #expect(encrypted.count == GameStreamCipher.encryptedLength(of: length))
      #expect(encrypted.count % 16 == 0 && encrypted.count > length)
      #expect(try decrypt(encrypted, keyID: 7, sequence: UInt16(length)) == plain)
    }
  }

  /// The vector is set for each packet: order does not matter, and equal packets are equal again.
  @Test func packetsDoNotChain() throws {
    let encryptor = try GameStreamCipher.Encryptor(key: .golden(), keyID: 1)
    var outputs: [[UInt8]] = []
    for sequence in [3, 9, 3] as [UInt16] {
      var output = [UInt8](repeating: 0, count: 32)
      try output.withUnsafeMutableBytes { output in
        try [UInt8](repeating: 5, count: 20).withUnsafeBytes {
          _ = try encryptor.encrypt($0, sequence: sequence, into: output)
        }
      }
      outputs.append(output)
    }
    #expect(outputs[0] == outputs[2] && outputs[0] != outputs[1])
  }

  @Test func inPlace() throws {
    let plain = Array(UInt8(0)..<60)
    let expected = try encrypt(plain, keyID: 9, sequence: 1)
    let encryptor = try GameStreamCipher.Encryptor(key: .golden(), keyID: 9)
    let decryptor = try GameStreamCipher.Decryptor(key: .golden(), keyID: 9)
    var room = plain + [0, 0, 0, 0]
    try room.withUnsafeMutableBytes { room in
      let input = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<60])
      let encrypted = try encryptor.encrypt(input, sequence: 1, into: room)
      #expect(encrypted == 64)
      #expect(Array(room) == expected)
      let decrypted = try decryptor.decrypt(UnsafeRawBufferPointer(room), sequence: 1, into: room)
      #expect(decrypted == 60)
      #expect(Array(room[..<60]) == plain)
    }
  }

  /// A refusal leaves the context good for the next packet.
  @Test func refusals() throws {
    let encrypted = try encrypt([1, 2, 3], keyID: 0, sequence: 0)
    #expect(throws: GameStreamCipherError.badPadding) { try decrypt(encrypted, keyID: 0, sequence: 0x4321) }
    #expect(throws: GameStreamCipherError.notWholeBlocks) { try decrypt([1, 2, 3], keyID: 0, sequence: 0) }
    #expect(throws: GameStreamCipherError.notWholeBlocks) { try decrypt([], keyID: 0, sequence: 0) }
    let decryptor = try GameStreamCipher.Decryptor(key: .golden(), keyID: 0)
    let encryptor = try GameStreamCipher.Encryptor(key: .golden(), keyID: 0)
    var room = [UInt8](repeating: 0, count: 16)
    try room.withUnsafeMutableBytes { room in
      let short = UnsafeMutableRawBufferPointer(rebasing: room[..<15])
      try encrypted.withUnsafeBytes { encrypted in
        #expect(throws: GameStreamCipherError.bufferTooSmall) {
          try decryptor.decrypt(encrypted, sequence: 0, into: short)
        }
        #expect(throws: GameStreamCipherError.bufferTooSmall) {
          try encryptor.encrypt(encrypted, sequence: 0, into: room)
        }
        #expect(throws: GameStreamCipherError.badPadding) {
          try decryptor.decrypt(encrypted, sequence: 0x4321, into: room)
        }
        let decrypted = try decryptor.decrypt(encrypted, sequence: 0, into: room)
        #expect(decrypted == 3)
      }
    }
    #expect(Array(room[..<3]) == [1, 2, 3])
    #expect(GameStreamCipherError.badPadding.code == "gamestream_cipher_bad_padding")
  }

  @Test func keysAreReadAndNeverShown() throws {
    #expect(throws: GameStreamKeyError.wrongLength) { try GameStreamKey(hexadecimal: "00") }
    let signed = "+1020304050607080900010203040506"
    #expect(throws: GameStreamKeyError.notHexadecimal) { try GameStreamKey(hexadecimal: signed) }
    #expect(throws: GameStreamKeyError.wrongLength) {
      try [UInt8](repeating: 1, count: 15).withUnsafeBytes { try GameStreamKey($0) }
    }
    let key = try GameStreamKey(hexadecimal: "DEADbeef00000000000000000000cafe")
    #expect(
      key.withBytes { Array(UnsafeBufferPointer(start: $0, count: 16)) } == bytes("deadbeef00000000000000000000cafe"))
    var dumped = ""
    dump(["key": key], to: &dumped)
    for text in ["\(key)", String(reflecting: key), dumped, "\(Optional(key) as Any)"] {
      #expect(text.contains("redacted"))
      #expect(!text.lowercased().contains("dead") && !text.contains("222") && !text.contains("0x"))
    }
  }
}
