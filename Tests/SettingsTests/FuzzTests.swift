import Testing

@testable import Settings

/// Whatever a file holds, the answer is settings within their bounds or errors with a place.
@Suite struct FuzzTests {
  /// The same sequence in every run.
  struct Dice {
    var state: UInt64

    mutating func roll(_ sides: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(max(1, sides)))
    }
  }

  static let pieces = [
    "[", "]", "[[", "{", "}", "=", ".", "\"", "\"\"\"", "'", "'''", "#", "\n", "\r", "\r\n", "\\", "\\u0000", "-", "+",
    "nan", "inf", "1e400", "9223372036854775808", "0x", "0b2", "1_", "1979-05-27T07:32:00Z", "true", "[session]",
    "[[session]]", "[stream]", "stream.", "\u{FEFF}", "\u{202E}", "é", "a.b.c.d", "= {a = [{}]}",
  ].map { Array($0.utf8) }

  @Test(arguments: [1, 2, 3, 4, 5])
  func mutatedExamplesAreReadOrRefused(seed: UInt64) {
    var dice = Dice(state: seed &* 0x9E37_79B9_7F4A_7C15)
    let original = Array(ExampleTests.uncommented.utf8)
    // Without its comments a mutation meets the grammar more often.
    let lines = ExampleTests.uncommented.split(separator: "\n").filter { !$0.hasPrefix("#") }
    let dense = Array(lines.joined(separator: "\n").utf8)
    var (read, refused) = (0, 0)
    for round in 0..<2000 {
      var bytes = round % 4 == 0 ? original : dense
      for _ in 0...dice.roll(6) { Self.mutate(&bytes, &dice) }
      var draft = SettingsDraft()
      draft.merge(bytes, file: "fuzz")
      do throws(SettingsErrors) {
        check(try draft.finish())
        read += 1
      } catch {
        check(error, lines: bytes.count { $0 == 0x0A } + 1)
        refused += 1
      }
    }
    #expect(read > 20 && refused > 500, "\(read) read, \(refused) refused")
  }

  static func mutate(_ bytes: inout [UInt8], _ dice: inout Dice) {
    guard !bytes.isEmpty else { return }
    let at = dice.roll(bytes.count)
    switch dice.roll(7) {
    case 0: bytes[at] = UInt8(dice.roll(256))
    case 1: bytes[at] ^= 1 << UInt8(dice.roll(8))
    case 2: bytes.remove(at: at)
    case 3: bytes.insert(contentsOf: pieces[dice.roll(pieces.count)], at: at)
    case 4:
      let end = min(bytes.count, at + 1 + dice.roll(40))
      bytes.insert(contentsOf: Array(bytes[at..<end]), at: dice.roll(bytes.count))
    case 5: bytes.removeSubrange(at..<min(bytes.count, at + 1 + dice.roll(40)))
    default: bytes[at] = UInt8(0x20 + dice.roll(0x5F))
    }
  }

  private func check(_ settings: Settings) {
    #expect(settings.stream.bitrate == 0 || (6000...4_000_000).contains(settings.stream.bitrate))
    #expect([1, 2, 6, 8].contains(settings.stream.channels))
    #expect((96...127).contains(settings.stream.payloadType))
    #expect((1...1024).contains(settings.control.maxClients))
    #expect(settings.sessions.count <= Settings.sessionLimit)
    #expect(Set(settings.sessions.map(\.name)).count == settings.sessions.count)
  }

  private func check(_ errors: SettingsErrors, lines: Int) {
    #expect((1...SettingsErrors.limit).contains(errors.errors.count))
    for error in errors.errors {
      #expect((1...lines + 1).contains(error.line), "\(error)")
      #expect(!error.description.utf8.contains { $0 < 0x20 || $0 == 0x7F })
    }
  }
}
