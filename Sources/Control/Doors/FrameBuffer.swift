/// Bytes as they arrive, cut into frames: four bytes of length, the most significant first, and so many bytes.
struct FrameBuffer {
  enum Piece: Equatable {
    case frame([UInt8])
    /// Announces more than a frame holds. It is skipped as it arrives, so what follows it is understood.
    case tooLong(Int)
    /// Announces so much that it is no frame at all; nothing that follows can be understood.
    case noFrame(Int)
  }

  static let headerBytes = 4

  private let maximumBytes: Int
  /// The longest that is waited for to pass.
  private let skippableBytes: Int
  private var bytes: [UInt8] = []
  /// Where the first frame not yet taken begins.
  private var start = 0
  /// So much is still to be passed over.
  private var skipping = 0
  private var isHopeless = false

  init(maximumBytes: Int, skippableBytes: Int) {
    self.maximumBytes = maximumBytes
    self.skippableBytes = skippableBytes
  }

  /// Whether a frame has begun and its end is missing.
  var isPartial: Bool { !isHopeless && (skipping > 0 || start < bytes.count) }

  /// What is held.
  var waitingBytes: Int { bytes.count - start }

  /// Whether `next` has something to give.
  var hasPiece: Bool {
    guard !isHopeless, skipping == 0, let length else { return false }
    return length > maximumBytes || bytes.count - start >= Self.headerBytes + length
  }

  mutating func append(_ more: ArraySlice<UInt8>) {
    guard !isHopeless else { return }
    let skipped = min(skipping, more.count)
    skipping -= skipped
    bytes.append(contentsOf: more.dropFirst(skipped))
  }

  mutating func next() -> Piece? {
    guard hasPiece, let length else { return nil }
    let body = start + Self.headerBytes
    if length > skippableBytes {
      isHopeless = true
      advance(to: bytes.count)
      return .noFrame(length)
    }
    if length > maximumBytes {
      let there = min(length, bytes.count - body)
      skipping = length - there
      advance(to: body + there)
      return .tooLong(length)
    }
    defer { advance(to: body + length) }
    return .frame(Array(bytes[body..<body + length]))
  }

  /// What the next header says, once it is there.
  private var length: Int? {
    guard bytes.count - start >= Self.headerBytes else { return nil }
    return bytes[start..<start + Self.headerBytes].reduce(0) { $0 << 8 | Int($1) }
  }

  private mutating func advance(to place: Int) {
    start = place
    if start == bytes.count {
      // A buffer that once held a huge frame is given back.
      bytes.removeAll(keepingCapacity: bytes.capacity <= 131_072)
      start = 0
    } else if start > 131_072 {
      bytes.removeFirst(start)
      start = 0
    }
  }

  /// A frame around these bytes.
  static func frame(_ body: [UInt8]) -> [UInt8] {
    let count = UInt32(body.count)
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + body
  }
}
