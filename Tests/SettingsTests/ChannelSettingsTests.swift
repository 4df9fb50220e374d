import Testing

@testable import Settings

/// Duplex channels, as a file says them.
@Suite struct ChannelSettingsTests {
  private static let text = """
    [channels]
    sample_rate = 48000
    sample_format = "float32"
    channels = 1
    blocksize = 256
    [channels.logical_channels.1]
    input_device_id = 1
    output_device_id = "Scarlett 2i2*"
    [channels.logical_channels.7]
    input = "default"
    output = "alsa:hw:1"
    name = "Director"
    [channels.logical_channels.7.dsp.comp]
    ratio = 4
    [channels.dsp.comp]
    threshold_db = -30
    [channels.dsp.limiter]
    ceiling_db = -6.5
    """

  @Test func everyFieldReachesItsProperty() throws {
    let channels = try Settings.parse(text: Self.text, name: "file").channels
    #expect(
      channels.sampleRate == 48_000 && channels.format == .float32 && channels.count == 1 && channels.blockSize == 256)
    #expect(channels.logical.keys.sorted() == [1, 7])
    let first = try #require(channels.logical[1])
    #expect(first.input == "#1" && first.output == "Scarlett 2i2*" && first.processing == nil)
    #expect(channels.processing(of: first) == channels.processing)
    let second = try #require(channels.logical[7])
    #expect(second.name == "Director" && second.input == "default" && second.output == "alsa:hw:1")
    // Its own ratio, and for the rest what is said for all.
    let own = channels.processing(of: second)
    #expect(own.compressor.ratio == 4 && own.compressor.threshold == -30 && own.limiter.ceiling == -6.5)
    #expect(channels.processing.compressor.ratio == 2)
  }

  @Test func theDefaultsAreThoseOfMissionControl() throws {
    let channels = Settings().channels
    #expect(
      channels.sampleRate == 44_100 && channels.format == .int16 && channels.count == 2 && channels.logical.isEmpty)
    let comp = channels.processing.compressor
    #expect(comp.ratio == 2 && comp.threshold == -20 && comp.attack == 10 && comp.release == 100 && comp.knee == 0)
    #expect(channels.processing.limiter.ceiling == -3 && channels.processing.limiter.release == 8)
    #expect(Settings.Channels.Format.int16.ditherBits == 16 && Settings.Channels.Format.float32.ditherBits == nil)
  }

  @Test(arguments: [
    ("ratio = 0.5", "channels.dsp.comp.ratio", SettingsError.Code.outOfRange),
    ("ratio = \"two\"", "channels.dsp.comp.ratio", .wrongType),
    ("ratioo = 2", "channels.dsp.comp.ratioo", .unknownKey),
  ]) func whatIsWrongIsNamedWithItsPlace(line: String, key: String, code: SettingsError.Code) throws {
    do throws(SettingsErrors) {
      _ = try Settings.parse(text: "[channels.dsp.comp]\n" + line, name: "file")
      Issue.record("accepted \(line)")
    } catch {
      let first = try #require(error.errors.first)
      #expect(error.errors.count == 1 && first.key == key && first.code == code && first.line == 2, "\(error)")
    }
  }

  @Test(arguments: [
    ("[channels]\nsample_rate = 7", "channels.sample_rate"), ("[channels]\nchannels = 3", "channels.channels"),
    ("[channels]\nsample_format = \"int17\"", "channels.sample_format"),
    ("[channels]\nblocksize = 1.5", "channels.blocksize"),
    ("channels = 1", "channels"), ("[channels.logical_channels.x]", "channels.logical_channels.x"),
    ("[channels.logical_channels.1]\noutput = 3", "channels.logical_channels.1.input_device_id"),
    ("[channels.logical_channels.1]\noutput = 3\ninput = -1", "channels.logical_channels.1.input"),
    (
      "[channels.logical_channels.1]\noutput = 3\ninput = 1\ninput_device_id = 2",
      "channels.logical_channels.1.input_device_id"
    ),
    ("[channels.logical_channels.0]\noutput = 3\ninput = 1", "channels.logical_channels.0"),
    ("[channels]\nlogical_channels = 4", "channels.logical_channels"),
    ("[channels]\nfile = \"x.json\"", "channels.file"),
  ]) func nothingWrongIsTakenIn(text: String, key: String) throws {
    do throws(SettingsErrors) {
      _ = try Settings.parse(text: text, name: "file")
      Issue.record("accepted \(text)")
    } catch { #expect(error.errors.map(\.key) == [key], "\(error)") }
  }

  /// What a text leaves out stays; what it says of channels is all of them.
  @Test func aChangeKeepsTheRest() throws {
    let base = try Settings.parse(text: Self.text, name: "file").channels
    let change = SettingTree(
      .table([
        .init(
          "dsp",
          SettingTree(.table([.init("limiter", SettingTree(.table([.init("ceiling_db", SettingTree(.integer(-1)))])))]))
        )
      ]))
    var next = try base.applying(change)
    #expect(next.processing.limiter.ceiling == -1 && next.processing.compressor == base.processing.compressor)
    next.processing = base.processing
    #expect(next == base)
    let one = SettingTree(
      .table([
        .init(
          "logical_channels",
          SettingTree(
            .table([
              .init(
                "2",
                SettingTree(.table([.init("input", SettingTree(.nothing)), .init("output", SettingTree(.integer(5)))])))
            ])))
      ]))
    let other = try base.applying(one)
    #expect(other.logical == [2: .init(input: "default", output: "#5")])
    let many = SettingTree(
      .table([.init("logical_channels", SettingTree(.table((1...33).map { .init("\($0)", SettingTree(.table([]))) })))])
    )
    #expect(throws: SettingsErrors.self) { try base.applying(many) }
  }

  @Test func theSampleOfTheExampleIsRead() throws {
    let lines = Settings.example.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = try #require(lines.firstIndex(of: "# [channels]"))
    let sample = lines[start...].prefix { !$0.isEmpty }.map { $0.hasPrefix("# ") ? String($0.dropFirst(2)) : "" }
    let channels = try Settings.parse(text: sample.joined(separator: "\n"), name: "sample").channels
    var plain = Settings().channels
    plain.logical = [1: .init(input: "Scarlett 2i2*", output: "#3")]
    #expect(channels == plain)
  }
}
