/// All leases, oldest first, and the text they are kept as.
///
/// A line each, fields apart by spaces and escaped like in a URL; the last line counts them and carries a sum of all bytes
/// before it, so a file that was cut short or edited by accident is told from a whole one.
public struct LeaseLedger: Hashable, Sendable {
  public static let limit = 1024
  static let longestText = 1 << 20
  static let longestField = 1024
  private static let header = "streamd-leases 1"

  public internal(set) var leases: [Lease] = []

  public init(_ leases: [Lease] = []) { self.leases = leases }

  public var isEmpty: Bool { leases.isEmpty }

  // MARK: Text

  public var text: String {
    var body = Self.header + "\n"
    for lease in leases {
      let process = lease.owner.map { "\($0.pid):\($0.start):\(Self.escaped($0.boot))" }
      let owner = process ?? (lease.isReturning ? "returning" : "-")
      let fields = [
        "lease", Self.escaped(lease.key.place), Self.escaped(lease.key.name),
        Self.field(lease.old), Self.field(lease.shown), Self.field(lease.new), owner,
      ]
      body += fields.joined(separator: " ") + "\n"
    }
    return body + "end \(leases.count) \(String(Self.sum(body), radix: 16))\n"
  }

  /// What is wrong with a text that is no ledger.
  public struct Damage: Error, Hashable, Sendable {
    public var reason: String
  }

  public init(text: String) throws(Damage) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.first, first == Self.header else {
      throw Damage(reason: "it does not begin with \"\(Self.header)\"")
    }
    guard lines.count >= 3, lines.last == "", let end = lines.dropLast().last else {
      throw Damage(reason: "it was cut short")
    }
    let entries = lines[1..<lines.count - 2]
    let body = text.utf8.prefix(text.utf8.count - end.utf8.count - 1)
    guard end == "end \(entries.count) \(String(Self.sum(body), radix: 16))" else {
      throw Damage(reason: "its sum does not match")
    }
    guard entries.count <= Self.limit else { throw Damage(reason: "it holds more than \(Self.limit) leases") }
    for (index, entry) in entries.enumerated() {
      guard let lease = Self.lease(entry) else { throw Damage(reason: "line \(index + 2) is no lease") }
      leases.append(lease)
    }
  }

  private static func lease(_ line: Substring) -> Lease? {
    let fields = line.split(separator: " ", omittingEmptySubsequences: false)
    guard fields.count == 7, fields[0] == "lease", let place = plain(fields[1]), let name = plain(fields[2]),
      let old = value(fields[3]), let shown = value(fields[4]), let new = value(fields[5]) ?? nil
    else { return nil }
    var owner: ProcessIdentity?
    let isReturning = fields[6] == "returning"
    if fields[6] != "-", !isReturning {
      let parts = fields[6].split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 3, let pid = Int32(parts[0]), let start = UInt64(parts[1]), let boot = plain(parts[2])
      else { return nil }
      owner = ProcessIdentity(pid: pid, start: start, boot: boot)
    }
    var lease = Lease(key: LeaseKey(place: place, name: name), old: old, shown: shown, new: new, owner: owner)
    lease.isReturning = isReturning
    return lease
  }

  private static func field(_ value: String?) -> String { value.map { "=" + escaped($0) } ?? "-" }

  /// Nil when it is no field, and nil inside when it says that there is no value.
  private static func value(_ field: Substring) -> String?? {
    if field == "-" { return .some(nil) }
    guard field.first == "=", let value = plain(field.dropFirst()) else { return nil }
    return .some(value)
  }

  private static func escaped(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "%"), byte != UInt8(ascii: ":") {
        bytes.append(byte)
      } else {
        let digits = Array(String(byte, radix: 16).utf8)
        bytes += [UInt8(ascii: "%")] + (digits.count == 1 ? [UInt8(ascii: "0")] : []) + digits
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func plain(_ text: Substring) -> String? {
    guard text.utf8.count <= longestField * 3 else { return nil }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// FNV-1a: against accidents, not against intent.
  private static func sum(_ text: some Sequence<UInt8>) -> UInt64 {
    text.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  private static func sum(_ text: String) -> UInt64 { sum(text.utf8) }
}
