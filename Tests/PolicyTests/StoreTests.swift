import Settings
import Testing

@testable import Policy

@Suite struct StoreTests {
  private static let places = [
    ProfilePlace("/shipped", .shipped), ProfilePlace("/user", .user), ProfilePlace("/extra", .extra),
  ]

  private func store(_ texts: [String: String]) -> ProfileStore {
    var store = ProfileStore(places: Self.places)
    store.reload(from: MemoryFiles(texts))
    return store
  }

  @Test func laterPlacesHideEarlierOnes() {
    let texts = [
      "/shipped/a.toml": "[agc]\ntarget_lufs = -10", "/user/a.toml": "[agc]\ntarget_lufs = -20",
      "/shipped/b.toml": "description = \"b\"", "/extra/a.toml": "[agc]\ntarget_lufs = -30",
    ]
    let found = store(texts)
    #expect(found.entries.map(\.name) == ["a", "b", "default"])
    #expect(found.entries.map(\.origin) == [.extra, .shipped, .builtIn])
    #expect(found["a"]?.value(of: "agc.target_lufs") == .number(-30))
    #expect(found.entries[2].file == nil && found.entries[1].description == "b")
    #expect(found.nearest(to: "defualt") == "default")
    #expect(found.errors.isEmpty)
  }

  @Test func extendingChangesWhatIsSaid() throws {
    let found = store([
      "/shipped/base.toml": """
      description = "base"
      [limiter]
      ceiling_dbtp = -3
      release_ms = 70
      [[rules]]
      match = { process_binary = ["a"] }
      route = "bypass"
      [buses.voice]
      chain = "voice"
      [[buses.game.nodes]]
      kind = "limiter"
      """,
      "/user/child.toml": """
      extends = "base"
      [limiter]
      ceiling_dbtp = -6
      [[rules]]
      match = { process_binary = ["b"] }
      route = "bus:voice"
      [buses.voice.agc]
      target_lufs = -20
      [buses.game]
      chain = "gaming"
      """,
      "/user/default.toml": "extends = \"default\"\n[agc]\ntarget_lufs = -30",
    ])
    #expect(found.errors.isEmpty, "\(found.errors)")
    let child = try #require(found["child"])
    #expect(child.description == "")
    #expect(child.value(of: "limiter.ceiling_dbtp") == .number(-6))
    #expect(child.value(of: "limiter.release_ms") == .number(70))
    #expect(child.origin(of: "limiter.release_ms").description == "/shipped/base.toml:4")
    // Its own rules come first; its stages replace the preset.
    #expect(child.rules.map(\.route) == [.bus("voice"), .bypass])
    #expect(child.hasStages("voice") && found["base"]?.hasStages("voice") == false)
    #expect(child.nodes["game"] == nil && child.bus("game").chain == .preset("gaming"))
    // A profile that extends its own name changes the one that it hides.
    #expect(found["default"]?.value(of: "agc.target_lufs") == .number(-30))
    #expect(found["default"]?.value(of: "limiter.ceiling_dbtp") == .number(-1))
  }

  @Test func circlesAreNamed() throws {
    let found = store([
      "/user/a.toml": "extends = \"b\"", "/user/b.toml": "\nextends = \"c\"", "/user/c.toml": "extends = \"b\"",
      "/user/self.toml": "extends = \"self\"", "/user/lost.toml": "extends = \"defualt\"",
    ])
    #expect(found.entries.map(\.name) == ["default"])
    let circle = try #require(found.errors.first { $0.code == .cycle })
    #expect(circle.key == "extends" && circle.line > 0 && circle.message.contains("\"b\" → \"c\" → \"b\""))
    #expect(found.errors.count { $0.code == .cycle } == 3)
    let lost = try #require(found.errors.first { $0.file == "/user/lost.toml" })
    #expect(lost.code == .notFound && lost.hint == "\"default\"" && lost.line == 1)
    #expect(found.errors.contains { $0.file == "/user/self.toml" && $0.code == .notFound })
  }

  @Test func longLinesOfProfilesAreRefused() {
    var texts: [String: String] = ["/user/p0.toml": ""]
    for index in 1...40 { texts["/user/p\(index).toml"] = "extends = \"p\(index - 1)\"" }
    let found = store(texts)
    #expect(found["p15"] != nil && found["p40"] == nil)
    #expect(found.errors.contains { $0.code == .tooMany && $0.key == "extends" })
  }

  @Test func twoFilesOfOneNameAreBothNamed() {
    let texts = ["/user/a.toml": "name = \"x\"\n[agc]\ntarget_lufs = -1", "/user/b.toml": "\nname = \"x\""]
    let found = store(texts)
    #expect(found["x"] == nil)
    #expect(found.errors.map(\.code) == [.duplicateName, .duplicateName])
    #expect(found.errors.map(\.line) == [1, 2])
    #expect(found.errors[0].file == "/user/a.toml" && found.errors[0].message.contains("/user/b.toml"))
    // In different places one hides the other.
    #expect(store(["/user/a.toml": "name = \"x\"", "/extra/b.toml": "name = \"x\""]).errors.isEmpty)
  }

  @Test func whatWasGoodStaysWhileAFileIsBroken() throws {
    var files = MemoryFiles([
      "/user/a.toml": "[agc]\ntarget_lufs = -20", "/user/b.toml": "extends = \"a\"", "/shipped/a.toml": "",
    ])
    var store = ProfileStore(places: Self.places)
    #expect(store.reload(from: files) == ["a", "b"])
    let good = try #require(store["a"])
    for broken in ["[agc]\ntarget_lufs = 20", "extends = \"b\"", "[agc", String(repeating: "#", count: 2 << 20)] {
      files.contents["/user/a.toml"] = Array(broken.utf8)
      #expect(store.reload(from: files).isEmpty)
      #expect(store["a"] == good && store["b"]?.value(of: "agc.target_lufs") == .number(-20))
      #expect(!store.errors.isEmpty && store.errors[0].file.hasPrefix("/user/"))
    }
    // A file that takes the name of another does not get it.
    files.contents["/user/a.toml"] = Array("[agc]\ntarget_lufs = -20".utf8)
    files.contents["/user/c.toml"] = Array("name = \"a\"".utf8)
    #expect(store.reload(from: files).isEmpty)
    #expect(store.errors.map(\.file) == ["/user/c.toml"] && store.errors[0].message.contains("/user/a.toml"))
    files.brokenDirectories = ["/user"]
    #expect(store.reload(from: files).isEmpty && store.errors.count == 1)
    files.brokenDirectories = []
    files.contents["/user/a.toml"] = nil
    files.contents["/user/c.toml"] = nil
    #expect(store.reload(from: files) == ["a", "b"])
    #expect(store["a"]?.value(of: "agc.target_lufs") == .number(-18))
  }

  @Test func placesFollowTheBaseDirectories() {
    let places = ProfilePlace.all(
      environment: ["HOME": "/h", "XDG_DATA_DIRS": "/x:relative:/y"], executable: "/opt/s/bin/streamd", extra: ["/e"])
    #expect(
      places.map(\.directory) == [
        "/y/streamd/profiles", "/x/streamd/profiles", "/opt/s/share/streamd/profiles",
        "/h/.local/share/streamd/profiles", "/h/.config/streamd/profiles", "/e",
      ])
    let built = ProfilePlace.all(environment: [:], executable: "/src/streamd/.build/x86/debug/streamd")
    #expect(built.map(\.directory).contains("/src/streamd/profiles"))
    let same = ProfilePlace.all(environment: ["XDG_CONFIG_HOME": "/c"], extra: ["/c/streamd/profiles"])
    #expect(same.map(\.directory).count { $0 == "/c/streamd/profiles" } == 1 && same.last?.origin == .extra)
  }

  @Test func whatIsShipped() throws {
    var store = ProfileStore(places: [ProfilePlace(shippedDirectory, .shipped)])
    store.reload()
    #expect(store.errors.isEmpty, "\(store.errors)")
    #expect(
      store.entries.map(\.name) == [
        "broadcast-14", "bypass-all", "commute", "default", "gaming", "movie", "music", "night", "party", "podcast",
        "quiet-hours", "speech", "spike-protection", "transparent",
      ])
    for entry in store.entries {
      #expect(entry.origin == .shipped && entry.warnings.isEmpty && !entry.description.isEmpty, "\(entry)")
    }
    // The built-in one is the same as the file.
    let file = try DiskFiles().read("\(shippedDirectory)/default.toml")
    #expect(String(decoding: file, as: UTF8.self) == BuiltInProfile.source)
    let shipped = try #require(store["default"])
    #expect(ProfileChange(from: shipped, to: BuiltInProfile.profile).extent == .none)
    let quiet = try #require(store["quiet-hours"])
    let change = ProfileChange(from: shipped, to: quiet)
    #expect(change.keys.contains("limiter.ceiling_dbtp"))
    #expect(quiet.value(of: "limiter.ceiling_dbtp") == .number(-6))
    #expect(store["bypass-all"]?.defaultRoute == .bypass)
  }

  @Test func aDirectoryOrPipeIsNoProfile() {
    #expect { try DiskFiles().read("/tmp") } throws: { ($0 as? SettingsError)?.code == .unreadable }
    #expect { try DiskFiles().read("/dev/zero") } throws: { ($0 as? SettingsError)?.code == .unreadable }
    #expect((try? DiskFiles().names(in: "/nowhere/at/all")) == [])
  }
}
