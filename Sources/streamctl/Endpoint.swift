import Wire

/// Addresses and keys as they stand on a command line.
enum Endpoint {
  /// `HOST:PORT`, the host in brackets if it has colons.
  static func parse(_ text: String, of option: String) throws -> (String, UInt16) {
    let colon = text.lastIndex(of: ":")
    let port = colon.flatMap { UInt16(text[text.index(after: $0)...]) } ?? 0
    var host = colon.map { text[..<$0] } ?? ""
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard port > 0, !host.isEmpty else {
      throw Failure(.usage, "usage", "\(option) \(text): the host's HOST:PORT, such as 127.0.0.1:48000")
    }
    return (String(host), port)
  }

  static func peer(_ host: String, _ port: UInt16) throws -> SocketPeer {
    do throws(ReceiverError) { return try SocketPeer(host: host, port: port) } catch {
      throw Failure(.refused, error.code, error.message)
    }
  }

  static func key(_ digits: String, of option: String) throws -> GameStreamKey {
    do throws(GameStreamKeyError) { return try GameStreamKey(hexadecimal: digits) } catch {
      throw Failure(.usage, "usage", "\(option): 32 hexadecimal digits")
    }
  }

  /// Signed in the launch request; its bits are what counts.
  static func keyID(_ text: String, of option: String) throws -> Int32 {
    guard let id = Int(text), let known = Int32(exactly: id) ?? UInt32(exactly: id).map(Int32.init(bitPattern:))
    else { throw Failure(.usage, "usage", "\(option) \(text): a signed number of 32 bits") }
    return known
  }

  static func randomKey() -> String {
    (0..<GameStreamKey.length).map { _ in
      let digits = String(UInt8.random(in: .min ... .max), radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
