import AudioCore
import Settings
import Testing
import Wording

@testable import Policy

@Suite struct OverlayTests {
  @Test func keysAreCheckedAgainstTheSchema() throws {
    var overlay = Overlay()
    #expect(try overlay.set("limiter.ceiling_dbtp", .integer(-3)) == .number(-3))
    #expect(try overlay.set("agc.enabled", typed: "off") == .flag(false))
    #expect(try overlay.set("default_route.route", typed: "bus:voice") == .text("bus:voice"))
    #expect(try overlay.set("compressor.makeup_db", typed: "auto") == .text("auto"))
    #expect(try overlay.set("buses.voice.agc.target_lufs", typed: "-20.5") == .number(-20.5))
    let wrong: [(String, String, SettingsError.Code, String?)] = [
      ("limiter.cieling_dbtp", "-1", .unknownKey, "\"limiter.ceiling_dbtp\""),
      ("ceiling_dbtp", "-1", .unknownKey, "\"limiter.ceiling_dbtp\""),
      ("limiter.ceiling_dbtp", "1", .outOfRange, nil), ("limiter.ceiling_dbtp", "loud", .wrongType, nil),
      ("name", "x", .badValue, nil),
      ("buses.voice.agc.targt_lufs", "-1", .unknownKey, "\"buses.voice.agc.target_lufs\""),
      ("buses.a b.agc.target_lufs", "-1", .unknownKey, nil), ("compressor.detector", "rsm", .notAChoice, "\"rms\""),
    ]
    for (key, value, code, hint) in wrong {
      #expect {
        try overlay.set(key, typed: value)
      } throws: { error in
        let error = error as? SettingsError
        if hint != nil, error?.hint != hint { return false }
        return error?.code == code
      }
    }
    #expect(overlay.settings.count == 5)
    #expect(try overlay.clear("agc.enabled") && !overlay.clear("agc.enabled"))
    #expect(throws: SettingsError.self) { try overlay.clear("agc.enbled") }
    #expect(overlay.reset() == 4 && overlay.settings.isEmpty && overlay.reset() == 0)
  }

  @Test func theLastWordOnAnApplicationCounts() throws {
    var overlay = Overlay()
    try overlay.setRoute(app: "Firefox", .bypass)
    try overlay.setRoute(app: "steam_app_*", .bus("game"))
    try overlay.setRoute(app: "firefox", .exclude)
    #expect(overlay.routes.map(\.app.text) == ["steam_app_*", "firefox"])
    #expect(overlay.unsetRoute(app: "FIREFOX") && !overlay.unsetRoute(app: "firefox"))
    #expect(throws: SettingsError.self) { try overlay.setRoute(app: "", .bypass) }
    for index in 0..<(Overlay.mostApps - 1) { try overlay.setRoute(app: "a\(index)", .bypass) }
    #expect(throws: SettingsError.self) { try overlay.setRoute(app: "one more", .bypass) }
  }

  private func full() throws -> Overlay {
    var overlay = Overlay()
    overlay.activeProfile = "my \"night\""
    overlay.isBypassed = true
    overlay.keepsLevels = false
    try overlay.set("limiter.ceiling_dbtp", .number(-2.5))
    try overlay.set("buses.voice.agc.target_lufs", .number(-20))
    try overlay.set("session.capture", .text("app:a\\b\n\u{1}ü"))
    try overlay.setRoute(app: "OBS \"Studio\" *", .bus("voice"))
    try overlay.setRoute(app: "mpv", .exclude)
    try overlay.setLevels(app: "discord", isEnabled: true)
    return overlay
  }

  @Test func textComesBack() throws {
    let overlay = try full()
    var notes: [String] = []
    #expect(Overlay(text: overlay.text, notes: &notes) == overlay && notes.isEmpty, "\(notes)")
    #expect(Overlay(text: "") == Overlay())
    #expect(Overlay(text: Overlay().text) == Overlay())
  }

  @Test func ofADamagedFileWhatCanBeReadIsKept() throws {
    let overlay = try full()
    var notes: [String] = []
    // One line of garbage in the settings.
    let broken = overlay.text.replacing("\"limiter.ceiling_dbtp\" = -2.5", with: "\"limiter.ceiling_dbtp = = -2.5")
    var read = Overlay(text: broken, notes: &notes)
    #expect(read.settings.count == 2 && read.routes == overlay.routes && read.activeProfile == overlay.activeProfile)
    #expect(read.isBypassed && read.keepsLevels == false && read.levels == overlay.levels && notes.count == 2)
    // Cut off in the middle of the last entry.
    notes = []
    let cut = String(overlay.text.prefix(overlay.text.count - 12))
    read = Overlay(text: cut, notes: &notes)
    #expect(read.settings == overlay.settings && read.routes == overlay.routes && read.levels.isEmpty)
    #expect(!notes.isEmpty)
    // Good TOML that means nothing.
    notes = []
    read = Overlay(
      text: """
        profile = 3
        news = 1
        bypass = true
        [settings]
        "limiter.ceiling_dbtp" = 5
        "agc.enabled" = false
        [[routes]]
        app = "x"
        """,
      notes: &notes)
    #expect(read.isBypassed && read.settings == ["agc.enabled": .flag(false)] && notes.count == 4, "\(notes)")
  }

  @Test func anyDamageIsSurvived() throws {
    let original = Array(try full().text.utf8)
    var random = Dice(seed: 5)
    for _ in 0..<300 {
      var bytes = original
      for _ in 0...Int.random(in: 0...4, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        if random.flip() { bytes.removeSubrange(at...) } else { bytes[at] = UInt8.random(in: 0...255, using: &random) }
        if bytes.isEmpty { break }
      }
      var notes: [String] = []
      let read = Overlay(text: String(decoding: bytes, as: UTF8.self), notes: &notes)
      #expect(Overlay(text: read.text) == read)
    }
  }

  @Test func overridesShowWhoSaidSo() throws {
    let base = try profile("[agc]\ntarget_lufs = -20\n[buses.voice]\nchain = \"voice\"")
    var overlay = Overlay()
    try overlay.set("limiter.ceiling_dbtp", .number(-3))
    let effective = Effective(base, overlay)
    #expect(effective.notes.isEmpty)
    #expect(effective.profile.value(of: "limiter.ceiling_dbtp") == .number(-3))
    let origins = Dictionary(uniqueKeysWithValues: effective.profile.listing.map { ($0.key, $0.origin.description) })
    #expect(origins["limiter.ceiling_dbtp"] == "override")
    #expect(origins["agc.target_lufs"] == "/u/p.toml:2")
    #expect(origins["agc.max_cut_db"] == "built-in")
    #expect(origins["buses.voice.chain"] == "/u/p.toml:4")
    #expect(ProfileChange(from: base, to: effective.profile).keys == ["limiter.ceiling_dbtp"])
    // The default of what is built in is that profile's own.
    #expect(BuiltInProfile.profile.origin(of: "limiter.ceiling_dbtp") == .builtIn)
  }

  @Test func whatDoesNotFitIsKeptAndSkipped() throws {
    var overlay = Overlay()
    try overlay.set("buses.voice.limiter.ceiling_dbtp", .number(-9))
    try overlay.set("agc.target_lufs", .number(-30))
    try overlay.set("default_route.route", .text("bus:voice"))
    try overlay.setRoute(app: "x", .bus("voice"))
    let nodes = Effective(try profile("chain = \"night\""), overlay)
    #expect(nodes.notes.count == 4 && nodes.overlay.settings.count == 3, "\(nodes.notes)")
    #expect(nodes.profile.defaultRoute == .processed && nodes.profile.value(of: "agc.target_lufs") == .number(-18))
    let fits = Effective(try profile("[buses.voice.limiter]\n"), overlay)
    #expect(fits.notes.isEmpty && fits.profile.defaultRoute == .bus("voice"))
    #expect(fits.profile.value(of: "buses.voice.limiter.ceiling_dbtp") == .number(-9))
    // Another form of the bus, and what that makes of the rest.
    try overlay.set("chain", .text("music"))
    let chain = Effective(try profile("[buses.voice.limiter]\n"), overlay)
    #expect(chain.notes.count == 1 && chain.profile.bus("processed").chain == .preset("music"))
  }

  @Test func levelsOfApplications() throws {
    let text = "[per_app]\nenabled = true\n[[per_app.rules]]\nmatch.process_binary = [\"a\"]\nmax_cut_db = 3"
    let base = try profile(text)
    let (a, b) = (AppLabels([.processBinary: "a"]), AppLabels([.applicationName: "B"]))
    var overlay = Overlay()
    #expect(Effective(base).levelSettings(of: a)?.mostCut.value == 3)
    #expect(Effective(base).levelSettings(of: b) == nil)
    try overlay.setLevels(app: "b", isEnabled: true)
    try overlay.setLevels(app: "a", isEnabled: false)
    #expect(Effective(base, overlay).levelSettings(of: a) == nil)
    #expect(Effective(base, overlay).levelSettings(of: b) == LevelSettings())
    overlay.keepsLevels = false
    #expect(Effective(base, overlay).levelSettings(of: b) == nil)
    overlay.keepsLevels = true
    #expect(Effective(try profile(""), overlay).levelSettings(of: b) == LevelSettings())
  }
}
