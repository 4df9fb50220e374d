import CLinux
import Control
import Glibc
import TestSupport

/// curl with a token, against a daemon whose HTTP is opened for it.
final class WebClient {
  let port: Int
  let owner: String
  private let daemon: DaemonUnderTest

  init(_ daemon: DaemonUnderTest) throws {
    self.daemon = daemon
    port = try Self.freePort()
    let on = try daemon.streamctl(["http", "on", "--port", "\(port)"])
    guard on.status == 0 else { throw SupportError(on.standardError) }
    owner = try Self.token(daemon, "show")
  }

  /// A port that nobody has now.
  static func freePort() throws -> Int {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(number) }
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(number, $0, size) == 0 && getsockname(number, $0, &size) == 0
      }
    }
    guard result else { throw SupportError("no port: \(errno)") }
    return Int(UInt16(bigEndian: place.sin_port))
  }

  static func token(_ daemon: DaemonUnderTest, _ words: String...) throws -> String {
    let made = try daemon.streamctl(["token"] + words)
    guard made.status == 0 else { throw SupportError(made.standardError) }
    return String(made.standardOutput.split(separator: "\n")[0])
  }

  func curl(_ path: String, _ more: [String] = []) throws -> String { try Self.curl(url(path), owner, more) }

  func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

  static func curl(_ url: String, _ token: String, _ more: [String] = []) throws -> String {
    let words = ["curl", "-s", "-m", "10", "-H", "Authorization: Bearer \(token)"] + more + [url]
    return try Child.run(words, timeout: 20).standardOutput
  }

  func get(_ path: String) throws -> JSON { try JSON.parse(Array(try curl(path).utf8)) }

  func post(_ path: String, _ body: String) throws -> JSON {
    let text = try curl(path, ["-H", "Content-Type: application/json", "-d", body])
    return try JSON.parse(Array(text.utf8))
  }

  /// Of Prometheus' page: each figure by its name and labels.
  func figures() throws -> [String: Double] {
    let page = try curl("/metrics")
    return Dictionary(
      page.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line -> (String, Double)? in
        guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
          return nil
        }
        return (String(line[..<space]), value)
      }, uniquingKeysWith: { first, _ in first })
  }
}
