import Testing

@testable import Wire

@Suite struct GameStreamSurroundTests {
  @Test func everyConfiguration() {
    struct Row: Equatable {
      var channels, streams, coupled, bitrate, short, long, encrypted, data, parity: Int
    }
    let rows = GameStreamConfiguration.all().map {
      Row(
        channels: $0.channels, streams: $0.streams, coupled: $0.coupled, bitrate: $0.bitrate, short: $0.opusBytes(.ms5),
        long: $0.opusBytes(.ms10), encrypted: $0.payloadBytes(.ms5, encrypted: true),
        data: $0.payloadBytes(.ms5, encrypted: true) + GameStreamFormat.dataHeaderLength,
        parity: $0.parityDatagramBytes(.ms5, encrypted: true))
    }
    func row(_ numbers: [Int]) -> Row {
      Row(
        channels: numbers[0], streams: numbers[1], coupled: numbers[2], bitrate: numbers[3], short: numbers[4],
        long: numbers[5], encrypted: numbers[6], data: numbers[7], parity: numbers[8])
    }
    #expect(
      rows
        == [
          [2, 1, 1, 96_000, 60, 120, 64, 76, 88], [2, 1, 1, 512_000, 320, 640, 336, 348, 360],
          [6, 4, 2, 256_000, 160, 320, 176, 188, 200], [6, 6, 0, 1_536_000, 960, 1920, 976, 988, 1000],
          [8, 5, 3, 450_000, 281, 562, 288, 300, 312], [8, 8, 0, 2_048_000, 1280, 2560, 1296, 1308, 1320],
        ].map(row))
    for configuration in GameStreamConfiguration.all() {
      let both = configuration.quality == .normal || configuration.channels == 2
      #expect(configuration.durations == (both ? [.ms5, .ms10] : [.ms5]))
    }
    #expect(GameStreamConfiguration(channels: 1, .normal) == nil && GameStreamConfiguration(channels: 4, .high) == nil)
  }

  @Test func printedDigits() throws {
    func digits(_ channels: Int, _ quality: GameStreamQuality, _ coupling: GameStreamCoupling = .layoutOrder) -> String?
    {
      GameStreamConfiguration(channels: channels, quality, coupling: coupling)?.surround.digits(for: quality)
    }
    #expect(digits(2, .normal) == "21101" && digits(2, .high) == "21101")
    #expect(digits(6, .normal) == "642012453" && digits(6, .high) == "660012345")
    #expect(digits(8, .normal) == "85301245673" && digits(8, .high) == "88001234567")
    #expect(digits(6, .normal, .partners) == "642014235" && digits(8, .normal, .partners) == "85301623457")
    #expect(digits(8, .high, .partners) == "88001234567")
    let third = try SurroundParams(channels: 8, streams: 5, coupled: 3, mapping: [0, 1, 4, 5, 2, 3, 6, 7])
    #expect(third.digits(for: .normal) == "85301423675")
  }

  @Test func linesInOrder() throws {
    let prefix = "a=fmtp:97 surround-params="
    let own = ["21101", "21101", "642012453", "660012345", "85301245673", "88001234567"]
    #expect(SurroundParams.lines() == own.map { prefix + $0 })
    let custom = try SurroundParams(parsing: "642014523")
    #expect(
      SurroundParams.lines(coupling: .partners, custom: custom)
        == ["642014235", "642014523", "21101", "21101", "642014235", "660012345", "85301623457", "88001234567"]
        .map { prefix + $0 })
  }

  /// The client ends with the encoder's own mapping, in both qualities and couplings.
  @Test(arguments: GameStreamCoupling.allCases) func clientsFindTheMapping(_ coupling: GameStreamCoupling) throws {
    let description = "v=0\n" + SurroundParams.lines(coupling: coupling).map { $0 + " \r\n" }.joined() + "a=x\n"
    for channels in [2, 6, 8] {
      let found = try SurroundParams.client(searching: description, channels: channels)
      #expect(found.normal == GameStreamConfiguration(channels: channels, .normal, coupling: coupling)?.surround)
      #expect(found.high == GameStreamConfiguration(channels: channels, .high, coupling: coupling)?.surround)
    }
  }

  @Test func clientsWithoutALine() throws {
    let fallback = try SurroundParams.client(searching: "v=0\n", channels: 6)
    #expect(fallback.normal.digits == "642041523" && fallback.high == nil)
    #expect(throws: SurroundParamsError.noLine(channels: 8)) {
      try SurroundParams.client(searching: "v=0\n", channels: 8)
    }
    let one = try SurroundParams.client(searching: "a=fmtp:97 surround-params=85301245673", channels: 8)
    #expect(one.normal.mapping == [0, 1, 2, 3, 4, 5, 6, 7] && one.high == nil)
  }

  /// What a host prints that rotates only six channels, and what it does to its clients.
  @Test func partRotationScrambles() throws {
    #expect(try SurroundParams.client(reading: "85301245367", .normal).mapping == [0, 1, 2, 7, 4, 5, 3, 6])
  }

  /// A layout of the client's own is found in both qualities as the encoder has it.
  @Test(arguments: ["642014523", "633102345", "85301623457", "88070123456", "21101"])
  func clientsFindACustomMapping(_ digits: String) throws {
    let custom = try SurroundParams(parsing: digits)
    let description = SurroundParams.lines(custom: custom).map { $0 + "\n" }.joined()
    let found = try SurroundParams.client(searching: description, channels: custom.channels)
    #expect(found.normal == custom && found.high == custom)
  }

  @Test func customRefusals() throws {
    func refuses(_ text: String, _ expected: SurroundParamsError) {
      #expect(throws: expected) { try SurroundParams(parsing: text) }
    }
    refuses("", .wrongLength(0))
    refuses("64201245x", .notDigits)
    refuses("642٠12453", .notDigits)
    refuses("400", .badChannels(4))
    refuses("64201245", .wrongLength(8))
    refuses("6420124533", .wrongLength(10))
    refuses("652012345", .badStreams(5, coupled: 2))
    refuses("624012345", .badStreams(2, coupled: 4))
    refuses("606012345", .badStreams(0, coupled: 6))
    refuses("642012344", .badMapping)
    refuses("642012346", .badMapping)
    #expect(try SurroundParams(parsing: "21110").mapping == [1, 0])
    #expect(SurroundParamsError.badMapping.code == "surround_bad_mapping")
  }
}
