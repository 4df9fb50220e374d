public import Settings
import Wording

extension Profile {
  /// The processed bus first, then the others by name.
  public var buses: [BusDescription] {
    [bus(BusDescription.processed)] + busNames.map { bus($0) }
  }

  /// Values that our nodes do not go to, and were brought to where they do.
  public var chainWarnings: [SettingsError] {
    ([BusDescription.processed] + busNames).flatMap { name in
      var draft = ChainDraft(profile: self, bus: name)
      _ = draft.chain()
      return draft.warnings
    }
  }

  func bus(_ name: String) -> BusDescription {
    var draft = ChainDraft(profile: self, bus: name)
    let chain = draft.chain()
    if name == BusDescription.processed { return BusDescription(name: name, chain: chain) }
    return BusDescription(
      name: name, description: value(of: "buses.\(name).description")?.text ?? "",
      channels: value(of: "buses.\(name).channels")?.text, chain: chain)
  }

  /// Whether the bus is described by agc, compressor and limiter.
  func hasStages(_ bus: String) -> Bool {
    value(of: ProfileText.chainKey(of: bus)) == nil && nodes[bus] == nil
  }
}

/// A bus's stages in terms of our nodes.
private struct ChainDraft {
  let profile: Profile
  let bus: String
  var warnings: [SettingsError] = []
  private var prefix: String { bus == BusDescription.processed ? "" : "buses.\(bus)." }

  init(profile: Profile, bus: String) {
    self.profile = profile
    self.bus = bus
  }

  mutating func chain() -> BusChain {
    if let preset = text("chain") { return .preset(preset) }
    if let nodes = profile.nodes[bus] { return .nodes(nodes) }
    let (levels, compresses) = (flag("agc.enabled"), flag("compressor.enabled"))
    var nodes: [ChainNode] = []
    if levels { nodes.append(leveller()) }
    if compresses { nodes.append(compressor()) }
    // Make-up and reduction move the loudness away from what was asked for.
    if levels, compresses { nodes.append(trim()) }
    if flag("limiter.soft.enabled") { nodes.append(softCeiling()) }
    nodes.append(limiter())
    return .nodes(nodes)
  }

  private mutating func leveller() -> ChainNode {
    ChainNode(
      "leveller",
      [
        number("target", "agc.target_lufs", -40...(-5)),
        number("most_boost", "agc.max_boost_db", 0...40),
        number("most_cut", "agc.max_cut_db", 0...40),
        number("rise", "agc.release_ms", 0.1...30) { Self.decibelsPerSecond($0) },
        number("fall", "agc.attack_ms", 0.1...60) { Self.decibelsPerSecond($0) },
        number("gate", "agc.silence_threshold_lufs", -90...(-20)),
      ])
  }

  private mutating func trim() -> ChainNode {
    let target = ChainNode.Argument(
      "target", .number(min(max(profile.value(of: prefix + "agc.target_lufs")?.number ?? -18, -40), -5)))
    func fixed(_ name: String, _ value: Double) -> ChainNode.Argument { ChainNode.Argument(name, .number(value)) }
    return ChainNode(
      "leveller", name: "trim",
      [target, fixed("most_boost", 6), fixed("most_cut", 6), fixed("rise", 1), fixed("fall", 1), fixed("window", 6)])
  }

  private mutating func compressor() -> ChainNode {
    var arguments = [
      ChainNode.Argument("detector", .text(text("compressor.detector") ?? "peak")),
      number("threshold", "compressor.threshold_db", -80...0),
      number("ratio", "compressor.ratio", 1...100),
      number("knee", "compressor.knee_db", 0...24),
      number("attack", "compressor.attack_ms", 0.1...500),
      number("release", "compressor.release_ms", 5...5000),
    ]
    if text("compressor.makeup_db") == "auto" {
      arguments.append(ChainNode.Argument("auto_make_up", .flag(true)))
    } else {
      arguments.append(number("make_up", "compressor.makeup_db", -24...24))
    }
    return ChainNode("compressor", arguments)
  }

  private mutating func softCeiling() -> ChainNode {
    ChainNode(
      "soft_ceiling",
      [
        number("headroom", "limiter.soft.max_psr_db", 3...30),
        number("ceiling", "limiter.soft.static_ceiling_dbtp", -40...0),
        number("attack", "limiter.soft.attack_ms", 0.1...100),
        number("release", "limiter.soft.release_ms", 5...2000),
      ])
  }

  private mutating func limiter() -> ChainNode {
    let link = ["stereo": "all", "dual-mono": "none"]
    let written = text("limiter.link") ?? "stereo"
    let lookahead = profile.value(of: prefix + "limiter.lookahead_ms")?.number ?? 2
    return ChainNode(
      "limiter",
      [
        ChainNode.Argument("lookahead", .text(lookahead < 1.5 ? "short" : "standard")),
        ChainNode.Argument("link", .text(link[written] ?? written)),
        number("ceiling", "limiter.ceiling_dbtp", -24...0),
        number("hold", "limiter.hold_ms", 0...200),
        number("release", "limiter.release_ms", 5...1000),
      ])
  }

  /// What covers 63 % of 10 dB in that time, as a slope.
  private static func decibelsPerSecond(_ milliseconds: Double) -> Double { 6320 / milliseconds }

  private func flag(_ key: String) -> Bool { value(key)?.flag ?? false }
  private func text(_ key: String) -> String? { value(key)?.text }

  private func value(_ key: String) -> SettingValue? { profile.value(of: prefix + key) }

  private mutating func number(
    _ name: String, _ key: String, _ range: ClosedRange<Double>, _ convert: (Double) -> Double = { $0 }
  ) -> ChainNode.Argument {
    let wanted = convert(value(key)?.number ?? 0)
    let given = min(max(wanted, range.lowerBound), range.upperBound)
    if given != wanted { warn(prefix + key, name, given) }
    return ChainNode.Argument(name, .number(given))
  }

  private mutating func warn(_ key: String, _ name: String, _ given: Double) {
    var place = SettingOrigin(file: profile.file ?? profile.name, line: 0, column: 0)
    if case .file(let origin) = profile.origin(of: key) { place = origin }
    let value = profile.value(of: key)?.description ?? ""
    warnings.append(
      SettingsError(
        code: .outOfRange, file: place.file, line: place.line, column: place.column, key: key,
        message: "\(key): \(value) is beyond what is possible here; \(name) is \(SettingValue.number(given))"))
  }
}
