/// What has happened to a recording, a line for each event: `CHECKSUM kind key=value …`. Lines are only ever added, and each
/// is kept before the next thing happens; one that was torn by a crash does not count.
struct Manifest {
  struct Entry: Equatable, Sendable {
    var kind: String
    var fields: [(key: String, value: String)]

    init(_ kind: String, _ fields: [(key: String, value: String)]) {
      self.kind = kind
      self.fields = fields
    }

    subscript(key: String) -> String? { fields.first { $0.key == key }?.value }
    func number(_ key: String) -> Int? { self[key].flatMap { Int($0) } }

    static func == (a: Self, b: Self) -> Bool { a.line == b.line }

    var line: String {
      let body = fields.reduce(kind) { $0 + " " + $1.key + "=" + Self.escaped($1.value) }
      return Hexadecimal.text(UInt64(Checksum.of(body.utf8))).suffix(8) + " " + body + "\n"
    }

    /// Nil for what is no whole line of a manifest.
    init?(line: some StringProtocol) {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[0].utf8.count == 8, let told = UInt32(parts[0], radix: 16),
        told == Checksum.of(parts[1].utf8)
      else { return nil }
      let words = parts[1].split(separator: " ")
      guard let kind = words.first else { return nil }
      self.kind = String(kind)
      fields = []
      for word in words.dropFirst() {
        guard let equals = word.firstIndex(of: "=") else { return nil }
        fields.append((String(word[..<equals]), Self.plain(word[word.index(after: equals)...])))
      }
    }

    private static func escaped(_ text: String) -> String {
      text.utf8.reduce(into: "") { result, byte in
        if byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "%") {
          result.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
          result += "%" + Hexadecimal.text(CollectionOfOne(byte))
        }
      }
    }

    private static func plain(_ text: some StringProtocol) -> String {
      var bytes: [UInt8] = []
      var rest = text.utf8[...]
      while let byte = rest.popFirst() {
        let digits = rest.prefix(2)
        if byte == UInt8(ascii: "%"), digits.count == 2,
          let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
        {
          bytes.append(value)
          rest = rest.dropFirst(2)
        } else {
          bytes.append(byte)
        }
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  static let name = "manifest"
  /// More is not read: a manifest has a line for each chunk.
  static let limit = 64 << 20

  static func read(in folder: String, on disk: any DiskLayer) throws(DiskError) -> [Entry] {
    let file = try disk.open(folder + "/" + name, forWriting: false)
    let bytes = try file.read(count: min(try file.size, limit), at: 0)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Entry(line: $0) }
  }

  static func add(_ entry: Entry, in folder: String, on disk: any DiskLayer) throws(DiskError) {
    try disk.append(Array(entry.line.utf8), to: folder + "/" + name)
  }
}
