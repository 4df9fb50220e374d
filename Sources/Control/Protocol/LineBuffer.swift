/// Bytes as they arrive, cut into lines.
struct LineBuffer {
  private let maximumBytes: Int
  private var bytes: [UInt8] = []
  /// Where the first line not yet taken begins.
  private var start = 0
  /// Up to here no newline was found.
  private var searched = 0

  init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

  var isEmpty: Bool { start == bytes.count }

  mutating func append(_ more: ArraySlice<UInt8>) { bytes.append(contentsOf: more) }

  /// Whether a whole line waits.
  mutating func hasLine() -> Bool { endOfLine() != nil }

  /// Whether the line that comes next is longer than allowed, complete or not.
  mutating func isTooLong() -> Bool { (endOfLine() ?? bytes.count) - start > maximumBytes }

  /// The next whole line without its newline.
  mutating func next() -> [UInt8]? {
    guard let end = endOfLine() else { return nil }
    defer { advance(past: end + 1) }
    return Array(bytes[start..<end])
  }

  /// What is left when no newline will come any more.
  mutating func rest() -> [UInt8] {
    defer { advance(past: bytes.count) }
    return Array(bytes[start...])
  }

  private mutating func endOfLine() -> Int? {
    if searched < bytes.count, bytes[searched] == 0x0A { return searched }
    searched = bytes[searched...].firstIndex(of: 0x0A) ?? bytes.count
    return searched < bytes.count ? searched : nil
  }

  private mutating func advance(past end: Int) {
    start = end
    searched = end
    if start == bytes.count {
      // A buffer that once held a huge line is given back.
      bytes.removeAll(keepingCapacity: bytes.capacity <= 131_072)
      start = 0
      searched = 0
    } else if start > 131_072 {
      bytes.removeFirst(start)
      start = 0
      searched = 0
    }
  }
}
