import Settings
import Testing

@testable import Policy

@Suite struct ChangeTests {
  private func change(_ old: String, _ new: String) throws -> ProfileChange {
    ProfileChange(from: try profile(old), to: try profile(new))
  }

  @Test func sameWordsElsewhereAreNoChange() throws {
    let one = "[agc]\ntarget_lufs = -20\n[[rules]]\nmatch = { process_binary = [\"A\"] }\nroute = \"bypass\""
    let other =
      "description = \"x\"\n\n[[rules]]\nroute = \"bypass\"\nmatch.process_binary = [\"a\"]\n[agc]\ntarget_lufs = -20.0"
    let change = try change(one, other)
    #expect(change.extent == .none && change.keys.isEmpty && !change.routesChanged && !change.levelsChanged)
  }

  @Test func valuesOfNodesAreParameters() throws {
    let change = try change("[limiter]\nceiling_dbtp = -1", "[limiter]\nceiling_dbtp = -6\n[agc]\nmax_cut_db = 3")
    #expect(change.extent == .parameters)
    #expect(change.keys == ["agc.max_cut_db", "limiter.ceiling_dbtp"])
    #expect(change.chains == ["processed": .parameters])
    let meters = try self.change("", "[meters]\npublish_hz = 10")
    #expect(meters.extent == .parameters && meters.chains.isEmpty && meters.keys == ["meters.publish_hz"])
  }

  @Test func otherNodesAreStructure() throws {
    for (old, new, key) in [
      ("", "[agc]\nenabled = false", "agc.enabled"), ("", "[compressor]\ndetector = \"rms\"", "compressor.detector"),
      ("", "[limiter.soft]", "limiter.soft.enabled"), ("", "chain = \"night\"", "chain"),
      ("", "[[nodes]]\nkind = \"limiter\"", "nodes"), ("", "[compressor]\nmakeup_db = 3", "compressor.makeup_db"),
      ("", "[limiter]\nlookahead_ms = 1", "limiter.lookahead_ms"), ("", "[limiter]\nlink = \"none\"", "limiter.link"),
      ("chain = \"night\"", "chain = \"music\"", "chain"),
      ("[[nodes]]\nkind = \"a\"\nargs = { x = 1 }", "[[nodes]]\nkind = \"a\"\nargs = { y = 1 }", "nodes"),
    ] {
      let change = try change(old, new)
      #expect(change.extent == .structure && change.keys == [key], "\(new): \(change)")
      #expect(change.chains == ["processed": .structure])
    }
    let live = try change(
      "[[nodes]]\nkind = \"a\"\nargs = { x = 1 }", "[[nodes]]\nkind = \"a\"\nargs = { x = 2 }")
    #expect(live.extent == .parameters && live.keys == ["nodes"])
  }

  @Test func busesAndRoutesAreDevices() throws {
    let bus = "[buses.voice.limiter]\nceiling_dbtp = -3\n"
    let added = try change("", bus)
    #expect(added.extent == .devices && added.addedBuses == ["voice"] && added.keys == ["buses.voice"])
    #expect(added.chains.isEmpty && !added.routesChanged)
    let said = try change(bus, "[buses.voice]\ndescription = \"x\"\n" + bus)
    #expect(said.extent == .none && said.keys.isEmpty)
    let gone = try change(bus, "")
    #expect(gone.removedBuses == ["voice"] && gone.addedBuses.isEmpty)
    let inside = try change(bus, "[buses.voice.limiter]\nceiling_dbtp = -4")
    #expect(inside.extent == .parameters && inside.chains == ["voice": .parameters])
    #expect(inside.keys == ["buses.voice.limiter.ceiling_dbtp"])
    let channels = try change(bus, "[buses.voice]\nchannels = \"mono\"\n" + bus)
    #expect(channels.extent == .devices && channels.keys == ["buses.voice.channels"])
    let rules = try change("", "[[rules]]\nroute = \"bypass\"")
    #expect(rules.extent == .devices && rules.routesChanged && rules.keys == ["rules"])
    let route = try change("", "[default_route]\nroute = \"bypass\"")
    #expect(route.extent == .devices && route.routesChanged && route.keys == ["default_route.route"])
    let levels = try change("", "[[per_app.rules]]\nmax_cut_db = 3")
    #expect(levels.extent == .parameters && levels.levelsChanged && levels.keys == ["per_app.rules"])
  }
}
