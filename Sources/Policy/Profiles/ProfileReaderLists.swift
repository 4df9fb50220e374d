import Settings
import Wording

/// The parts of a profile of which there may be several.
extension ProfileReader {
  // MARK: Rules

  mutating func readRules(_ node: TomlNode) {
    for item in tables(node, "rules", most: ProfileSchema.mostRules) {
      guard case .table(let entries) = item.value else { continue }
      var match: LabelMatch? = .everything
      var route: Route?
      var failed = false
      for entry in entries {
        switch entry.key {
        case "match":
          match = readMatch(entry, "rules.match")
        case "route":
          let key = ProfileKey("rules.route", .route, nil, "")
          route = accept(entry, as: key)?.text.flatMap { Route($0) }
          failed = failed || route == nil
        default:
          unknown(
            entry, "rules.\(entry.key)",
            hint: nearestName(to: entry.key, among: ["match", "route"]).map { "rules.\($0)" })
        }
      }
      if route == nil, !failed {
        fail(.missingKey, item.place, "rules.route", "a rule needs \"route\", \(Route.grammar)")
      }
      if let match, let route { text.rules.append(RouteRule(match, route, origin: settingOrigin(item.place))) }
    }
  }

  mutating func readPerApp(_ node: TomlNode) {
    readTable(node, prefix: "", known: ProfileSchema.main, besides: ["rules"])
    guard case .table(let entries) = node.value else { return }
    guard let rules = entries.first(where: { $0.key == "rules" }) else { return }
    let known = Dictionary(uniqueKeysWithValues: ProfileSchema.perApp.map { ($0.name, $0) })
    for item in tables(rules, "per_app.rules", most: ProfileSchema.mostRules) {
      guard case .table(let entries) = item.value else { continue }
      var match: LabelMatch? = .everything
      var values: [String: SettingValue] = [:]
      for entry in entries {
        if entry.key == "match" {
          match = readMatch(entry, "per_app.rules.match")
        } else if let key = known[entry.key] {
          values[entry.key] = accept(entry, as: key.renamed("per_app.rules.\(entry.key)"))
        } else {
          let near = nearestName(to: entry.key, among: ProfileSchema.perApp.map(\.name) + ["match"])
          unknown(entry, "per_app.rules.\(entry.key)", hint: near.map { "per_app.rules.\($0)" })
        }
      }
      if let match {
        text.levelRules.append(LevelRule(match, LevelSettings(values), origin: settingOrigin(item.place)))
      }
    }
  }

  private mutating func readMatch(_ node: TomlNode, _ name: String) -> LabelMatch? {
    guard case .table(let entries) = node.value else {
      fail(.wrongType, node.place, name, "\(name): expected a table, found \(node.value.typeName)")
      return nil
    }
    var patterns: [LabelField: [Glob]] = [:]
    var fits = true
    for entry in entries {
      guard let field = LabelField(rawValue: entry.key) else {
        let near = nearestName(to: entry.key, among: LabelField.allCases.map(\.rawValue))
        unknown(entry, "\(name).\(entry.key)", hint: near.map { "\(name).\($0)" })
        fits = false
        continue
      }
      guard let globs = readPatterns(entry, "\(name).\(entry.key)") else {
        fits = false
        continue
      }
      patterns[field] = globs
    }
    return fits ? LabelMatch(patterns) : nil
  }

  /// One text, or a list of them.
  private mutating func readPatterns(_ node: TomlNode, _ name: String) -> [Glob]? {
    let items: [TomlNode]
    switch node.value {
    case .array(let list): items = list
    case .text: items = [node]
    default:
      fail(.wrongType, node.place, name, "\(name): expected a list of strings, found \(node.value.typeName)")
      return nil
    }
    guard items.count <= LabelMatch.mostPatterns else {
      fail(.tooMany, node.place, name, "\(name): more than \(LabelMatch.mostPatterns) patterns")
      return nil
    }
    var globs: [Glob] = []
    for item in items {
      guard case .text(let text) = item.value else {
        fail(.wrongType, item.place, name, "\(name): expected a string, found \(item.value.typeName)")
        return nil
      }
      guard let glob = Glob(text) else {
        fail(.badValue, item.place, name, "\(name): a pattern has 1 to \(Glob.longest) bytes")
        return nil
      }
      globs.append(glob)
    }
    return globs
  }

  // MARK: Buses

  mutating func readBuses(_ node: TomlNode) {
    guard case .table(let buses) = node.value else {
      return fail(.wrongType, node.place, "buses", "buses: expected a table, found \(node.value.typeName)")
    }
    guard buses.count <= ProfileSchema.mostBuses else {
      return fail(.tooMany, node.place, "buses", "more than \(ProfileSchema.mostBuses) buses")
    }
    for bus in buses {
      let name = "buses.\(printable(bus.key))"
      guard isBusName(bus.key), bus.key != BusDescription.processed, !Route.words.contains(bus.key) else {
        let message = "\(name): a bus is called by 1 to 32 letters, digits, dashes and underscores, and no route"
        fail(.badValue, bus.keyPlace, name, message)
        continue
      }
      guard case .table(let entries) = bus.value else {
        fail(.wrongType, bus.place, name, "\(name): expected a table, found \(bus.value.typeName)")
        continue
      }
      text.busNames.append(bus.key)
      for entry in entries { readBusEntry(entry, bus: bus.key) }
    }
  }

  private mutating func readBusEntry(_ entry: TomlNode, bus: String) {
    let prefix = "buses.\(bus)."
    if readStages(entry, prefix: prefix, bus: bus) { return }
    if entry.key == "nodes" { return readNodes(entry, bus: bus, key: "\(prefix)nodes") }
    guard let key = ProfileSchema.bus.first(where: { $0.name == entry.key }) else {
      let known = ProfileSchema.bus.map(\.name) + ["agc", "compressor", "limiter", "nodes"]
      return unknown(entry, prefix + entry.key, hint: nearestName(to: entry.key, among: known).map { prefix + $0 })
    }
    guard take(entry, as: key.renamed(prefix + key.name)) else { return }
    if key.name == "chain", let name = text.values[prefix + "chain"]?.value.text {
      checkPreset(name, entry, prefix + "chain")
    }
  }

  mutating func readNodes(_ node: TomlNode, bus: String, key: String) {
    var nodes: [ChainNode] = []
    for item in tables(node, key, most: ProfileSchema.mostNodes) {
      guard case .table(let entries) = item.value else { continue }
      var chainNode = ChainNode("")
      for entry in entries {
        switch (entry.key, entry.value) {
        case ("kind", .text(let kind)):
          chainNode.kind = kind
          guard let kinds = vocabulary.nodeKinds, !kinds.contains(kind) else { break }
          let hint = nearestName(to: kind, among: kinds).map { "\"\($0)\"" }
          fail(
            .notAChoice, entry.place, "\(key).kind", "\(key).kind: there is no node \"\(printable(kind))\"", hint: hint)
        case ("name", .text(let name)): chainNode.name = name
        case ("args", .table(let args)):
          for argument in args {
            guard let value = SettingValue(argument.value) else {
              let message =
                "\(key).args.\(printable(argument.key)): expected one value, found \(argument.value.typeName)"
              fail(.wrongType, argument.place, "\(key).args", message)
              continue
            }
            chainNode.args.append(ChainNode.Argument(argument.key, value))
          }
        case ("kind", _), ("name", _), ("args", _):
          let wanted = entry.key == "args" ? "a table" : "a string"
          fail(
            .wrongType, entry.place, "\(key).\(entry.key)",
            "\(key).\(entry.key): expected \(wanted), found \(entry.value.typeName)")
        default:
          let near = nearestName(to: entry.key, among: ["kind", "name", "args"]).map { "\(key).\($0)" }
          unknown(entry, "\(key).\(entry.key)", hint: near)
        }
      }
      if !entries.contains(where: { $0.key == "kind" }) {
        fail(.missingKey, item.place, "\(key).kind", "a node needs \"kind\"")
      }
      nodes.append(chainNode)
    }
    text.nodes[bus] = nodes
  }

  /// The tables of a list, of which there may be so many.
  private mutating func tables(_ node: TomlNode, _ name: String, most: Int) -> [TomlNode] {
    guard case .array(let items) = node.value else {
      fail(.wrongType, node.place, name, "\(name): expected [[\(name)]] tables, found \(node.value.typeName)")
      return []
    }
    guard items.count <= most else {
      fail(.tooMany, node.place, name, "\(name): more than \(most)")
      return []
    }
    return items.filter { item in
      if case .table = item.value { return true }
      fail(.wrongType, item.place, name, "\(name): expected a table, found \(item.value.typeName)")
      return false
    }
  }

  // MARK: What must fit together

  mutating func checkPreset(_ name: String, _ entry: TomlNode, _ key: String) {
    guard let presets = vocabulary.presets, !presets.contains(name) else { return }
    let hint = nearestName(to: name, among: presets).map { "\"\($0)\"" }
    fail(.notAChoice, entry.place, key, "\(key): there is no preset \"\(printable(name))\"", hint: hint)
  }

  /// Its stages, a preset or nodes: a bus has one form.
  mutating func checkForm(of bus: String) {
    let key = ProfileText.chainKey(of: bus)
    let forms = [text.staged.contains(bus), text.values[key] != nil, text.nodes[bus] != nil]
    guard forms.count(where: { $0 }) > 1 else { return }
    let place = text.values[key].flatMap { value in
      if case .file(let place) = value.origin { TextPlace(line: place.line, column: place.column) } else { nil }
    }
    let whose = bus == BusDescription.processed ? "the profile" : "bus \"\(bus)\""
    fail(
      .badValue, place, key,
      "\(key): \(whose) has more than one of agc/compressor/limiter, chain and nodes; keep one of them")
  }

  mutating func checkName() {
    var place: TextPlace?
    if case .file(let origin)? = text.values["name"]?.origin {
      place = TextPlace(line: origin.line, column: origin.column)
    }
    let isName =
      (1...64).contains(text.name.utf8.count) && text.name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x2F && $0 != 0x7F }
    guard isName else {
      let message = "name: \"\(printable(text.name))\" is not 1 to 64 bytes without slashes and control characters"
      return fail(.badValue, place, "name", message)
    }
    let stem = ProfileText.stem(of: text.file)
    guard stem != text.name, let place else { return }
    warn(
      place, "name",
      "name: the profile is called \"\(printable(text.name))\" and its file \"\(printable(stem)).toml\"")
  }

  /// A file that extends nothing has all its buses itself.
  mutating func checkRoutes() {
    guard text.extends == nil else { return }
    for missing in Profile(text, over: nil).missingBuses { problems.add(missing) }
  }
}
