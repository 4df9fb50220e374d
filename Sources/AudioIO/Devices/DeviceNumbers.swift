/// Short numbers of devices, for who writes numbers: each device has its own from when it was first seen, and no other ever
/// gets it. Pure; who owns the file writes `text` there.
public struct DeviceNumbers: Sendable, Equatable {
  private var numbers: [DeviceIdentity: Int] = [:]
  private var identities: [Int: DeviceIdentity] = [:]
  private var last = 0

  /// Devices that come after so many have none.
  public static let limit = 4096

  public init() {}

  /// Reads what `text` wrote; lines that are none are left out.
  public init(text: String) {
    for line in text.split(separator: "\n").prefix(Self.limit) {
      let words = line.split(separator: " ", maxSplits: 1)
      guard words.count == 2, let number = Int(words[0]), (1...1_000_000).contains(number) else { continue }
      let id = DeviceIdentity(text: String(words[1]))
      guard identities[number] == nil, numbers[id] == nil else { continue }
      identities[number] = id
      numbers[id] = number
      last = max(last, number)
    }
  }

  public var text: String {
    identities.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
  }

  public subscript(number: Int) -> DeviceIdentity? { identities[number] }

  /// The device's number, a new one if need be; nil where there is none left.
  mutating func number(of id: DeviceIdentity) -> Int? {
    if let number = numbers[id] { return number }
    guard numbers.count < Self.limit else { return nil }
    last += 1
    identities[last] = id
    numbers[id] = last
    return last
  }

  /// `7` or `#7`.
  static func read(_ words: String) -> Int? {
    let digits = words.hasPrefix("#") ? words.dropFirst() : words[...]
    guard (1...7).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return Int(digits)
  }
}
