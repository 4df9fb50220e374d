import Control
import Testing

@testable import Web
@testable import WebAccess

@Suite struct GateTests {
  private let reader = Token(name: "r", scope: .read)
  private let owner = Token(name: "o", scope: .admin)
  private var book: TokenBook {
    TokenBook([reader, owner, Token(name: "x", scope: .admin, secret: old, expires: 100)])
  }
  private let old = String(repeating: "a", count: 64)
  private let gate = Gate(
    hosts: HostList(["tower.lan"], loopbackPort: 8787), routes: RouteTable(), maximumBody: 1000)

  private func status(_ head: RequestHead, at now: Int = 1000) -> Int {
    switch gate.judge(head, tokens: book, at: now) {
    case .pass: 200
    case .refuse(let answer): answer.status
    }
  }

  private func head(
    _ method: String = "GET", _ path: String = "/metrics", host: String = "localhost:8787", token: String? = nil,
    _ more: [(name: String, value: String)] = []
  ) -> RequestHead {
    let authorization = token.map { [(name: "authorization", value: "Bearer \($0)")] } ?? []
    return RequestHead(method, path, headers: [("host", host)] + authorization + more)
  }

  @Test(arguments: ["localhost:8787", "127.0.0.1:8787", "[::1]:8787", "LOCALHOST:8787", "tower.lan", "tower.lan:8787"])
  func ourOwnNamesAreTaken(host: String) { #expect(status(head(host: host, token: owner.secret)) == 200) }

  @Test(arguments: [
    "evil.example", "evil.example:8787", "localhost", "localhost:80", "localhost.evil.example:8787", "127.0.0.1",
    "tower.lan.evil.example", "", "localhost:8787:8787", "localhost:8787/", "local host:8787", "[::1", "[::1]x:8787",
    "localhost:08787x", "localhost:+8787", "0.0.0.0:8787", "tower.lan@evil.example",
  ])
  func otherNamesAreRefusedOnEveryRoute(host: String) {
    for path in ["/", "/healthz", "/metrics", "/api/v1/events", "/api/v1/ping", "/nowhere"] {
      #expect(status(head(path == "/nowhere" ? "POST" : "GET", path, host: host, token: owner.secret)) == 403)
    }
  }

  @Test func oneHostAndNoMore() {
    #expect(status(RequestHead("GET", "/healthz")) == 403)
    let twice = RequestHead("GET", "/healthz", headers: [("host", "localhost:8787"), ("host", "localhost:8787")])
    #expect(status(twice) == 403)
  }

  @Test func pagesFromElsewhereHaveNoSay() {
    for origin in ["http://evil.example", "null", "https://localhost", "file://", "http://localhost:8787.evil"] {
      #expect(status(head(token: owner.secret, [("origin", origin)])) == 403, "\(origin)")
    }
    for site in ["cross-site", "same-site", "x"] {
      #expect(status(head(token: owner.secret, [("sec-fetch-site", site)])) == 403, "\(site)")
    }
    #expect(
      status(head(token: owner.secret, [("origin", "http://localhost:8787"), ("sec-fetch-site", "same-origin")])) == 200
    )
    #expect(status(head("GET", "/", [("sec-fetch-site", "none")])) == 200)
  }

  @Test func tokensAreNeededAndHaveScopes() {
    #expect(status(head()) == 401)
    #expect(status(head(token: String(repeating: "0", count: 64))) == 401)
    #expect(status(head(token: String(owner.secret.dropLast()))) == 401)
    #expect(status(head(token: owner.secret + "0")) == 401)
    #expect(status(head(token: "")) == 401)
    #expect(
      status(
        RequestHead(
          "GET", "/metrics", headers: [("host", "localhost:8787"), ("authorization", "Basic \(owner.secret)")])) == 401)
    let twice = [(name: "authorization", value: "Bearer \(reader.secret)")]
    #expect(status(head(token: owner.secret, twice)) == 401)
    #expect(status(head(token: old), at: 99) == 200)
    #expect(status(head(token: old), at: 100) == 401)
    #expect(status(head(token: reader.secret)) == 200)
    #expect(status(head("GET", "/api/v1/ping", token: reader.secret)) == 200)
    #expect(Route.verb(name: "unheard of").scope == .admin)
  }

  @Test func changesAreJSONAndOfBoundedLength() {
    let path = "/api/v1/ping"
    let json = (name: "content-type", value: "application/json")
    for type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", ""] {
      #expect(status(head("POST", path, token: owner.secret, [("content-type", type)])) == 415, "\(type)")
    }
    #expect(status(head("POST", path, token: owner.secret)) == 415)
    #expect(
      status(head("POST", path, token: owner.secret, [("content-type", "Application/JSON; charset=utf-8")])) == 200)
    #expect(status(head("POST", path, token: owner.secret, [json, ("content-length", "1001")])) == 413)
    #expect(status(head("POST", path, token: owner.secret, [json, ("content-length", "1000")])) == 200)
  }

  @Test(arguments: ["DELETE", "PUT", "OPTIONS", "TRACE", "PATCH", "CONNECT"])
  func otherMethodsAreRefusedWithTheRightOnes(method: String) {
    guard case .refuse(let answer) = gate.judge(head(method, token: owner.secret), tokens: book, at: 0) else {
      return #expect(Bool(false), "it was let in")
    }
    #expect(answer.status == 405)
    #expect(answer.headers.contains { $0.name == "Allow" && $0.value == "GET" })
    #expect(!answer.headers.contains { $0.name.hasPrefix("Access-Control") })
  }

  @Test(arguments: [
    "/../etc/passwd", "/page.css/..", "/api/v1/../../metrics", "//metrics", "/metrics/", "/METRICS",
    "/api/v1/subscribe",
    "/api/v1/", "/api/v1/ping/", "/\u{0}", "/page.js\u{0}",
  ])
  func whatIsNotInTheTableIsNotThere(path: String) { #expect(status(head("GET", path, token: owner.secret)) == 404) }
}

@Suite struct TokenTests {
  @Test func secretsHave256Bits() {
    let secrets = (0..<64).map { _ in Token.freshSecret() }
    #expect(Set(secrets).count == 64)
    #expect(secrets.allSatisfy { $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) })
  }

  @Test func comparingLooksAtEverything() {
    #expect(TokenBook.equal("abc", "abc"))
    for other in ["abd", "ab", "abcd", "", "bbc"] { #expect(!TokenBook.equal("abc", other)) }
  }

  @Test func aBookSurvivesItsText() throws {
    let book = TokenBook([Token(name: "a", scope: .read), Token(name: "b", scope: .control, expires: 12)])
    #expect(try TokenBook(json: book.json) == book)
    for text in [#"{}"#, #"{"tokens":[{"name":"a","scope":"read","token":"12"}]}"#, #"{"tokens":[{"name":"a b"}]}"#] {
      #expect(throws: AccessError.self) { try TokenBook(json: try JSON.parse(Array(text.utf8))) }
    }
  }
}
