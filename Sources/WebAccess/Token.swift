public import Control

/// What lets a caller in over HTTP, and how far.
public struct Token: Sendable, Equatable {
  /// Tells tokens apart for people.
  public var name: String
  public var scope: VerbScope
  /// 256 random bits as hexadecimal digits.
  public var secret: String
  /// Seconds since 1970; nil for never.
  public var expires: Int?

  public static let digits = 64
  /// The one that is there from the first start on.
  public static let firstName = "owner"

  public init(name: String, scope: VerbScope, secret: String = Token.freshSecret(), expires: Int? = nil) {
    (self.name, self.scope, self.secret, self.expires) = (name, scope, secret, expires)
  }

  public static func freshSecret() -> String {
    // The system's generator is the kernel's.
    var generator = SystemRandomNumberGenerator()
    return (0..<digits / 16).map { _ in
      let word = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - word.utf8.count) + word
    }.joined()
  }

  public static func isName(_ text: String) -> Bool {
    (1...32).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
          || $0 == 0x5F
      }
  }

  static func isSecret(_ text: String) -> Bool {
    text.utf8.count == digits && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}

/// All tokens there are.
public struct TokenBook: Sendable, Equatable {
  public var tokens: [Token]

  public static let limit = 64

  public init(_ tokens: [Token] = []) { self.tokens = tokens }

  public enum Finding: Sendable, Equatable {
    case valid(Token)
    case expired
    case unknown
  }

  /// Whose secret this is. How long it takes tells nothing about any secret but the number of tokens.
  public func find(_ secret: String, at now: Int) -> Finding {
    var found: Token?
    for token in tokens where Self.equal(token.secret, secret) { found = token }
    guard let found else { return .unknown }
    if let expires = found.expires, now >= expires { return .expired }
    return .valid(found)
  }

  /// Looks at every byte, whatever the first ones are.
  static func equal(_ left: String, _ right: String) -> Bool {
    let (left, right) = (Array(left.utf8), Array(right.utf8))
    var difference = left.count ^ right.count
    for (place, byte) in left.enumerated() { difference |= Int(byte ^ (place < right.count ? right[place] : 0)) }
    return difference == 0
  }

  // MARK: Text

  public var json: JSON {
    [
      "tokens": .array(
        tokens.map { token in
          var members: JSONObject = [
            "name": .string(token.name), "scope": .string(token.scope.rawValue), "token": .string(token.secret),
          ]
          if let expires = token.expires { members["expires"] = JSON(expires) }
          return .object(members)
        })
    ]
  }

  public init(json: JSON) throws(AccessError) {
    let list = json["tokens"]?.arrayValue ?? []
    guard json["tokens"]?.arrayValue != nil, list.count <= Self.limit else {
      throw AccessError("bad_token_file", "wanted tokens[], at most \(Self.limit)")
    }
    tokens = []
    for (place, entry) in list.enumerated() {
      guard let name = entry["name"]?.stringValue, Token.isName(name),
        let scope = entry["scope"]?.stringValue.flatMap(VerbScope.init(rawValue:)),
        let secret = entry["token"]?.stringValue, Token.isSecret(secret)
      else {
        throw AccessError("bad_token_file", "tokens[\(place)]: wanted name, scope, and token of 64 hexadecimal digits")
      }
      tokens.append(Token(name: name, scope: scope, secret: secret, expires: entry["expires"]?.intValue))
    }
  }
}

/// What went wrong with what lets callers in.
public struct AccessError: Error, Sendable, Equatable, CustomStringConvertible {
  public let code: String
  public let message: String

  public init(_ code: String, _ message: String) { (self.code, self.message) = (code, message) }

  public var description: String { message }
}
