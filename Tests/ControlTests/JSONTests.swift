import Testing

@testable import Control

@Suite struct JSONTests {
  private static let accepted: [(String, JSON)] = [
    ("null", JSON.null), (" true ", true), ("false", false), ("0", 0), ("-1", -1),
    ("9223372036854775807", 9_223_372_036_854_775_807),
    ("-9223372036854775808", .int(.min)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
    ("1.5e3", 1500.0), ("1E-2", 0.01),
    ("-0", .number(-0.0)), ("-0.0", .number(-0.0)), ("\"\"", ""), ("[]", []), ("{}", [:]), ("[1, 2 ,3]", [1, 2, 3]),
    (#"{"a":{"b":[null]}}"#, ["a": ["b": [nil]]]),
    (#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac""#, .string("\"\\/\u{8}\u{c}\n\r\tAé€")),
    (#""\ud83d\ude00""#, "😀"), ("\"é😀\"", "é😀"), (#""\u0000""#, "\0"), ("\t\r\n [ ] \n", []), (#"{"":1}"#, ["": 1]),
  ]

  @Test(arguments: accepted)
  func accepts(text: String, value: JSON) throws {
    #expect(try JSON.parse(text) == value)
  }

  @Test(arguments: [
    "", " ", "nul", "nulll", "tru", "True", "NaN", "Infinity", "-Infinity", "01", "-01", "+1", "1.", ".5", "-", "1e",
    "1e+", "0x10", "1_0",
    "1e999", "-1e999", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}", "{a:1}", "{1:2}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "'a'", "\"", "\"a", "\"\\", "\"\\x\"",
    "\"\\u12\"", "\"\\u12G4\"",
    "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\n\"", "\"\\ud83d\"", "\"a\nb\"", "\"\t\"",
    "\"\u{0}\"", "1 2", "{} {}",
    "[]]", "/**/1", "// x\n1", "[1]#", "\u{FEFF}1", "\u{A0}1", "é", "\u{0}", "1\u{0}",
  ])
  func rejects(text: String) {
    #expect(throws: JSONParseError.self) { try JSON.parse(text) }
  }

  @Test(
    arguments: [
      [0x80], [0xC3], [0xC0, 0xAF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFF], [0xFE],
    ] as [[UInt8]])
  func rejectsInvalidUTF8(bytes: [UInt8]) {
    #expect(throws: JSONParseError.self) { try JSON.parse([0x22] + bytes + [0x22]) }
    #expect(throws: JSONParseError.self) { try JSON.parse([0x5B] + bytes + [0x5D]) }
  }

  @Test func errorsNameTheByte() {
    #expect(throws: JSONParseError(reason: "unexpected byte", offset: 4)) { try JSON.parse("[1, }") }
    #expect(throws: JSONParseError(reason: "unexpected end", offset: 3)) { try JSON.parse("[1,") }
    // Slices count from their own start.
    #expect(throws: JSONParseError(reason: "unexpected byte", offset: 0)) { try JSON.parse(Array("ab}".utf8)[2...]) }
  }

  @Test func depthIsLimited() throws {
    let limit = JSONLimits().depth
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    _ = try JSON.parse(nested(limit))
    #expect(throws: JSONParseError.self) { try JSON.parse(nested(limit + 1)) }
    #expect(throws: JSONParseError.self) { try JSON.parse(String(repeating: "[", count: 1_000_000)) }
    #expect(throws: JSONParseError.self) { try JSON.parse(String(repeating: "{\"a\":", count: 200_000)) }
  }

  @Test func valuesAreLimited() throws {
    let limits = JSONLimits(depth: 4, values: 10)
    _ = try JSON.parse("[1,2,3,4,5,6,7,8,9]", limits: limits)
    #expect(throws: JSONParseError.self) { try JSON.parse("[1,2,3,4,5,6,7,8,9,10]", limits: limits) }
    #expect(throws: JSONParseError.self) {
      try JSON.parse("[" + String(repeating: "1,", count: 500_000) + "1]")
    }
  }

  @Test func membersKeepOrderAndTheLastDuplicateWins() throws {
    let value = try JSON.parse(#"{"z":1,"a":2,"z":3}"#)
    #expect(value.text == #"{"z":3,"a":2}"#)
    #expect(value == ["a": 2, "z": 3])
  }

  @Test func largeObjectsStayExact() throws {
    var object = JSONObject()
    for number in 0..<5000 { object["name\(number)"] = JSON(number) }
    for number in stride(from: 0, to: 5000, by: 500) { object["name\(number)"] = nil }
    #expect(object.count == 4990)
    #expect(object["name4999"] == 4999)
    #expect(object["name500"] == nil)
    #expect(object.keys.first == "name1")
    #expect(try JSON.parse(JSON.object(object).bytes) == .object(object))
  }

  @Test(arguments: [
    0.1, -0.0, 5, 1e16, 1.7976931348623157e308, 2.2250738585072014e-308, 123_456_789.123_456_78, 1.0 / 3, -120.0,
  ])
  func doublesRoundTrip(value: Double) throws {
    let back = try #require(try JSON.parse(JSON.number(value).bytes).doubleValue)
    #expect(back.bitPattern == value.bitPattern)
  }

  @Test func writerStaysOnOneLineAndHasNoInfinities() throws {
    let text = JSON.array([.number(.nan), .number(.infinity), .string("a\nb\u{1}\u{7f}\"\\")]).text
    #expect(text == "[null,null,\"a\\nb\\u0001\u{7f}\\\"\\\\\"]")
    let controls = String(String.UnicodeScalarView((0..<32).compactMap(Unicode.Scalar.init)))
    let bytes = JSON.string(controls).bytes
    #expect(!bytes.contains { $0 < 0x20 })
    #expect(try JSON.parse(bytes) == .string(controls))
  }

  @Test func accessorsRefuseWhatDoesNotFit() {
    #expect(JSON.number(5).intValue == 5)
    #expect(JSON.number(5.5).intValue == nil)
    #expect(JSON.number(1e300).intValue == nil)
    #expect(JSON.number(-1e300).intValue == nil)
    #expect(JSON(UInt64.max).doubleValue == 18_446_744_073_709_551_616)
    #expect(JSON.string("5").intValue == nil)
    #expect(([1, 2] as JSON)[2] == nil)
    #expect((["a": 1] as JSON)["b"] == nil)
  }

  /// Twenty thousand damaged texts: each parses or is refused, and what parses survives a round trip.
  @Test func damagedTextNeverCrashes() throws {
    var random = Random(state: 0x5EED)
    let seeds = [
      #"{"id":1,"op":"session.open","args":{"host":"127.0.0.1","port":48000,"channels":[1,2.5e-3,-0]}}"#,
      #"[null,true,false,"\u00e9\ud83d\ude00\n",{"a":{"b":{"c":[[],[{}]]}}}]"#,
      #"{"batch":[{"op":"ping"},{"cmd":"ping"}]}"#,
    ].map { Array($0.utf8) }
    var parsed = 0
    for round in 0..<20_000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0...Int(random.next() % 4) { random.damage(&bytes) }
      guard let value = try? JSON.parse(bytes) else { continue }
      parsed += 1
      #expect(try JSON.parse(value.bytes) == value)
    }
    #expect(parsed > 100)
    #expect(parsed < 19_900)
  }
}

/// A fixed sequence, so that a failure repeats.
struct Random {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  mutating func damage(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return bytes.append(UInt8(truncatingIfNeeded: next())) }
    let place = Int(next() % UInt64(bytes.count))
    let signs = Array("{}[]\",:\\u0e-.tfn \0\u{7f}".utf8)
    switch next() % 6 {
    case 0: bytes[place] = UInt8(truncatingIfNeeded: next())
    case 1: bytes[place] = signs[Int(next() % UInt64(signs.count))]
    case 2: bytes.remove(at: place)
    case 3: bytes.insert(signs[Int(next() % UInt64(signs.count))], at: place)
    case 4: bytes.removeSubrange(place...)
    default: bytes.insert(contentsOf: bytes[place...], at: place)
    }
  }
}
