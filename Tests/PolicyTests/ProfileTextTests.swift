import AudioCore
import Settings
import Testing
import Wording

@testable import Policy

@Suite struct ProfileTextTests {
  /// Every key of the schema that other profiles of this kind have, none with its default.
  static let every = """
    name = "p"
    description = "All keys"
    [agc]
    enabled = true
    target_lufs = -20
    attack_ms = 1500
    release_ms = 700
    silence_threshold_lufs = -65.5
    max_boost_db = 10
    max_cut_db = 9
    [compressor]
    enabled = true
    detector = "rms"
    threshold_db = -25.0
    ratio = 3
    knee_db = 4
    attack_ms = 12
    release_ms = 110
    makeup_db = 2.5
    rms_window_ms = 50
    [limiter]
    ceiling_dbtp = -0.3
    lookahead_ms = 3
    release_ms = 90
    hold_ms = 6
    oversample = 8
    link = "dual-mono"
    [limiter.soft]
    max_psr_db = 10
    static_ceiling_dbtp = -8
    attack_ms = 4
    release_ms = 150
    [meters]
    publish_hz = 30
    [[rules]]
    match = { process_binary = ["spotify", "mpv"], media_role = ["Music"] }
    route = "bypass"
    [[rules]]
    match = { application_name = ["Firefox"], portal_app_id = ["org.mozilla.firefox"] }
    route = "processed"
    [[rules]]
    route = "bypass"
    [default_route]
    route = "bypass"
    [per_app]
    enabled = true
    default_enabled = true
    [[per_app.rules]]
    match = { process_binary = ["Discord"] }
    enabled = true
    peak_threshold_db = -9
    rms_target_db = -24
    max_cut_db = 18
    peak_attack_ms = 3
    peak_release_ms = 400
    rms_window_ms = 1200
    smoother_ms = 20
    write_db_threshold = 1
    min_write_interval_ms = 200
    defer_to_user = "strict"
    [[per_app.rules]]
    match = { process_binary = ["mpv"] }
    enabled = false
    """

  @Test func everyKeyIsRead() throws {
    let profile = try profile(Self.every)
    #expect(profile.description == "All keys")
    #expect(profile.value(of: "agc.silence_threshold_lufs") == .number(-65.5))
    #expect(profile.value(of: "compressor.makeup_db") == .number(2.5))
    #expect(profile.value(of: "limiter.oversample") == .integer(8))
    #expect(profile.value(of: "limiter.soft.enabled") == .flag(true))
    #expect(profile.rules.map(\.route) == [.bypass, .processed, .bypass])
    #expect(profile.rules[2].match == .everything)
    #expect(profile.defaultRoute == .bypass)
    #expect(profile.metersPerSecond == 30)
    let discord = try #require(profile.levelSettings(of: AppLabels([.processBinary: "Discord"])))
    var expected = LevelSettings()
    expected.peakThreshold = .init(-9)
    expected.meanTarget = .init(-24)
    expected.mostCut = .init(18)
    expected.peakAttack = .milliseconds(3)
    expected.peakRelease = .milliseconds(400)
    expected.meanWindow = .milliseconds(1200)
    expected.smoothing = .milliseconds(20)
    expected.deadBand = .init(1)
    expected.writeInterval = .milliseconds(200)
    expected.deference = .strict
    #expect(discord == expected)
    #expect(profile.levelSettings(of: AppLabels([.processBinary: "mpv"])) == nil)
    #expect(profile.levelSettings(of: AppLabels()) == LevelSettings())
    // Each key that is written is known to be from its line.
    #expect(profile.origin(of: "agc.target_lufs").description == "/u/p.toml:5")
  }

  @Test func anEmptyFileHasTheDefaults() throws {
    let profile = try profile("")
    #expect(profile.name == "p")
    let expected: [String: SettingValue] = [
      "agc.enabled": .flag(true), "agc.target_lufs": .number(-18), "agc.attack_ms": .number(2000),
      "agc.release_ms": .number(800), "agc.silence_threshold_lufs": .number(-70), "agc.max_boost_db": .number(12),
      "agc.max_cut_db": .number(12), "compressor.enabled": .flag(true), "compressor.detector": .text("peak"),
      "compressor.threshold_db": .number(-24), "compressor.ratio": .number(2.5), "compressor.knee_db": .number(6),
      "compressor.attack_ms": .number(10), "compressor.release_ms": .number(100), "compressor.makeup_db": .text("auto"),
      "compressor.rms_window_ms": .number(5), "limiter.ceiling_dbtp": .number(-0.1), "limiter.lookahead_ms": .number(2),
      "limiter.release_ms": .number(80), "limiter.hold_ms": .number(5), "limiter.oversample": .integer(4),
      "limiter.link": .text("stereo"), "limiter.soft.enabled": .flag(false), "meters.publish_hz": .number(20),
      "limiter.soft.max_psr_db": .number(14), "limiter.soft.static_ceiling_dbtp": .number(-6),
      "limiter.soft.attack_ms": .number(5), "limiter.soft.release_ms": .number(200),
      "default_route.route": .text("processed"), "per_app.enabled": .flag(false),
      "per_app.default_enabled": .flag(false),
    ]
    for (key, value) in expected {
      #expect(profile.value(of: key) == value, "\(key)")
      #expect(profile.origin(of: key) == .builtIn)
    }
    #expect(profile.value(of: "session.gain") == nil && profile.session == SessionDefaults())
  }

  @Test func busesHaveChainsOfTheirOwn() throws {
    let profile = try profile(
      """
      [buses.voice]
      description = "Friends"
      channels = "mono"
      [buses.voice.agc]
      target_lufs = -20
      [buses.game]
      chain = "gaming"
      [[buses.raw.nodes]]
      kind = "gain"
      name = "down"
      args = { gain = -6, whatever = "x" }
      [session]
      limiter = false
      gain = -3
      capture = "app:game"
      [[rules]]
      match = { steam_app_id = "*", parent = ["steam", "reaper"] }
      route = "bus:game"
      """)
    #expect(profile.busNames == ["game", "raw", "voice"])
    let buses = Dictionary(uniqueKeysWithValues: profile.buses.map { ($0.name, $0) })
    #expect(buses["game"]?.chain == .preset("gaming"))
    let node = ChainNode(
      "gain", name: "down", [.init("gain", .integer(-6)), .init("whatever", .text("x"))])
    #expect(buses["raw"]?.chain == .nodes([node]))
    guard case .nodes(let voice)? = buses["voice"]?.chain else {
      Issue.record("no chain")
      return
    }
    #expect(voice.map(\.kind) == ["leveller", "limiter"])
    #expect(buses["voice"]?.channels == "mono" && buses["voice"]?.description == "Friends")
    #expect(profile.session == SessionDefaults(limiter: false, gain: -3, capture: "app:game"))
    #expect(profile.rules[0].match.patterns[.steamAppID]?.map(\.text) == ["*"])
  }

  /// What the text says, and what must be said of it.
  struct Wrong: Sendable, CustomTestStringConvertible {
    var text: String
    var code: SettingsError.Code
    var line: Int
    var key: String?
    var hint: String?
    var testDescription: String { text }

    init(_ text: String, _ code: SettingsError.Code, _ line: Int, _ key: String?, _ hint: String? = nil) {
      (self.text, self.code, self.line, self.key, self.hint) = (text, code, line, key, hint)
    }
  }

  static let wrong: [Wrong] = [
    Wrong("[limiter]\ncieling_dbtp = -1", .unknownKey, 2, "limiter.cieling_dbtp", "\"limiter.ceiling_dbtp\""),
    Wrong("[agc]\nceiling_dbtp = -1", .unknownKey, 2, "agc.ceiling_dbtp", "\"limiter.ceiling_dbtp\""),
    Wrong("[limitr]\nx = 1", .unknownKey, 1, "limitr", "\"limiter\""),
    Wrong("target_lufs = -18", .unknownKey, 1, "target_lufs", "\"agc.target_lufs\""),
    Wrong("[limiter.sofd]\nattack_ms = 1", .unknownKey, 1, "limiter.sofd", "\"limiter.soft\""),
    Wrong("[limiter.soft]\nmax_prs_db = 1", .unknownKey, 2, "limiter.soft.max_prs_db", "\"limiter.soft.max_psr_db\""),
    Wrong("[limiter]\nceiling_dbtp = 1", .outOfRange, 2, "limiter.ceiling_dbtp"),
    Wrong("[limiter]\nceiling_dbtp = \"-1\"", .wrongType, 2, "limiter.ceiling_dbtp"),
    Wrong("[limiter]\nceiling_dbtp = nan", .outOfRange, 2, "limiter.ceiling_dbtp"),
    Wrong("[agc]\nenabled = 1", .wrongType, 2, "agc.enabled"),
    Wrong("agc = 3", .wrongType, 1, "agc"),
    Wrong("[compressor]\nmakeup_db = \"autp\"", .notAChoice, 2, "compressor.makeup_db", "\"auto\""),
    Wrong("[compressor]\ndetector = \"rsm\"", .notAChoice, 2, "compressor.detector", "\"rms\""),
    Wrong("[limiter]\noversample = 3", .notAChoice, 2, "limiter.oversample"),
    Wrong("[default_route]\nroute = \"bypas\"", .notAChoice, 2, "default_route.route", "\"bypass\""),
    Wrong("[default_route]\nroute = \"bus:voice\"", .notFound, 2, "default_route.route"),
    Wrong(
      "[[rules]]\nmatch = { proces_binary = [\"x\"] }\nroute = \"bypass\"", .unknownKey, 2,
      "rules.match.proces_binary", "\"rules.match.process_binary\""),
    Wrong("[[rules]]\nmatch = { media_role = [3] }\nroute = \"bypass\"", .wrongType, 2, "rules.match.media_role"),
    Wrong("[[rules]]\nmatch = { media_role = [\"\"] }\nroute = \"bypass\"", .badValue, 2, "rules.match.media_role"),
    Wrong("\n[[rules]]\nmatch = {}", .missingKey, 2, "rules.route"),
    Wrong("[[rules]]\nroute = \"bus:voic\"\n[buses.voice]\n", .notFound, 1, "rules.route", "\"bus:voice\""),
    Wrong("rules = 3", .wrongType, 1, "rules"),
    Wrong("[[per_app.rules]]\nmax_cut = 3", .unknownKey, 2, "per_app.rules.max_cut", "\"per_app.rules.max_cut_db\""),
    Wrong(
      "[[per_app.rules]]\ndefer_to_user = \"ceilling\"", .notAChoice, 2, "per_app.rules.defer_to_user",
      "\"ceiling\""),
    Wrong("[buses.\"a b\"]", .badValue, 1, "buses.a b"),
    Wrong("[buses.voice]\nchian = \"x\"", .unknownKey, 2, "buses.voice.chian", "\"buses.voice.chain\""),
    Wrong("[buses.voice.agc]\ntarget = 1", .unknownKey, 2, "buses.voice.agc.target", "\"buses.voice.agc.target_lufs\""),
    Wrong("chain = \"nihgt\"", .notAChoice, 1, "chain", "\"night\""),
    Wrong("chain = \"night\"\n[agc]\n", .badValue, 1, "chain"),
    Wrong("[[nodes]]\nargs = {}", .missingKey, 1, "nodes.kind"),
    Wrong("[[nodes]]\nkind = \"limitr\"", .notAChoice, 2, "nodes.kind", "\"limiter\""),
    Wrong("[[nodes]]\nkind = \"limiter\"\nargs = { ceiling = [1] }", .wrongType, 3, "nodes.args"),
    Wrong("\"agc.enabled\" = false", .unknownKey, 1, "agc.enabled", "\"agc.enabled\""),
    Wrong("[limiter]\n\"soft.attack_ms\" = 3", .unknownKey, 2, "limiter.soft.attack_ms", "\"limiter.soft.attack_ms\""),
    Wrong("config_version = 2\nnonsense = 1", .unsupportedVersion, 1, "config_version"),
    Wrong("name = \"a/b\"", .badValue, 1, "name"),
    Wrong("name = 3", .wrongType, 1, "name"),
    Wrong("[agc\n", .syntax, 1, nil),
    Wrong("[agc]\nenabled = true\nenabled = false", .syntax, 3, nil),
    Wrong("[session]\ngian = 3", .unknownKey, 2, "session.gian", "\"session.gain\""),
    Wrong("[session]\ncapture = \"mic\"", .notAChoice, 2, "session.capture"),
  ]

  @Test(arguments: wrong) func whatIsWrongIsSaid(_ wrong: Wrong) throws {
    let found = problems(wrong.text, .init(presets: ["night", "music"], nodeKinds: ["limiter", "gain"]))
    let error = try #require(found.first, "\(wrong.text)")
    #expect(found.count == 1, "\(found)")
    #expect(error.file == "p.toml" && error.code == wrong.code && error.line == wrong.line, "\(error)")
    #expect(error.key == wrong.key && error.hint == wrong.hint, "\(error)")
  }

  @Test func severalMistakesAreAllNamed() {
    let found = problems("[agc]\ntarget_lufs = 3\nenabled = 2\n[limiter]\nreleese_ms = 4\n[meters]\npublish_hz = 0")
    #expect(found.map(\.line) == [2, 3, 5, 7])
    let many = problems((0..<100).map { "x\($0) = 1" }.joined(separator: "\n"))
    #expect(many.count == SettingsErrors.limit)
  }

  @Test func hugeFilesAreRefusedUnread() {
    let bytes = [UInt8](repeating: UInt8(ascii: "["), count: 10 << 20)
    #expect {
      _ = try ProfileText(bytes, file: "big.toml")
    } throws: { error in
      (error as? SettingsErrors)?.errors.map(\.code) == [.tooLarge]
    }
    #expect {
      _ = try ProfileText([0x61, 0x3D, 0xFF], file: "x.toml")
    } throws: { error in
      (error as? SettingsErrors)?.errors.first?.code == .notUTF8
    }
  }

  @Test func anotherNameThanTheFileIsOdd() throws {
    let text = try ProfileText(text: "\nname = \"quiet\"", file: "/u/night.toml")
    #expect(text.name == "quiet" && text.warnings.map(\.line) == [2])
    #expect(try ProfileText(text: "", file: "/u/night.toml").warnings.isEmpty)
  }

  /// Whatever bytes are cut out or put in, a profile is read or refused.
  @Test func damagedTextsAreReadOrRefused() {
    var random = Dice(seed: 99)
    let original = Array(Self.every.utf8)
    var refused = 0
    for _ in 0..<400 {
      var bytes = original
      for _ in 0...Int.random(in: 0...3, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        if random.flip() { bytes.remove(at: at) } else { bytes[at] = UInt8.random(in: 0...255, using: &random) }
      }
      do throws(SettingsErrors) {
        _ = try ProfileText(bytes, file: "x.toml")
      } catch {
        refused += 1
        #expect(error.errors.allSatisfy { !$0.message.isEmpty && !$0.description.contains("\n") })
      }
    }
    #expect(refused > 50)
  }
}
