import Control
public import WebAccess

/// Who may do what: a decision about each request, made before anything of it is acted on. Pure: tokens and time are
/// arguments.
public struct Gate: Sendable {
  let hosts: HostList
  let routes: RouteTable
  let maximumBody: Int

  public enum Verdict: Sendable {
    /// The grant is nil on routes that need none.
    case pass(Route, Token?)
    case refuse(Answer)
  }

  public init(hosts: HostList, routes: RouteTable, maximumBody: Int) {
    (self.hosts, self.routes, self.maximumBody) = (hosts, routes, maximumBody)
  }

  public func judge(_ head: RequestHead, tokens: TokenBook, at now: Int) -> Verdict {
    do throws(Refusal) {
      try checkSource(of: head)
      let route = try routes.find(head)
      let token = try admit(head, to: route, tokens: tokens, at: now)
      try checkBody(of: head)
      return .pass(route, token)
    } catch {
      return .refuse(error.answer)
    }
  }

  /// First of all, and on every route: a page that is not ours must not even learn what exists.
  private func checkSource(of head: RequestHead) throws(Refusal) {
    guard let host = head.only("host"), hosts.allows(host) else {
      throw Refusal(
        403, .denied, "this name is not in http.hosts",
        hint: "use a name or address it is served by, or add it to http.hosts", detail: "host")
    }
    let origins = head.values(of: "origin")
    guard origins.allSatisfy(hosts.allowsOrigin) else {
      throw Refusal(403, .denied, "pages from elsewhere have no say here", detail: "origin")
    }
    let sites = head.values(of: "sec-fetch-site")
    guard sites.allSatisfy({ $0 == "same-origin" || $0 == "none" }) else {
      throw Refusal(403, .denied, "pages from elsewhere have no say here", detail: "cross_site")
    }
  }

  private func admit(
    _ head: RequestHead, to route: Route, tokens: TokenBook, at now: Int
  ) throws(Refusal) -> Token? {
    guard let needed = route.scope else { return nil }
    guard let given = head.only("authorization") else {
      throw unauthorized("a token is needed: Authorization: Bearer TOKEN", "token_missing", "streamctl token show")
    }
    let words = given.split(separator: " ", omittingEmptySubsequences: true)
    guard words.count == 2, words[0].lowercased() == "bearer" else {
      throw unauthorized("wanted Authorization: Bearer TOKEN", "token_missing", "streamctl token show")
    }
    switch tokens.find(String(words[1]), at: now) {
    case .unknown: throw unauthorized("this token is not known", "token_unknown", "streamctl token show")
    case .expired: throw unauthorized("this token has expired", "token_expired", "streamctl token rotate")
    case .valid(let token):
      guard token.scope >= needed else {
        throw Refusal(
          403, .denied, "this token may \(token.scope.rawValue), which takes one that may \(needed.rawValue)",
          hint: "streamctl token create NAME --scope \(needed.rawValue)", detail: "scope")
      }
      return token
    }
  }

  private func unauthorized(_ message: String, _ detail: String, _ hint: String) -> Refusal {
    var refusal = Refusal(401, .denied, message, hint: hint, detail: detail)
    refusal.headers.append(("WWW-Authenticate", "Bearer realm=\"streamd\""))
    return refusal
  }

  /// What a form on a foreign page could send is never taken for a change.
  private func checkBody(of head: RequestHead) throws(Refusal) {
    if let length = head.only("content-length").flatMap({ Int($0) }), length > maximumBody {
      throw Refusal(413, .tooLarge, "a body holds at most \(maximumBody) bytes")
    }
    guard !head.isReading else { return }
    let type = (head.only("content-type") ?? "").split(separator: ";").first.map(String.init)?.lowercased()
    guard type?.trimmed == "application/json" else {
      throw Refusal(415, .badArgs, "changes are sent as Content-Type: application/json")
    }
  }
}

extension String {
  var trimmed: String {
    var text = self[...]
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return String(text)
  }
}
