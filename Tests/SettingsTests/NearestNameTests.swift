import Testing

@testable import Settings
@testable import Wording

@Suite struct NearestNameTests {
  @Test(arguments: [
    ("bitrat", "bitrate"), ("bitraet", "bitrate"), ("BITRATE", "bitrate"), ("chanels", "channels"),
    ("complexty", "complexity"), ("compl", "complexity"), ("payloadtype", "payload_type"), ("vbrr", "vbr"),
    ("frame", "frame_ms"),
  ])
  func slipsFindTheirName(word: String, name: String) {
    #expect(nearestName(to: word, among: SettingTable.stream.map(\.key.name)) == name)
  }

  @Test(arguments: ["", "q", "colour", "xyz", String(repeating: "bitrate", count: 100)])
  func strangersFindNone(word: String) {
    #expect(nearestName(to: word, among: SettingTable.stream.map(\.key.name)) == nil)
  }

  @Test func distanceCountsEdits() {
    func distance(_ left: String, _ right: String) -> Int { editDistance(Array(left.utf8), Array(right.utf8)) }
    #expect(distance("", "") == 0)
    #expect(distance("", "abc") == 3)
    #expect(distance("abc", "") == 3)
    #expect(distance("kitten", "sitting") == 3)
    #expect(distance("ab", "ba") == 1)
    #expect(distance("abcd", "abdc") == 1)
  }

  @Test func nearestNamesAreNearEnough() {
    let names = ["ping", "describe", "session.open", "session.close"]
    #expect(nearestName(to: "pnig", among: names) == "ping")
    #expect(nearestName(to: "sesion.open", among: names) == "session.open")
    #expect(nearestName(to: "frobnicate", among: names) == nil)
    #expect(nearestName(to: "", among: names) == nil)
    #expect(nearestName(to: String(repeating: "p", count: 100_000), among: names) == nil)
  }
}
