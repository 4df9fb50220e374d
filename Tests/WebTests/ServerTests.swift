import Control
import Glibc
import TestSupport
import Testing
import WebAccess

@testable import Web

/// The server with short patience, and no daemon behind it.
@Suite(.serialized) struct ServerTests {
  private func server(
    _ folder: TemporaryDirectory, _ change: (inout WebTerms) -> Void = { _ in }
  ) throws -> (server: WebServer, socket: String) {
    let socket = folder.path + "/http.sock"
    var terms = WebTerms(
      listen: socket, hosts: [], certificate: nil, tokens: TokenFile(path: folder.path + "/tokens.json"),
      controlPath: folder.path + "/nobody.sock", version: "test")
    change(&terms)
    return (try WebServer(terms), socket)
  }

  private func connect(_ path: String) throws -> Int32 {
    let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var place = sockaddr_un()
    place.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &place.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw SupportError("connect: \(errno)") }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    return number
  }

  private func say(_ text: String, on number: Int32) -> Bool {
    let bytes = Array(text.utf8)
    return send(number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }

  /// Until the other side has closed.
  private func rest(of number: Int32) -> String {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(number, &chunk, chunk.count, 0)
      guard count > 0 else { return String(decoding: all, as: UTF8.self) }
      all += chunk[..<count]
    }
  }

  private func ask(_ path: String, _ text: String) throws -> String {
    let number = try connect(path)
    defer { close(number) }
    _ = say(text, on: number)
    return rest(of: number)
  }

  @Test func itAnswersOverAUnixSocketOfItsOwnUserAlone() throws {
    let folder = try TemporaryDirectory()
    let (server, socket) = try server(folder)
    var facts = stat()
    #expect(lstat(socket, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
    #expect(lstat(folder.path + "/tokens.json", &facts) == 0 && facts.st_mode & 0o777 == 0o600)
    let answer = try ask(socket, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("alive\n"))
    for (name, value) in SafeHeaders.all { #expect(answer.contains("\(name): \(value)\r\n"), "\(name)") }
    server.stop()
    #expect(lstat(socket, &facts) != 0)
  }

  @Test func withoutADaemonItSaysSo() throws {
    let folder = try TemporaryDirectory()
    let (server, socket) = try server(folder)
    defer { server.stop() }
    let token = try TokenFile(path: folder.path + "/tokens.json").read().tokens[0].secret
    let answer = try ask(
      socket,
      "GET /api/v1/ping HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\nConnection: close\r\n\r\n")
    #expect(
      answer.hasPrefix("HTTP/1.1 503") && answer.contains(#""code":"unavailable""#) && answer.contains("Retry-After: 1")
    )
  }

  /// However slowly a request drips in, it ends in time; whoever is quick is served meanwhile.
  @Test func slowRequestsAreEndedWhileOthersAreServed() throws {
    let folder = try TemporaryDirectory()
    let (server, socket) = try server(folder) { $0.limits.requestSeconds = 1 }
    defer { server.stop() }
    let starts = [
      "GET /heal", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A:", "",
      "POST /api/v1/ping HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ]
    let slow = try starts.map { start in
      let number = try connect(socket)
      _ = say(start, on: number)
      return number
    }
    defer { for number in slow { close(number) } }
    let quick = try ask(socket, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    #expect(quick.hasPrefix("HTTP/1.1 200"))
    // Drips go on until the server has had enough.
    #expect(
      waitUntil(timeout: 15) {
        slow.allSatisfy { number in
          _ = say("a", on: number)
          var byte: UInt8 = 0
          let count = recv(number, &byte, 1, Int32(MSG_DONTWAIT))
          return count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)
        }
      })
  }

  @Test func connectionsAreBoundedAndComeBack() throws {
    let folder = try TemporaryDirectory()
    let (server, socket) = try server(folder) { $0.limits.connections = 8 }
    defer { server.stop() }
    let crowd = try (0..<30).map { _ in try connect(socket) }
    for number in crowd { close(number) }
    let answer = try ask(socket, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 200"))
  }

  @Test func aFileThatOthersMayReadIsNoSecret() throws {
    let folder = try TemporaryDirectory()
    let file = TokenFile(path: folder.path + "/tokens.json")
    try file.write(TokenBook([Token(name: "a", scope: .read)]))
    #expect(chmod(file.path, 0o644) == 0)
    #expect(throws: AccessError.self) { try file.read() }
    #expect(throws: AccessError.self) { try server(folder) }
  }

  @Test func certificatesVouchForTheirHosts() throws {
    let folder = try TemporaryDirectory()
    let made = try CertificateFiles(folder: folder.path).make(hosts: ["tower.lan", "192.168.7.2"])
    let shown = try Child.run(
      ["openssl", "x509", "-in", folder.path + "/http-cert.pem", "-noout", "-text", "-fingerprint", "-sha256"],
      timeout: 20)
    #expect(shown.standardOutput.contains(made.fingerprint))
    #expect(shown.standardOutput.contains("DNS:tower.lan, IP Address:192.168.7.2, DNS:localhost"))
    #expect(try CertificateFiles(folder: folder.path).readOrMake(hosts: []).fingerprint == made.fingerprint)
    let (server, _) = try server(folder) { $0.certificate = made }
    server.stop()
    let odd = try Certificate(certificate: made.certificate, key: "none")
    #expect(throws: AccessError.self) { try self.server(folder) { $0.certificate = odd } }
  }
}

@Suite struct PageTests {
  /// Each file of the page's is in the program, and asks nothing of anybody else.
  @Test func thePageInTheProgramIsItsSource() throws {
    let folder = SourceTree.root + "/Sources/Web/Page/Source/"
    let listed = try Child.run(["ls", folder]).standardOutput.split(separator: "\n").map(String.init)
    let served = Asset.all.map { $0.path == "/" ? "page.html" : String($0.path.dropFirst()) }
    #expect(Set(listed) == Set(served) && served.count == Set(served).count)
    for (asset, name) in zip(Asset.all, served) {
      let text = String(decoding: asset.bytes, as: UTF8.self)
      #expect(try Child.run(["cat", folder + name]).standardOutput == text, "\(name)")
      #expect(!text.replacing("http://www.w3.org/2000/svg", with: "").contains("://"), "\(name)")
    }
  }

  @Test func everyOperationIsDescribed() throws {
    let document = OpenAPI.document(version: "1")
    for verb in VerbCatalog.linked.verbs {
      let path = document["paths"]?["/api/v1/\(verb.name)"]
      #expect((path != nil) == !verb.isBound, "\(verb.name)")
    }
  }

  @Test func queriesBecomeArguments() throws {
    #expect(CallArguments.read("3", as: .number(0...9)) == .int(3))
    #expect(CallArguments.read("3.5", as: .number(0...9)) == .number(3.5))
    #expect(CallArguments.read("nan", as: .number(0...9)) == .string("nan"))
    #expect(CallArguments.read("true", as: .boolean) == true)
    #expect(CallArguments.read("yes", as: .boolean) == .string("yes"))
    #expect(CallArguments.read("a,b", as: .array(of: .string, maximumCount: 4)) == ["a", "b"])
    #expect(CallArguments.read(#"["a,b"]"#, as: .array(of: .string, maximumCount: 4)) == ["a,b"])
    #expect(CallArguments.read(#"{"a":1}"#, as: .any) == ["a": 1])
  }

  @Test func namesInMetricsCannotBreakTheirLines() {
    var page = MetricsText()
    page.family("a", .gauge, "b", [([("n", "x\"y\\z\nw")], 0.5), ([("n", "none")], nil), ([("n", "nan")], .nan)])
    #expect(page.text == "# HELP a b\n# TYPE a gauge\na{n=\"x\\\"y\\\\z\\nw\"} 0.5\n")
  }
}
