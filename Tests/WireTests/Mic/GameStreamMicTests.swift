import Testing

@testable import Wire

@Suite struct GameStreamMicTests {
  private let opus: [UInt8] = [0x48] + Array(1..<20)
  private let golden = bytes(
    """
    006105006400000078563412aac5eac581b8f309859f56ff5ff65dbfbfcb1075dd237328406cabad15a255b7633397a7665350cfb060bfb2cd9414b0
    """)

  private func header(_ datagram: [UInt8]) throws(MicPacketError) -> GameStreamMicHeader {
    try datagram.span.withUnsafeBytes { (bytes) throws(MicPacketError) in try GameStreamMicHeader(parsing: bytes) }
  }

  private func plain(_ datagram: [UInt8]) throws -> [UInt8] {
    let header = try header(datagram)
    let decryptor = try GameStreamCipher.Decryptor(key: .golden(), keyID: 0x1234_5678)
    var room = [UInt8](repeating: 0, count: 1400)
    let length = try room.withUnsafeMutableBytes { room in
      try Array(datagram[header.form.length...]).withUnsafeBytes {
        try decryptor.decrypt($0, sequence: header.sequence, into: room)
      }
    }
    return Array(room[..<length])
  }

  @Test func goldenPacket() throws {
    #expect(try header(golden) == GameStreamMicHeader(sequence: 5, milliseconds: 100))
    #expect(try plain(golden) == opus + [UInt8](repeating: 12, count: 12))
    var sender = try GameStreamMicSender(key: .golden(), keyID: 0x1234_5678, padding: .double, sequence: 5)
    #expect(try sender.send(opus, milliseconds: 100) == golden)
    #expect(sender.sequence == 6)
  }

  /// The other form, padded once; made with another implementation.
  @Test func packedForm() throws {
    let datagram = bytes(
      "00045505006400000078563412aac5eac581b8f309859f56ff5ff65dbfbfcb1075dd237328406cabad15a255b7")
    #expect(try header(datagram) == GameStreamMicHeader(form: .packed, sequence: 5, milliseconds: 100))
    #expect(try plain(datagram) == opus)
    var sender = try GameStreamMicSender(key: .golden(), keyID: 0x1234_5678, form: .packed, sequence: 5)
    #expect(try sender.send(opus, milliseconds: 100) == datagram)
  }

  @Test func headersComeBack() throws {
    for form in GameStreamMicHeader.Form.allCases {
      let sent = GameStreamMicHeader(form: form, sequence: 0xFEDC, milliseconds: 0x89AB_CDEF, source: 0x0123_4567)
      var datagram = [UInt8](repeating: 0xFF, count: form.length + 1)
      datagram.withUnsafeMutableBytes { sent.write(into: $0) }
      #expect(try header(datagram) == sent)
      #expect(throws: MicPacketError.tooShort) { try header(Array(datagram.dropLast())) }
    }
    #expect(throws: MicPacketError.tooShort) { try header([0, 0x61]) }
    #expect(throws: MicPacketError.notOurs) { try header([UInt8](repeating: 0, count: 40)) }
    #expect(throws: MicPacketError.tooLong) { try header([0, 0x61] + [UInt8](repeating: 0, count: 1399)) }
  }

  @Test func senderKeepsToTheDatagram() throws {
    var sender = try GameStreamMicSender(key: .golden(), padding: .double)
    #expect(throws: MicPacketError.cannotSend) { try sender.send([], milliseconds: 0) }
    #expect(throws: MicPacketError.cannotSend) {
      try sender.send([UInt8](repeating: 1, count: 1380), milliseconds: 0)
    }
    var open = try GameStreamMicSender(key: nil)
    #expect(try open.send([1, 2, 3], milliseconds: 9) == [0, 0x61, 0, 0, 9, 0, 0, 0, 0x78, 0x56, 0x34, 0x12, 1, 2, 3])
  }
}

@Suite struct InnerPaddingTests {
  private func length(_ plain: [UInt8]) -> Int { plain.withUnsafeBytes { InnerPadding.length(in: $0) } }

  @Test func whatIsPadding() {
    let data = [UInt8](repeating: 0xA0, count: 16)
    for count in 1...15 {
      let pad = [UInt8](repeating: UInt8(count), count: count)
      #expect(length(data.dropLast(count) + pad) == count)
      // Not at the end of whole blocks.
      #expect(length([0xA0] + data.dropLast(count) + pad) == 0)
    }
    #expect(length([]) == 0)
    #expect(length(data.dropLast() + [0]) == 0 && length(data.dropLast() + [16]) == 0)
    #expect(length(data.dropLast(2) + [9, 2]) == 0)
  }

  private func cut(_ padding: inout InnerPadding, _ plain: [UInt8]) -> Int { plain.withUnsafeBytes { padding.cut($0) } }

  @Test func nothingIsCutBeforeItIsShown() {
    var padding = InnerPadding()
    let plain = [UInt8](repeating: 0xA0, count: 28) + [4, 4, 4, 4]
    #expect(cut(&padding, plain) == 32 && cut(&padding, plain) == 32)
    #expect(cut(&padding, plain) == 28 && padding.isShown)
    // A length that needs none is left whole, and is no reason to doubt.
    #expect(cut(&padding, [UInt8](repeating: 0xA0, count: 32)) == 32 && padding.isShown)
    #expect(cut(&padding, plain) == 28)
    // A packet that is padded once in the cipher's way is.
    #expect(cut(&padding, [UInt8](repeating: 0xA0, count: 30)) == 30)
    #expect(cut(&padding, [UInt8](repeating: 0xA0, count: 30)) == 30 && !padding.isShown)
    #expect(cut(&padding, plain) == 32)
  }

  /// A single byte is weak evidence: it takes many, in a row.
  @Test func weakEvidenceTakesLonger() {
    var padding = InnerPadding()
    let plain = [UInt8](repeating: 0xA0, count: 31) + [1]
    for _ in 0..<7 { #expect(cut(&padding, plain) == 32) }
    #expect(cut(&padding, plain) == 31)
    var doubtful = InnerPadding()
    for _ in 0..<1000 {
      #expect(cut(&doubtful, plain) == 32)
      #expect(cut(&doubtful, [UInt8](repeating: 0xA0, count: 32)) == 32)
    }
  }
}
