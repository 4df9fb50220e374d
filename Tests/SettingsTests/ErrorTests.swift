import Testing

@testable import Settings

/// What is said about bad files, and where it points.
@Suite struct ErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var text: String
    var code: SettingsError.Code
    var line: Int
    var column: Int
    var key: String?
    var hint: String?

    init(_ text: String, _ code: SettingsError.Code, _ line: Int, _ column: Int, _ key: String?, hint: String? = nil) {
      (self.text, self.code, self.line, self.column, self.key, self.hint) = (text, code, line, column, key, hint)
    }

    var testDescription: String { text }
  }

  static let session = "[[session]]\nname = \"tv\"\nto = \"tv:1\"\n"

  static let cases: [Case] = [
    // Unknown names: the place is the key's.
    Case("[stream]\n  bitrat = 1", .unknownKey, 2, 3, "stream.bitrat", hint: "\"stream.bitrate\""),
    Case("[stream]\nchanels = 2", .unknownKey, 2, 1, "stream.chanels", hint: "\"stream.channels\""),
    Case("[strem]\nbitrate = 96000", .unknownKey, 1, 2, "strem", hint: "\"stream\""),
    Case("\nbitrate = 96000", .unknownKey, 2, 1, "bitrate", hint: "\"stream.bitrate\""),
    Case("[log]\nqqqqqq = 1", .unknownKey, 2, 1, "log.qqqqqq"),
    Case("[[sesion]]\nname = \"tv\"", .unknownKey, 1, 3, "sesion", hint: "\"session\""),
    Case(session + "bitrte = 9600", .unknownKey, 4, 1, "session.bitrte", hint: "\"session.bitrate\""),
    Case("\"é\" = 1", .unknownKey, 1, 1, "é"),
    // Wrong types: the place is the value's.
    Case("[stream]\nbitrate = \"96k\"", .wrongType, 2, 11, "stream.bitrate"),
    Case("stream = { bitrate = 96000.0 }", .wrongType, 1, 22, "stream.bitrate"),
    Case("[stream]\nvbr = 1", .wrongType, 2, 7, "stream.vbr"),
    Case("[stream]\nvbr = 2020-01-01", .wrongType, 2, 7, "stream.vbr"),
    Case("[stream.bitrate]\nx = 1", .wrongType, 1, 1, "stream.bitrate"),
    Case("stream = 5", .wrongType, 1, 10, "stream"),
    Case("[session]\nname = \"tv\"", .wrongType, 1, 1, "session"),
    Case("session = [5]", .wrongType, 1, 12, "session"),
    Case("config_version = \"1\"", .wrongType, 1, 18, "config_version"),
    // Values out of bounds.
    Case("[stream]\nbitrate = 5999", .outOfRange, 2, 11, "stream.bitrate"),
    Case("[stream]\nbitrate = 4000001", .outOfRange, 2, 11, "stream.bitrate"),
    Case("[stream]\npayload_type = 95", .outOfRange, 2, 16, "stream.payload_type"),
    Case("[control]\nmax_clients = 0", .outOfRange, 2, 15, "control.max_clients"),
    Case(session + "complexity = 11", .outOfRange, 4, 14, "session.complexity"),
    Case("[stream]\nchannels = 3", .notAChoice, 2, 12, "stream.channels"),
    Case("[stream]\nframe_ms = 40", .notAChoice, 2, 12, "stream.frame_ms"),
    Case("[stream]\nframe_ms = nan", .notAChoice, 2, 12, "stream.frame_ms"),
    Case("[log]\nlevel = \"warn\"", .notAChoice, 2, 9, "log.level", hint: "\"warning\""),
    Case("[capture]\nlatency = \"lwo\"", .notAChoice, 2, 11, "capture.latency", hint: "\"low\""),
    // Texts with a grammar.
    Case("[capture]\ntarget = \"default_sink\"", .badValue, 2, 10, "capture.target", hint: "\"default-sink\""),
    Case("[capture]\ntarget = \"hdmi.monitor\"", .badValue, 2, 10, "capture.target", hint: "\"sink:hdmi\""),
    Case("[capture]\ntarget = \"source:mic\"", .badValue, 2, 10, "capture.target"),
    Case("[capture]\ntarget = \"sink:\"", .badValue, 2, 10, "capture.target"),
    Case("[capture]\ntarget = \"sink:a\\u0007\"", .badValue, 2, 10, "capture.target"),
    Case("[control]\nsocket = \"run/s.sock\"", .badValue, 2, 10, "control.socket"),
    Case("[pipewire]\nremote = \"a/b\"", .badValue, 2, 10, "pipewire.remote"),
    Case("[[session]]\nname = \"a b\"\nto = \"tv:1\"", .badValue, 2, 8, "session.name"),
    Case("[[session]]\nname = \"tv\"\nto = \"tv\"", .badValue, 3, 6, "session.to"),
    // Whole sessions.
    Case("\n[[session]]\nname = \"tv\"", .missingKey, 2, 1, "session.to"),
    Case(session + session, .duplicateName, 5, 8, "session.name"),
    // The format and the text.
    Case("config_version = 2\nnews = 1", .unsupportedVersion, 1, 18, "config_version"),
    Case("[stream]\nbitrate = ", .syntax, 2, 11, nil),
    Case("[stream]\nvbr = true\nvbr = false", .syntax, 3, 7, nil),
    Case("[stream", .syntax, 1, 8, nil),
    Case("# é\n[=]", .syntax, 2, 2, nil),
    Case("[stream]\n[log.é", .syntax, 2, 6, nil),
    Case("a = \"open", .syntax, 1, 10, nil),
  ]

  @Test(arguments: cases)
  func eachMistakeHasItsCodeAndPlace(_ wrong: Case) throws {
    let errors = try problems(wrong.text)
    #expect(errors.errors.count == 1, "\(errors)")
    let error = try #require(errors.errors.first)
    #expect(error.code == wrong.code)
    #expect([error.line, error.column] == [wrong.line, wrong.column], "\(error)")
    #expect(error.key == wrong.key)
    #expect(error.hint == wrong.hint)
    #expect(error.file == "f.toml")
  }

  @Test func everyCodeIsStable() {
    #expect(
      SettingsError.Code.allCases.map(\.rawValue) == [
        "file_missing", "unreadable", "too_large", "not_utf8", "syntax", "unknown_key", "wrong_type", "out_of_range",
        "not_a_choice", "bad_value", "missing_key", "duplicate_name", "too_many", "unsupported_version",
        "not_found", "cycle",
      ])
  }

  @Test func aDescriptionIsOneLineThatSaysWhereAndWhat() throws {
    let unknown = try problems("[stream]\nbitrat = 1")
    #expect(
      unknown.description == "f.toml:2:1: unknown key \"stream.bitrat\" (did you mean \"stream.bitrate\"?)")
    let range = try problems("[stream]\nbitrate = 7")
    #expect(range.description == "f.toml:2:11: stream.bitrate: 7 is out of range, 6000 to 4000000")
    let type = try problems("stream.bitrate = \"x\"")
    #expect(type.description == "f.toml:1:18: stream.bitrate: expected an integer, found a string")
    let choice = try problems("stream.frame_ms = 3")
    #expect(choice.description == "f.toml:1:19: stream.frame_ms: 3 is not one of 2.5, 5, 10, 20")
    let hostile = try problems("\"a\\nb\\u001b[31m\" = 1")
    #expect(hostile.description == "f.toml:1:1: unknown key \"a\\u{a}b\\u{1b}[31m\"")
  }

  @Test func allErrorsAreToldUpToTheLimit() throws {
    let three = try problems("[stream]\nbitrat = 1\nchannels = 3\n[log]\nlevel = 5")
    #expect(three.errors.map(\.code) == [.unknownKey, .notAChoice, .wrongType])
    #expect(three.omitted == 0)
    let many = try problems((1...50).map { "zzz\($0) = 1\n" }.joined())
    #expect(many.errors.count == SettingsErrors.limit)
    #expect(many.omitted == 30)
    #expect(many.errors.map(\.line) == Array(1...20))
    #expect(many.description.hasSuffix("\nand 30 more"))
  }

  @Test func sizeEncodingAndCountsAreBounded() throws {
    let fits = "# " + String(repeating: "x", count: Settings.fileSizeLimit - 2)
    #expect(try Settings.parse(text: fits, name: "f") == Settings())
    #expect(try problems(fits + "x").errors.map(\.code) == [.tooLarge])
    let sessions = (0...Settings.sessionLimit).map { "[[session]]\nname = \"s\($0)\"\nto = \"h:1\"\n" }.joined()
    let tooMany = try problems(sessions)
    #expect(tooMany.errors.map(\.code) == [.tooMany])
    #expect(tooMany.errors.first?.line == 3 * Settings.sessionLimit + 1)

    var draft = SettingsDraft()
    draft.merge(Array("# é\n# aé".utf8) + [0xFF], file: "f")
    #expect(draft.problems.errors.map(\.code) == [.notUTF8])
    #expect(draft.problems.errors.first.map { [$0.line, $0.column] } == [2, 5])
  }

  @Test(arguments: [
    "a = " + String(repeating: "[", count: 500_000),
    "a = " + String(repeating: "{a=", count: 200_000),
    String(repeating: "a.", count: 500_000) + "a = 1",
    "[" + String(repeating: "a.", count: 500_000) + "a]",
    "a = " + String(repeating: "[", count: 12) + String(repeating: "]", count: 12) + "\n"
      + String(repeating: "a.", count: 100) + "b = 1",
    "a = [" + String(repeating: "1,", count: 70_000) + "]",
  ])
  func depthAndCountOfValuesAreBounded(text: String) throws {
    #expect(try problems(text).errors.first?.code == .syntax)
  }

  private func problems(_ text: String) throws -> SettingsErrors {
    do throws(SettingsErrors) {
      _ = try Settings.parse(text: text, name: "f.toml")
    } catch {
      return error
    }
    Issue.record("no error for \(text.prefix(80))")
    return SettingsErrors()
  }
}
