/// Which of the newest packets have come: each counts once, and what is older than the window does not count.
/// Thread: any one at a time.
public struct ReplayWindow: Hashable, Sendable {
  public static let length: UInt64 = 2048

  /// Nil before the first packet.
  public private(set) var newest: UInt64?
  /// One word more than the window, which rarely begins where a word does.
  private static let count = length / 64 + 1
  private var words = [UInt64](repeating: 0, count: Int(count))

  public init() {}

  /// Whether a packet of this number would be taken. Changes nothing: what is not authentic must not move the window.
  public func admits(_ counter: UInt64) -> Bool {
    guard let newest, counter <= newest else { return true }
    return newest - counter < Self.length && words[Self.word(counter)] & Self.bit(counter) == 0
  }

  /// Notes an authentic packet that `admits` let in.
  public mutating func note(_ counter: UInt64) {
    if let newest, counter > newest {
      // Whole words are cleared when the window enters them.
      let entered = counter / 64 - newest / 64
      for step in 0..<min(entered, UInt64(words.count)) { words[Self.word(counter - 64 * step)] = 0 }
      self.newest = counter
    } else if newest == nil {
      newest = counter
    }
    words[Self.word(counter)] |= Self.bit(counter)
  }

  private static func word(_ counter: UInt64) -> Int { Int(counter / 64 % count) }
  private static func bit(_ counter: UInt64) -> UInt64 { 1 << (counter % 64) }
}
