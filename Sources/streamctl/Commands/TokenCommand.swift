import Control
import Glibc
import WebAccess

/// Who may come in over HTTP. It works on the file that the server reads, so it needs no daemon, and nobody can do it over
/// HTTP.
enum TokenCommand: Command {
  static let name = "token"
  static let summary = "show, make, renew and take back tokens for HTTP"
  static let usage = """
    usage: streamctl token [list]                      names, scopes, ends; no secrets
           streamctl token show [NAME]                 the secret; of owner if left out
           streamctl token create NAME [--scope read|control|admin] [--hours N]
           streamctl token rotate [NAME]               another secret; who has the old one is out at once
           streamctl token remove NAME
    read looks; control also changes levels, mutes and profiles; admin also where sound goes. read if left out.
    """
  static let values: Set<String> = ["--scope", "--hours"]

  static func run(_ options: Options) throws -> ExitStatus {
    do {
      switch options.words.first {
      case nil, "list": try list(options)
      case "show": try show(options)
      case "create": try create(options)
      case "rotate": try rotate(options)
      case "remove": try remove(options)
      default: throw Failure(.usage, "usage", usage)
      }
    } catch let error as AccessError {
      throw Failure(.refused, error.code, error.message)
    }
    return .ok
  }

  private static func list(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let book = try TokenFile.standard().read()
    if options.asJSON {
      return print(JSON.object(["tokens": .array(book.tokens.map { .object(facts($0)) })]).text)
    }
    if book.tokens.isEmpty { Console.note("there are no tokens; streamctl token show makes the first") }
    for token in book.tokens {
      print("\(token.name.padded(to: 18)) \(token.scope.rawValue.padded(to: 8)) \(ending(token))")
    }
  }

  private static func show(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    let book = try TokenFile.standard().readOrBegin()
    tell(try find(options.words.dropFirst().first ?? Token.firstName, in: book), options)
  }

  private static func create(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    guard options.words.count == 2, Token.isName(options.words[1]) else {
      throw Failure(.usage, "usage", "a name is 1 to 32 letters, digits, - and _")
    }
    let name = options.words[1]
    var book = try TokenFile.standard().readOrBegin()
    guard !book.tokens.contains(where: { $0.name == name }) else {
      throw Failure(.refused, "conflict", "there is a token \(name) already; streamctl token rotate \(name) renews it")
    }
    guard book.tokens.count < TokenBook.limit else {
      throw Failure(.refused, "busy", "there are \(TokenBook.limit) tokens; remove one first")
    }
    guard let scope = VerbScope(rawValue: options.value("--scope") ?? "read") else {
      let known = VerbScope.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(.usage, "usage", "--scope \(options.value("--scope") ?? ""): one of \(known)")
    }
    let hours = try options.integer("--hours", in: 1...87_600)
    let token = Token(name: name, scope: scope, expires: hours.map { time(nil) + $0 * 3600 })
    book.tokens.append(token)
    try TokenFile.standard().write(book)
    tell(token, options)
  }

  private static func rotate(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    var book = try TokenFile.standard().readOrBegin()
    let old = try find(options.words.dropFirst().first ?? Token.firstName, in: book)
    for place in book.tokens.indices where book.tokens[place].name == old.name {
      book.tokens[place].secret = Token.freshSecret()
      // Renewed for good: how long it was to last is over, or would soon be.
      book.tokens[place].expires = nil
      try TokenFile.standard().write(book)
      tell(book.tokens[place], options)
    }
  }

  private static func remove(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    guard options.words.count == 2 else { throw Failure(.usage, "usage", "token remove needs a name") }
    var book = try TokenFile.standard().read()
    let old = try find(options.words[1], in: book)
    book.tokens.removeAll { $0.name == old.name }
    try TokenFile.standard().write(book)
    print(options.asJSON ? JSON.object(facts(old)).text : "token \(old.name) is of no use any more")
  }

  private static func find(_ name: String, in book: TokenBook) throws -> Token {
    if let token = book.tokens.first(where: { $0.name == name }) { return token }
    let known = book.tokens.map(\.name).joined(separator: ", ")
    throw Failure(.notFound, "not_found", "no token is named \(name); there are \(known.isEmpty ? "none" : known)")
  }

  private static func tell(_ token: Token, _ options: Options) {
    guard options.asJSON else { return print(token.secret) }
    var members = facts(token)
    members["token"] = .string(token.secret)
    print(JSON.object(members).text)
  }

  private static func facts(_ token: Token) -> JSONObject {
    var members: JSONObject = ["name": .string(token.name), "scope": .string(token.scope.rawValue)]
    if let expires = token.expires { members["expires"] = JSON(expires) }
    return members
  }

  private static func ending(_ token: Token) -> String {
    guard let expires = token.expires else { return "does not end" }
    let left = expires - time(nil)
    return left <= 0 ? "has ended" : "ends in \(left / 3600) h \(left % 3600 / 60) min"
  }
}
