import AudioCore
import Testing

@testable import Mixer

@Suite struct FilterTextTests {
  @Test func whatAutoEQWrites() throws {
    let text = """
      Preamp: -6.4 dB
      Filter 1: ON LSC Fc 105 Hz Gain 6.5 dB Q 0.70
      Filter 2: ON PK Fc 177 Hz Gain -3.1 dB Q 0.42
      Filter 3: OFF PK Fc 1,5 Hz Gain -1 dB Q 2
      Filter 4: ON HSC Fc 10000 Hz Gain -1.9 dB Q 0.70

      """
    let found = try FilterText(parsing: text)
    #expect(found.preamp == Decibels(-6.4))
    #expect(
      found.bands.map(\.shape) == [
        FilterShape(.lowShelf, frequency: 105, q: 0.7, gain: Decibels(6.5)),
        FilterShape(.peak, frequency: 177, q: 0.42, gain: Decibels(-3.1)),
        FilterShape(.peak, frequency: 1.5, q: 2, gain: Decibels(-1)),
        FilterShape(.highShelf, frequency: 10_000, q: 0.7, gain: Decibels(-1.9)),
      ])
    #expect(found.bands.map(\.isEnabled) == [true, true, false, true])
    #expect(found.bands.allSatisfy { $0.channels == .max })
  }

  @Test func whatEqualizerAPOWrites() throws {
    let text = """
      # A comment
      Device: all
      Channel: L SUB
      Preamp: -1dB
      Preamp: -2 dB
      Filter: ON HPQ Fc 30Hz Q 0.5 # behind it
      Filter 12: ON None
      Filter: ON PK Fc 50 Hz Gain -10.0 dB BW Oct 1
      Channel: ALL
      Filter: ON LS 12dB Fc 200 Hz Gain 6 dB
      Filter: ON LSC 6 dB Fc 200 Hz Gain 6 dB
      Filter: ON HS Fc 5000 Hz Gain 6 dB
      Filter: ON NO Fc 800 Hz
      Filter: ON LP Fc 15000 Hz
      Filter: ON AP Fc 900 Hz Q 0.707\r
      """
    let found = try FilterText(parsing: text, layout: .surround51)
    #expect(found.preamp == Decibels(-3))
    #expect(found.bands.map(\.channels) == [0b1001, 0b1001, 255, 255, 255, 255, 255, 255])
    #expect(
      found.bands.map(\.shape.kind) == [
        .highPass, .peak, .lowShelf, .lowShelf, .highShelf, .notch, .lowPass, .allPass,
      ])
    // An octave between the half gains.
    #expect(abs(found.bands[1].shape.q - 1.41421356) < 1e-6)
    // A corner is where a shelf begins: its middle lies a quarter of ten to the gain over twenty further.
    #expect(abs(found.bands[2].shape.frequency - 237.7) < 0.1 && abs(found.bands[2].shape.q - 0.7071) < 0.001)
    #expect(found.bands[3].shape.frequency == 200 && found.bands[3].shape.q < 0.5)
    #expect(found.bands[5].shape.q == 30)
  }

  @Test func whatIsHeard() throws {
    let found = try FilterText(parsing: "Preamp: -6 dB\nFilter 1: ON PK Fc 1000 Hz Gain 6 dB Q 1.41")
    let curve = EqualizerCurve(bands: found.bands, preamp: found.preamp, rate: .codec)
    #expect(abs(curve.gain(at: 1000, rate: .codec).value) < 0.1)
    #expect(abs(curve.gain(at: 30, rate: .codec).value + 6) < 0.05)
  }

  @Test func refusalsNameTheLine() {
    let cases: [(text: String, line: Int, reason: FilterTextError.Reason)] = [
      ("", 0, .empty), ("# nothing\n\n", 0, .empty), ("hello", 1, .unknownCommand("hello")),
      ("\nPreamp: loud", 2, .badNumber(field: "preamp", text: "loud")), ("Preamp:", 1, .missing("preamp")),
      ("Preamp: nan dB", 1, .badNumber(field: "preamp", text: "nan")),
      ("Preamp: 1e999 dB", 1, .badNumber(field: "preamp", text: "1e999")),
      ("Preamp: -99 dB", 1, .outOfRange(field: "preamp", text: "-99.0", range: "-60.0 to 60.0")),
      ("Preamp: -3 dB please", 1, .trailing("please")),
      ("Filter 1: ON PK Fc 100 Hz Gain 1 dB Q 1\nFilter 2: MAYBE", 2, .trailing("maybe")),
      ("Filter 1: ON XX Fc 1 Hz", 1, .unknownFilter("XX")), ("Filter 1: ON PK Gain 1 dB Q 1", 1, .missing("Fc")),
      ("Filter 1: ON PK Fc 100 Hz Q 1", 1, .missing("Gain")), ("Filter 1: ON PK Fc 100 Hz Gain 1 dB", 1, .missing("Q")),
      ("Filter 1: ON PK Fc 0 Hz Gain 1 dB Q 1", 1, .outOfRange(field: "Fc", text: "0.0", range: "1.0 to 100000.0")),
      ("Filter 1: ON PK Fc 100 Hz Gain 1 dB Q 0", 1, .outOfRange(field: "Q", text: "0.0", range: "0.01 to 1000.0")),
      ("Filter 1: ON PK Fc 100 Hz Gain 1 dB Q 1 Loud 7", 1, .trailing("Loud")),
      ("Convolution: hall.wav", 1, .unsupported("convolution")),
      ("Device: Speakers", 1, .unsupported("a choice of device")),
      ("GraphicEQ: 20 0; 30 1", 1, .unsupported("graphiceq")), ("Channel: SL", 1, .unknownChannel("SL")),
      (String(repeating: "# long\n", count: 10_000), 0, .tooLong),
      (String(repeating: "Filter: ON LP Fc 9 Hz\n", count: 33), 33, .tooManyBands(limit: 32)),
    ]
    for item in cases {
      let error = #expect(throws: FilterTextError.self) { try FilterText(parsing: item.text) }
      #expect(error == FilterTextError(line: item.line, reason: item.reason), "\(item.text.prefix(60))")
    }
    #expect("\(FilterTextError(line: 3, reason: .missing("Fc")))" == "line 3: Fc is missing")
  }

  @Test func anyTextIsReadOrRefused() {
    var random = TestRandom(seed: 6)
    let seeds = [
      "Preamp: -6.4 dB", "Filter 1: ON PK Fc 177 Hz Gain -3.1 dB Q 0.42", "Filter: ON LS 12dB Fc 200 Hz Gain 6 dB",
      "Channel: L R", "Filter 3: OFF HPQ Fc 30Hz Q 0.5 # one", "Filter: ON PK Fc 50 Hz Gain -10,0 dB BW Oct 1",
    ]
    let pieces = [
      "", ":", " ", "ON", "Fc", "1e9", "-0", "dB", "Q", "\n", "é", "#", "Oct", "LS", "\r", ".", "99999999999",
    ]
    var (read, refused) = (0, 0)
    for _ in 0..<(isSoak ? 200_000 : 3000) {
      var words = seeds[Int(random.next() % 6)].split(separator: " ", omittingEmptySubsequences: false).map {
        String($0)
      }
      for _ in 0..<random.next() % 3 {
        words[Int(random.next() % UInt64(words.count))] = pieces[Int(random.next() % UInt64(pieces.count))]
      }
      do {
        let found = try FilterText(parsing: words.joined(separator: " "))
        read += 1
        #expect(found.bands.allSatisfy { $0.shape.coefficients(at: .codec).isStable })
      } catch { refused += 1 }
    }
    #expect(refused > 100)
    #expect(read > 100)
  }
}
