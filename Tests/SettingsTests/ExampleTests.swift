import Glibc
import Testing

@testable import Settings

/// The example file is what people copy: it has to be the truth.
@Suite struct ExampleTests {
  static let path: String = {
    let here = #filePath
    let parts = here.split(separator: "/").dropLast(3)
    return "/" + parts.joined(separator: "/") + "/docs/streamd.toml.example"
  }()

  /// To refresh the file after a change of the table, run this test with UPDATE_EXAMPLE set.
  @Test func theFileIsMadeFromTheTable() throws {
    if getenv("UPDATE_EXAMPLE") != nil { try Scratch.write(Settings.example, to: Self.path) }
    #expect(try Scratch.read(Self.path) == Settings.example)
  }

  @Test func itSpellsEveryKeyAndEqualsTheDefaults() throws {
    let settings = try Settings.parse(text: Settings.example, name: "example")
    #expect(settings == Settings())
    for section in SettingTable.sections {
      for slot in section.slots {
        #expect(settings.origin(of: slot.key.name) != nil, "\(slot.key.name) is not in the example")
      }
    }
    #expect(settings.origins.count == SettingTable.slots.count)
  }

  @Test func itsSampleSessionIsReadWhenUncommented() throws {
    let settings = try Settings.parse(text: Self.uncommented, name: "example")
    let session = try #require(settings.sessions.first)
    #expect(settings.sessions.count == 1)
    #expect(session == Settings.Session(name: "living-room", to: try Settings.Endpoint("tv.lan:5004")))
    #expect(session.origins.count == SettingTable.sessionKeys.count)
  }

  /// The example with its sample session in force.
  static var uncommented: String {
    let lines = Settings.example.split(separator: "\n", omittingEmptySubsequences: false)
    guard let start = lines.firstIndex(of: "# [[session]]") else { return "" }
    let sample = lines[start...].map { $0.hasPrefix("# ") ? $0.dropFirst(2) : $0 }
    return (lines[..<start] + sample).joined(separator: "\n")
  }

  @Test func everyKeyIsNamedOnceAndItsDefaultIsAllowed() throws {
    let keys = Settings.keys
    #expect(Set(keys.map(\.name)).count == keys.count)
    for key in keys {
      #expect(!key.documentation.isEmpty && !key.documentation.contains("\n"))
      #expect(key.documentation.count <= 118)
      if let fallback = key.fallback { #expect(Settings().value(of: fallback) != nil) }
    }
    for (name, slot) in SettingTable.slots {
      #expect(slot.get(Settings()) == slot.key.defaultValue, "\(name)")
    }
  }
}
