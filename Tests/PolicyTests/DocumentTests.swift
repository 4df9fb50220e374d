import Glibc
import Settings
import Testing

@testable import Policy

/// The tables of `docs/PROFILES.md` are the schema.
@Suite struct DocumentTests {
  private static var path: String {
    shippedDirectory.split(separator: "/").dropLast().reduce(into: "") { $0 += "/\($1)" } + "/docs/PROFILES.md"
  }

  private static func row(_ key: ProfileKey, _ value: SettingValue?) -> String {
    "| `\(key.name)` | \(value.map { "`\($0)`" } ?? "–") | \(key.kind) | \(key.documentation) |"
  }

  static var rows: [String] {
    ProfileSchema.keys().map { row($0, $0.defaultValue) }
      + ProfileSchema.perApp.map { row($0.renamed("per_app.rules.\($0.name)"), $0.defaultValue) }
  }

  /// To see the rows after a change of the schema, run this test with PRINT_ROWS set.
  @Test func everyKeyIsInTheDocument() throws {
    if getenv("PRINT_ROWS") != nil { print(Self.rows.joined(separator: "\n")) }
    let text = String(decoding: try DiskFiles().read(Self.path), as: UTF8.self)
    for row in Self.rows { #expect(text.contains(row + "\n"), "\(row)") }
    for field in LabelField.allCases { #expect(text.contains("`\(field.rawValue)`"), "\(field)") }
  }

  /// The examples there are read.
  @Test func everyExampleIsRead() throws {
    let text = String(decoding: try DiskFiles().read(Self.path), as: UTF8.self)
    let parts = text.split(separator: "```toml\n", omittingEmptySubsequences: false).dropFirst()
    #expect(parts.count >= 2)
    for part in parts {
      let example = part.prefix(upTo: part.firstRange(of: "```")?.lowerBound ?? part.endIndex)
      #expect(throws: Never.self) { try ProfileText(text: String(example), file: "example.toml") }
    }
  }
}
