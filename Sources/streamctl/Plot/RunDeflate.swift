/// The deflate format for pictures of few colours: only runs of one byte are made shorter, with the format's fixed code.
enum RunDeflate {
  static func zlib(_ bytes: [UInt8]) -> [UInt8] {
    var bits = Bits(out: [0x78, 0x01])
    bits.put(0b011, 3)
    var place = 0
    while place < bytes.count {
      literal(bytes[place], &bits)
      var run = 0
      while place + 1 + run < bytes.count, run < 258, bytes[place + 1 + run] == bytes[place] { run += 1 }
      if run >= 3 { length(run, &bits) } else { run = 0 }
      place += 1 + run
    }
    bits.code(0, 7)
    bits.flush()
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      low = (low + UInt32(byte)) % 65_521
      high = (high + low) % 65_521
    }
    return bits.out + [UInt8(high >> 8), UInt8(high & 255), UInt8(low >> 8), UInt8(low & 255)]
  }

  private static func literal(_ byte: UInt8, _ bits: inout Bits) {
    if byte < 144 { bits.code(0x30 + Int(byte), 8) } else { bits.code(0x190 + Int(byte) - 144, 9) }
  }

  /// So many of the byte before.
  private static func length(_ run: Int, _ bits: inout Bits) {
    // The symbols 257 on stand for ranges of lengths: eight of one, then four of each power of two.
    var (symbol, extra, base) = (285, 0, 258)
    if run < 258 {
      extra = run < 11 ? 0 : (run - 3).bitWidth - (run - 3).leadingZeroBitCount - 3
      let part = (run - 3) >> extra
      symbol = 257 + part + 4 * extra
      base = 3 + part << extra
    }
    if symbol < 280 { bits.code(symbol - 256, 7) } else { bits.code(0xC0 + symbol - 280, 8) }
    if extra > 0 { bits.put(run - base, extra) }
    // A distance of one.
    bits.code(0, 5)
  }

  private struct Bits {
    var out: [UInt8]
    private var word: UInt32 = 0
    private var count = 0

    init(out: [UInt8]) { self.out = out }

    /// The lowest bit first.
    mutating func put(_ value: Int, _ width: Int) {
      word |= UInt32(value) << UInt32(count)
      count += width
      while count >= 8 {
        out.append(UInt8(word & 255))
        word >>= 8
        count -= 8
      }
    }

    /// The highest bit first, as codes are.
    mutating func code(_ value: Int, _ width: Int) {
      for bit in (0..<width).reversed() { put((value >> bit) & 1, 1) }
    }

    mutating func flush() { if count > 0 { put(0, 8 - count) } }
  }
}
