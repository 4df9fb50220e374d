import Testing

@testable import Control

@Suite struct ArgumentTests {
  private static let parameters: [VerbParameter] = [
    .required("host", .string, "where to"),
    .required("port", .integer(1...65535), "UDP port"),
    .optional("channels", .choice(["stereo", "surround51"]), default: "stereo", "layout"),
    .optional("gain", .number(-60...12), unit: "dB", "level"),
    .optional("loop", .boolean, "again and again"),
    .optional(
      "streams", .array(of: .object([.required("bitrate", .integer(6...510), "kb/s")]), maximumCount: 2), "several"),
    .optional("note", .text(maximumBytes: 4), "short"),
  ]

  private func error(_ arguments: JSONObject) -> ControlError? {
    do throws(ControlError) {
      _ = try Self.parameters.validated(arguments)
      return nil
    } catch {
      return error
    }
  }

  @Test func goodArgumentsGetDefaultsAndNormalForms() throws {
    let checked = try Self.parameters.validated(["host": "a", "port": 80.0, "gain": 3, "loop": nil])
    #expect(checked == ["host": "a", "port": 80, "gain": .number(3), "channels": "stereo"])
  }

  @Test(
    arguments: [
      (["host": "a"], "port", nil), (["host": "a", "port": nil], "port", nil),
      (["host": "a", "port": "80"], "port", nil),
      (["host": "a", "port": 0], "port", nil), (["host": "a", "port": 65536], "port", nil),
      (["host": "a", "port": 80.5], "port", nil),
      (["host": 1, "port": 80], "host", nil), (["host": "a", "port": 80, "channels": "sterio"], "channels", "stereo"),
      (["host": "a", "port": 80, "channels": "quadrophonic"], "channels", nil),
      (["host": "a", "port": 80, "gain": 12.1], "gain", nil),
      (["host": "a", "port": 80, "gain": "loud"], "gain", nil), (["host": "a", "port": 80, "loop": 1], "loop", nil),
      (["host": "a", "prot": 80], "prot", "port"), (["host": "a", "port": 80, "zzzzzz": 1], "zzzzzz", nil),
      (["host": "a", "port": 80, "streams": [["bitrate": 64], ["bitrate": 5]]], "streams[1].bitrate", nil),
      (["host": "a", "port": 80, "streams": [["bitrat": 64]]], "streams[0].bitrat", "bitrate"),
      (["host": "a", "port": 80, "streams": [1]], "streams[0]", nil),
      (["host": "a", "port": 80, "streams": [:]], "streams", nil),
      (["host": "a", "port": 80, "streams": [[:], [:], [:]]], "streams", nil),
      (["host": "a", "port": 80, "note": "ééé"], "note", nil),
    ] as [(JSONObject, String, String?)])
  func badArgumentsNameTheirPlace(arguments: JSONObject, path: String, hint: String?) throws {
    let error = try #require(self.error(arguments))
    #expect(error.code == .badArgs)
    #expect(error.path == path)
    if let hint { #expect(error.hint == hint) }
    #expect(error.message.hasPrefix(path))
  }

  @Test func nonFiniteNumbersAreOutOfRange() {
    #expect(throws: ControlError.self) { try VerbParameter.Kind.number(-60...12).validated(.number(.nan), at: "x") }
    #expect(throws: ControlError.self) {
      try VerbParameter.Kind.number(-60...12).validated(.number(.infinity), at: "x")
    }
  }

  @Test func aliasesAreUnderstoodOnce() throws {
    let parameters: [VerbParameter] = [
      .required("topics", .array(of: .string, maximumCount: 2), alias: "events", "names")
    ]
    #expect(try parameters.validated(["events": ["a"]]) == ["topics": ["a"]])
    #expect(throws: ControlError.self) { try parameters.validated(["events": ["a"], "topics": ["a"]]) }
  }

  private enum Mode: String, CaseIterable { case fast, slow }

  @Test func readersCheckTypesAndRanges() throws {
    let arguments = Arguments([
      "port": 80, "mode": "slow", "list": [1, 2], "inner": ["deep": ["x": 1]], "none": nil, "level": 2,
    ])
    #expect(try arguments.required("port", as: .integer(in: 1...100)) == 80)
    #expect(try arguments.required("mode", as: .choice) == Mode.slow)
    #expect(try arguments.required("list", as: .array(of: .integer)) == [1, 2])
    #expect(try arguments.required("level", as: .number) == 2)
    #expect(try arguments.optional("none", as: .boolean) == nil)
    #expect(try arguments.optional("absent", as: .string) == nil)
    let inner = try arguments.required("inner", as: .object).required("deep", as: .object)
    let failure = #expect(throws: ControlError.self) { try inner.required("x", as: .boolean) }
    #expect(failure?.path == "inner.deep.x")
    let missing = #expect(throws: ControlError.self) { try inner.required("y", as: .any) }
    #expect(missing?.path == "inner.deep.y")
    let unknown = #expect(throws: ControlError.self) { try inner.refuseUnknown(besides: ["xx"]) }
    #expect(unknown?.hint == "xx")
    #expect(throws: ControlError.self) { try arguments.required("port", as: .integer(in: 1...79)) }
  }

  @Test func schemaSaysWhatIsChecked() {
    let schema = JSON.object(Self.parameters.schema)
    #expect(schema["required"] == ["host", "port"])
    #expect(schema["additionalProperties"] == false)
    let port: JSON = ["type": "integer", "minimum": 1, "maximum": 65535, "description": "UDP port"]
    #expect(schema["properties"]?["port"] == port)
    #expect(schema["properties"]?["channels"]?["enum"] == ["stereo", "surround51"])
    #expect(schema["properties"]?["gain"]?["unit"] == "dB")
    #expect(schema["properties"]?["streams"]?["items"]?["required"] == ["bitrate"])
  }

  @Test func errorsSurviveTheWire() {
    let error = ControlError(.conflict, "taken", path: "name", hint: "another", retry: 250)
    #expect(ControlError(json: error.json) == error)
    #expect(ControlError(json: ["code": "of_the_future", "message": "m"]).code == .internal)
    #expect(ControlError(json: nil).code == .internal)
    #expect(
      ControlError.Code.allCases.map(\.rawValue) == [
        "parse", "too_large", "unknown_op", "bad_args", "not_found", "conflict", "denied", "busy", "unavailable",
        "timeout", "internal",
      ])
  }
}
