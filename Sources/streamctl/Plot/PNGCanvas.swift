/// A picture of dots, for everything that shows pictures.
struct PNGCanvas: Canvas {
  private let width: Int
  private let height: Int
  /// A colour's number for each dot, row by row.
  private var dots: [UInt8]

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    dots = [UInt8](repeating: UInt8(Ink.paper.rawValue), count: width * height)
  }

  private mutating func dot(_ x: Int, _ y: Int, _ ink: Ink) {
    guard x >= 0, x < width, y >= 0, y < height else { return }
    dots[y * width + x] = UInt8(ink.rawValue)
  }

  mutating func line(_ points: [(x: Double, y: Double)], _ ink: Ink) {
    for (from, to) in zip(points, points.dropFirst()) {
      let steps = max(abs(to.x - from.x), abs(to.y - from.y), 1).rounded(.up)
      guard steps < 100_000 else { continue }
      for step in 0...Int(steps) {
        let part = Double(step) / steps
        dot(Int(from.x + (to.x - from.x) * part), Int(from.y + (to.y - from.y) * part), ink)
      }
    }
  }

  mutating func fill(x: Double, y: Double, width: Double, height: Double, _ ink: Ink) {
    for row in Int(y)..<max(Int(y + height), Int(y)) {
      for column in Int(x)..<max(Int(x + width), Int(x)) { dot(column, row, ink) }
    }
  }

  mutating func write(_ words: String, x: Double, y: Double, _ anchor: Anchor, _ ink: Ink) {
    let letters = words.uppercased().map { DotLetters.rows(of: $0) }
    let wide = 8 * letters.count
    var left = Int(x)
    switch anchor {
    case .start: break
    case .middle: left -= wide / 2
    case .end: left -= wide
    }
    for rows in letters {
      for (row, bits) in rows.enumerated() {
        for column in 0..<3 where bits & (4 >> UInt8(column)) != 0 {
          for (right, down) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            dot(left + 2 * column + right, Int(y) - 5 + 2 * row + down, ink)
          }
        }
      }
      left += 8
    }
  }

  func file() -> [UInt8] {
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    // Eight bits a dot, a palette.
    file += Self.chunk("IHDR", Self.bytes(UInt32(width)) + Self.bytes(UInt32(height)) + [8, 3, 0, 0, 0])
    file += Self.chunk("PLTE", Ink.allCases.flatMap { [$0.rgb.red, $0.rgb.green, $0.rgb.blue] })
    var rows: [UInt8] = []
    rows.reserveCapacity((width + 1) * height)
    for row in 0..<height {
      rows.append(0)
      rows += dots[row * width..<(row + 1) * width]
    }
    file += Self.chunk("IDAT", RunDeflate.zlib(rows))
    return file + Self.chunk("IEND", [])
  }

  private static func bytes(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  private static func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
    let named = Array(type.utf8) + body
    return bytes(UInt32(body.count)) + named + bytes(checksum(named))
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 != 0 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
  }

  /// CRC-32 as PNG has it.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { table[Int(($0 ^ UInt32($1)) & 255)] ^ ($0 >> 8) }
  }
}
