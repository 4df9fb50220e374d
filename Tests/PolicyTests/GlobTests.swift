import Testing
import Wording

@testable import Policy

@Suite struct GlobTests {
  @Test func starsAndQuestionMarks() throws {
    let cases: [(String, String, Bool)] = [
      ("firefox", "Firefox", true), ("FIREFOX", "firefox", true), ("fire*", "firefox-bin", true),
      ("*fox", "firefox", true), ("f?refox", "firefox", true), ("f?refox", "frefox", false), ("*", "", true),
      ("?", "", false), ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false), ("**", "x", true),
      ("steam_app_*", "steam_app_620", true), ("straße*", "STRASSE", false), ("ÄPFEL", "äpfel", true),
    ]
    for (pattern, name, fits) in cases {
      #expect(try #require(Glob(pattern)).matches(name) == fits, "\(pattern) \(name)")
    }
    #expect(Glob("") == nil)
    #expect(Glob(String(repeating: "a", count: 257)) == nil)
    #expect(Glob("Firefox") == Glob("firefox"))
  }

  /// A pattern that makes naive matchers go back over everything.
  @Test func manyStarsTakeNoTime() throws {
    let glob = try #require(Glob(String(repeating: "*a", count: 120)))
    #expect(!glob.matches(String(repeating: "a", count: 1000) + "b"))
  }

  /// The definition, by recursion.
  private static func naive(_ pattern: Substring.UnicodeScalarView, _ name: Substring.UnicodeScalarView) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    if first == "*" {
      return naive(pattern.dropFirst(), name) || (!name.isEmpty && naive(pattern, name.dropFirst()))
    }
    guard let letter = name.first, first == "?" || first == letter else { return false }
    return naive(pattern.dropFirst(), name.dropFirst())
  }

  @Test func agreesWithTheDefinition() throws {
    var random = Dice(seed: 41)
    var fitting = 0
    for _ in 0..<20_000 {
      let pattern = random.text(of: "ab*?", lengths: 1...7)
      let name = random.text(of: "ab", lengths: 0...8)
      let fits = try #require(Glob(pattern)).matches(name)
      #expect(fits == Self.naive(pattern[...].unicodeScalars, name[...].unicodeScalars), "\(pattern) \(name)")
      if fits { fitting += 1 }
    }
    #expect(fitting > 1000)
  }
}
