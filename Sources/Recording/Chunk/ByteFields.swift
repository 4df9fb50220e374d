/// Numbers in the bytes of a file, little-endian whatever the machine.
struct ByteFields {
  var bytes: [UInt8]

  init(count: Int) { bytes = Array(repeating: 0, count: count) }
  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func put<Number: FixedWidthInteger>(_ value: Number, _ place: Int) {
    for index in 0..<MemoryLayout<Number>.size {
      bytes[place + index] = UInt8(truncatingIfNeeded: value >> Number(8 * index))
    }
  }

  func number<Number: FixedWidthInteger>(_ type: Number.Type, _ place: Int) -> Number {
    var value: Number = 0
    for index in 0..<MemoryLayout<Number>.size {
      value |= Number(truncatingIfNeeded: bytes[place + index]) << Number(8 * index)
    }
    return value
  }

  /// A length and as much of the text as there is room for.
  mutating func put(_ text: String, _ place: Int, room: Int) {
    var cut = Array(text.utf8.prefix(room - 2))
    // Not through the middle of a character.
    while !cut.isEmpty, String(validating: cut, as: UTF8.self) == nil { cut.removeLast() }
    put(UInt16(cut.count), place)
    for (index, byte) in cut.enumerated() { bytes[place + 2 + index] = byte }
  }

  func text(_ place: Int, room: Int) -> String? {
    let count = Int(number(UInt16.self, place))
    guard count <= room - 2 else { return nil }
    return String(validating: bytes[place + 2..<place + 2 + count], as: UTF8.self)
  }
}

/// CRC-32 as in zlib: against torn and rotten records, not against anybody's will.
enum Checksum {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ (value >> 1) : value >> 1 }
  }

  static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { table[Int(($0 ^ UInt32($1)) & 0xff)] ^ ($0 >> 8) }
  }
}
