/// Small reproducible damage.
struct Mutation {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func below(_ limit: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(max(limit, 1)))
  }

  private static let values: [UInt8] = [0, 1, 2, 3, 4, 16, 0x20, 0x61, 0x7F, 0x80, 0xC5, 0xFE, 0xFF]

  /// One of the inputs, or two of them, with up to eight changes.
  mutating func input(from seeds: [[UInt8]]) -> [UInt8] {
    var bytes = seeds[below(seeds.count)]
    if below(8) == 0 {
      let other = seeds[below(seeds.count)]
      bytes = Array(bytes.prefix(below(bytes.count + 1))) + other.suffix(below(other.count + 1))
    }
    for _ in 0...below(8) { change(&bytes) }
    if bytes.count > 4096 { bytes.removeLast(bytes.count - 4096) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    let place = below(bytes.count + 1)
    switch below(7) {
    case 0: bytes.insert(Self.values[below(Self.values.count)], at: place)
    case 1: bytes.insert(UInt8(below(256)), at: place)
    case 2: bytes.removeLast(below(min(bytes.count, 16) + 1))
    case 3: bytes += bytes.prefix(below(64))
    default:
      guard !bytes.isEmpty else { return }
      let index = place % bytes.count
      switch below(4) {
      case 0: bytes[index] ^= 1 << UInt8(below(8))
      case 1: bytes[index] = Self.values[below(Self.values.count)]
      case 2: bytes[index] = UInt8(below(256))
      default: bytes.remove(at: index)
      }
    }
  }
}
