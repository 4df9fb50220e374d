import TestSupport
import Testing

/// Render code is marked, so that the compiler follows its whole call tree; escapes stand in one place.
@Suite struct RenderMarkTests {
  /// A function declaration and the attributes before it.
  struct Declaration {
    let place: String
    let name: String
    let text: String
    let fileScope: Bool
    var marked: Bool { text.contains("@_noLocks") || text.contains("@_noAllocation") }
  }

  /// Functions whose name says render but which no render thread runs, with the reason.
  static let exceptions: [String: String] = [
    "Sources/AudioIO/OfflineBackend.swift renderCycle": "plays the server's part in virtual time",
    "Sources/AudioCore/Block/Cycle.swift render":
      "the empty base; overriding functions are checked",
    "Sources/Mixer/Node/Processor.swift render": "the empty base; overriding functions are checked",
  ]

  static func functions(of file: SourceFile) -> [Declaration] {
    var found: [Declaration] = []
    var attributes = ""
    for (index, line) in file.lines.enumerated() {
      let bare = line.drop { $0 == " " }
      if bare.isEmpty || bare.hasPrefix("//") { continue }
      // The pattern is slow where it fails, and nearly everywhere it would.
      if bare.contains("func "), let match = bare.firstMatch(of: #/^[^"(]*?(?:\([^)]*\)[^"(]*?)*\bfunc ([A-Za-z_]\w*)/#)
      {
        found.append(
          Declaration(
            place: "\(file.path):\(index + 1)", name: String(match.1),
            text: attributes + " " + bare,
            fileScope: line.first != " "))
        attributes = ""
      } else {
        attributes = bare.hasPrefix("@") ? attributes + " " + bare : ""
      }
    }
    return found
  }

  @Test func renderFunctionsAreMarked() throws {
    var roots = 0
    for file in try Tree.swift() where !file.name.hasPrefix("Trusted") {
      for function in Self.functions(of: file) where function.name.contains(#/^render(?:[A-Z]|$)/#) {
        roots += 1
        guard Self.exceptions["\(file.path) \(function.name)"] == nil else { continue }
        #expect(function.marked, "\(function.place): func \(function.name) is not marked @_noLocks")
      }
    }
    #expect(roots >= 3, "only \(roots) render functions found")
  }

  @Test func dataThreadCallbacksAreMarked() throws {
    let files = try Tree.swift().filter { $0.name == "ProcessCallbacks.swift" }
    #expect(!files.isEmpty)
    for file in files {
      let functions = Self.functions(of: file).filter(\.fileScope)
      #expect(!functions.isEmpty, "\(file.path) has no file-scope functions")
      for function in functions { #expect(function.marked, "\(function.place): \(function.name)") }
    }
  }

  @Test func checkerEscapesStandInTrustedFiles() throws {
    var trusted = 0
    for file in try Tree.swift() {
      let places = file.places(of: #/no_performance_analysis/#)
      if file.name.hasPrefix("Trusted") {
        trusted += places.count
      } else {
        #expect(places.isEmpty, "\(places)")
      }
    }
    #expect(trusted >= 1)
  }

  @Test func declarationsAreUnderstood() {
    let text: [Substring] = [
      "/// What.", "@_noLocks", "func renderA() {", "}", "func renderB() { }",
      "  @_noLocks @inlinable public mutating func renderC(_ x: Int) {", "  let renderFunction = 1",
      "  @inline(__always) override func render(", "@_noLocks @_semantics(\"x\")",
      "private func renderD() {}",
    ]
    let found = Self.functions(of: SourceFile(path: "x", lines: text))
    #expect(found.map(\.name) == ["renderA", "renderB", "renderC", "render", "renderD"])
    #expect(found.map(\.marked) == [true, false, true, false, true])
    #expect(found.map(\.fileScope) == [true, true, false, false, true])
  }
}
