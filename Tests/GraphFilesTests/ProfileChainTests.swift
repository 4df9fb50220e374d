import AudioCore
import Control
import GraphFiles
import Mixer
import Policy
import Settings
import Testing

/// Profiles speak of nodes that there are, in values that they take.
@Suite struct ProfileChainTests {
  private static let directory: String = {
    let here = #filePath
    return "/" + here.split(separator: "/").dropLast(3).joined(separator: "/") + "/profiles"
  }()

  private static let store: ProfileStore = {
    let vocabulary = ProfileText.Vocabulary(
      presets: ChainPresets.all.map(\.name), nodeKinds: NodeCatalog.linked.kinds.map(\.kind))
    var store = ProfileStore(places: [ProfilePlace(directory, .shipped)], vocabulary: vocabulary)
    store.reload()
    return store
  }()

  /// As the daemon gives a bus to a graph.
  private func chain(_ description: BusChain) throws -> Chain {
    switch description {
    case .preset(let name): return try #require(ChainPresets[name])
    case .nodes(let nodes):
      let list = nodes.map { node -> JSON in
        let arguments = JSONObject(node.args.map { ($0.name, Self.json($0.value)) })
        var members: JSONObject = ["kind": .string(node.kind), "args": .object(arguments)]
        if let name = node.name { members["name"] = .string(name) }
        return .object(members)
      }
      return try Chain(["nodes": .array(list)], name: "bus")
    }
  }

  private static func json(_ value: ProfileValue) -> JSON {
    switch value {
    case .flag(let flag): .bool(flag)
    case .integer(let integer): JSON(integer)
    case .number(let number): .number(number)
    case .text(let text): .string(text)
    }
  }

  private func check(_ profile: Profile, _ place: String) throws {
    for bus in profile.buses {
      let chain = try chain(bus.chain)
      for layout in [ChannelLayout.mono, .stereo, .surround51] {
        let made = try chain.graph(
          from: (kind: "input", arguments: [:]), to: (kind: "output", arguments: [:]), layout: layout)
        #expect(made.layout == layout, "\(place) \(bus.name)")
      }
    }
  }

  @Test func everyShippedProfileIsAGraph() throws {
    #expect(Self.store.errors.isEmpty && Self.store.entries.count == 14)
    for entry in Self.store.entries {
      let profile = try #require(Self.store[entry.name])
      try check(profile, entry.name)
    }
  }

  /// The lowest and the highest of every number, and every word.
  @Test func everyValueOfTheSchemaIsOneThatNodesTake() throws {
    let base = try #require(Self.store["default"])
    for key in ProfileSchema.keys() where key.isOverridable {
      let values: [ProfileValue]
      switch key.kind {
      case .number(let range): values = [.number(range.lowerBound), .number(range.upperBound)]
      case .numberOrAutomatic(let range):
        values = [.number(range.lowerBound), .number(range.upperBound), .text("auto")]
      case .choice(let words): values = words.map { .text($0) }
      case .integerChoice(let numbers): values = numbers.map { .integer($0) }
      case .flag: values = [.flag(true), .flag(false)]
      default: values = []
      }
      for value in values {
        var overlay = Overlay()
        try overlay.set(key.name, value)
        try check(Effective(base, overlay).profile, "\(key.name) = \(value)")
      }
    }
  }

  /// What is changed while sound plays is what nodes have as parameters.
  @Test func whatIsLiveIsAParameter() throws {
    let change = ProfileChange.settings
    for kind in ["leveller", "compressor", "soft_ceiling", "limiter", "equalizer"] {
      let type = try #require(NodeCatalog.linked[kind])
      for parameter in type.parameters { #expect(!change.contains(parameter.name), "\(kind) \(parameter.name)") }
      for setting in type.settings { #expect(change.contains(setting.name), "\(kind) \(setting.name)") }
    }
  }

  @Test func aNodeOrPresetThatIsNotThereIsNamed() throws {
    let vocabulary = ProfileText.Vocabulary(
      presets: ChainPresets.all.map(\.name), nodeKinds: NodeCatalog.linked.kinds.map(\.kind))
    for (text, hint) in [("chain = \"nigth\"", "\"night\""), ("[[nodes]]\nkind = \"levller\"", "\"leveller\"")] {
      #expect {
        _ = try ProfileText(text: text, file: "p.toml", vocabulary: vocabulary)
      } throws: { error in
        (error as? SettingsErrors)?.errors.first?.hint == hint
      }
    }
  }
}
