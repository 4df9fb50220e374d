public import Settings

/// One file of a profile as it was written, before what it extends is known.
public struct ProfileText: Sendable, Equatable {
  /// Names that values may have; what is nil is not checked here.
  public struct Vocabulary: Sendable {
    public var presets: [String]?
    public var nodeKinds: [String]?

    public init(presets: [String]? = nil, nodeKinds: [String]? = nil) {
      self.presets = presets
      self.nodeKinds = nodeKinds
    }
  }

  public internal(set) var file: String
  public internal(set) var name: String
  var extends: (name: String, origin: SettingOrigin)?
  var values: [String: PlacedValue] = [:]
  var rules: [RouteRule] = []
  var levelRules: [LevelRule] = []
  var nodes: [String: [ChainNode]] = [:]
  var busNames: [String] = []
  /// The buses whose agc, compressor or limiter are written here, "processed" for the main one.
  var staged: Set<String> = []
  public internal(set) var warnings: [SettingsError] = []

  /// Reads a profile, or says everything that is wrong with it.
  public init(_ bytes: [UInt8], file: String, vocabulary: Vocabulary = Vocabulary()) throws(SettingsErrors) {
    var reader = ProfileReader(file: file, vocabulary: vocabulary)
    self = try reader.read(bytes)
  }

  public init(text: String, file: String, vocabulary: Vocabulary = Vocabulary()) throws(SettingsErrors) {
    try self.init(Array(text.utf8), file: file, vocabulary: vocabulary)
  }

  init(file: String) {
    self.file = file
    name = Self.stem(of: file)
  }

  /// "night" of "/etc/xdg/streamd/profiles/night.toml".
  static func stem(of file: String) -> String {
    let last = file.split(separator: "/").last.map(String.init) ?? file
    return last.hasSuffix(".toml") ? String(last.dropLast(5)) : last
  }

  public static func == (a: Self, b: Self) -> Bool {
    a.file == b.file && a.name == b.name && a.extends?.name == b.extends?.name && a.values == b.values
      && a.rules == b.rules && a.levelRules == b.levelRules && a.nodes == b.nodes && a.busNames == b.busNames
      && a.staged == b.staged && a.warnings == b.warnings
  }
}

extension Profile {
  /// What a file alone says, upon what it extends.
  init(_ text: ProfileText, over base: Profile?) {
    self.init(name: text.name)
    file = text.file == BuiltInProfile.place ? nil : text.file
    var inherited = base?.values ?? [:]
    for key in ["name", "description", "extends"] { inherited[key] = nil }
    nodes = base?.nodes ?? [:]
    // Whoever says last how a bus treats sound says it in full: in one form only.
    for bus in text.staged.union(text.nodes.keys).union(text.chained) {
      inherited[ProfileText.chainKey(of: bus)] = nil
      nodes[bus] = nil
    }
    values = inherited.merging(text.values) { $1 }
    nodes.merge(text.nodes) { $1 }
    rules = text.rules + (base?.rules ?? [])
    levelRules = text.levelRules + (base?.levelRules ?? [])
    busNames = Set(base?.busNames ?? []).union(text.busNames).sorted()
    warnings = (base?.warnings ?? []) + text.warnings
  }
}

extension ProfileText {
  static func chainKey(of bus: String) -> String {
    bus == BusDescription.processed ? "chain" : "buses.\(bus).chain"
  }

  /// The buses that have `chain` here.
  var chained: [String] {
    (busNames + [BusDescription.processed]).filter { values[Self.chainKey(of: $0)] != nil }
  }
}
