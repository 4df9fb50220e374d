import Settings
import Testing
import Wording

@testable import Policy

@Suite struct ChainTests {
  private func nodes(_ text: String) throws -> [ChainNode] {
    guard case .nodes(let nodes) = try profile(text).bus(BusDescription.processed).chain else { return [] }
    return nodes
  }

  @Test func stagesBecomeNodes() throws {
    let nodes = try nodes(ProfileTextTests.every)
    #expect(nodes.map(\.kind) == ["leveller", "compressor", "leveller", "soft_ceiling", "limiter"])
    #expect(nodes.map(\.name) == [nil, nil, "trim", nil, nil])
    let leveller = nodes[0]
    #expect(leveller["target"] == .number(-20) && leveller["most_boost"] == .number(10))
    #expect(leveller["most_cut"] == .number(9) && leveller["gate"] == .number(-65.5))
    // 63 % of 10 dB in the time that is written.
    #expect(abs((leveller["rise"]?.number ?? 0) - 6.32 / 0.7) < 1e-9)
    #expect(abs((leveller["fall"]?.number ?? 0) - 6.32 / 1.5) < 1e-9)
    let compressor = nodes[1]
    #expect(compressor["detector"] == .text("rms") && compressor["threshold"] == .number(-25))
    #expect(compressor["ratio"] == .number(3) && compressor["knee"] == .number(4))
    #expect(compressor["attack"] == .number(12) && compressor["release"] == .number(110))
    #expect(compressor["make_up"] == .number(2.5) && compressor["auto_make_up"] == nil)
    #expect(nodes[2]["target"] == .number(-20))
    let soft = nodes[3]
    #expect(soft["headroom"] == .number(10) && soft["ceiling"] == .number(-8))
    #expect(soft["attack"] == .number(4) && soft["release"] == .number(150))
    let limiter = nodes[4]
    #expect(limiter["ceiling"] == .number(-0.3) && limiter["hold"] == .number(6))
    #expect(limiter["release"] == .number(90) && limiter["link"] == .text("none"))
    #expect(limiter["lookahead"] == .text("standard"))
  }

  @Test func whatIsOffIsNotThere() throws {
    #expect(try nodes("[agc]\nenabled = false\n[compressor]\nenabled = false").map(\.kind) == ["limiter"])
    #expect(try nodes("[agc]\nenabled = false").map(\.kind) == ["compressor", "limiter"])
    #expect(try nodes("").map(\.kind) == ["leveller", "compressor", "leveller", "limiter"])
    #expect(try nodes("")[1]["auto_make_up"] == .flag(true))
    #expect(try nodes("[limiter]\nlookahead_ms = 1\nlink = \"pairs\"").last?["lookahead"] == .text("short"))
    #expect(try nodes("[limiter.soft]\nenabled = false").map(\.kind).contains("soft_ceiling") == false)
  }

  @Test func valuesBeyondOurNodesAreClampedAndSaid() throws {
    let profile = try profile(
      "[agc]\ntarget_lufs = -55\nrelease_ms = 10\n[limiter]\nceiling_dbtp = -40\n[buses.b.compressor]\nknee_db = 40")
    guard case .nodes(let nodes) = profile.bus(BusDescription.processed).chain else { return }
    #expect(nodes[0]["target"] == .number(-40) && nodes[0]["rise"] == .number(30))
    #expect(nodes.last?["ceiling"] == .number(-24))
    let warnings = profile.chainWarnings
    #expect(warnings.map(\.line) == [2, 3, 5, 7])
    #expect(
      warnings.map(\.key) == [
        "agc.target_lufs", "agc.release_ms", "limiter.ceiling_dbtp", "buses.b.compressor.knee_db",
      ])
    #expect(warnings.allSatisfy { $0.file == "/u/p.toml" && $0.message.contains(" is ") })
    #expect(try self.warnings(of: "").isEmpty)
  }

  private func warnings(of text: String) throws -> [SettingsError] { try profile(text).chainWarnings }
}
