import Wording

/// Why words name no device.
public struct DeviceError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    case unknown = "unknown_device"
    case ambiguous = "ambiguous_device"
    case noDefault = "no_default_device"
    /// Known, and not there now.
    case away = "device_away"
    /// Its sound system shows nothing.
    case unseen = "devices_unseen"
  }

  public var code: Code
  public var message: String
  /// What would be right.
  public var hint: String?
  /// Devices that the words fit, or names that are like them.
  public var candidates: [String]

  public init(_ code: Code, _ message: String, hint: String? = nil, candidates: [String] = []) {
    self.code = code
    self.message = message
    self.hint = hint
    self.candidates = candidates
  }

  public var description: String { hint.map { "\(message) (\($0))" } ?? message }
}

/// What words are to name: a device of a direction, or of a sound system.
public struct DeviceScope: Sendable, Equatable {
  public var direction: DeviceDirection?
  public var system: String?

  public init(_ direction: DeviceDirection? = nil, system: String? = nil) {
    self.direction = direction
    self.system = system
  }

  func holds(_ device: Device) -> Bool {
    (direction == nil || device.direction == direction) && (system == nil || device.system == system)
  }

  var noun: String {
    switch direction {
    case .input: "input"
    case .output: "output"
    case nil: "device"
    }
  }
}

extension DeviceRegistry {
  /// Sound systems that words may begin with, as in `alsa:hw:1`; the first is meant where they do not, as long as it has what
  /// they name.
  public static let systemNames = ["pipewire", "alsa", "jack"]

  /// The one device that words name: its identity, its name, what people call it, a name it had before, or a pattern with `*`
  /// and `?` that fits one of those. Never one that only resembles.
  public func find(_ words: String, _ scope: DeviceScope = DeviceScope()) throws(DeviceError) -> Device {
    if let device = self[DeviceIdentity(text: words)], scope.holds(device) { return device }
    var (scope, rest) = (scope, words)
    for system in Self.systemNames where words == system || words.hasPrefix(system + ":") {
      guard scope.system == nil || scope.system == system else { break }
      // An identity that is not there now is no name.
      if DeviceIdentity.isWritten(words) { throw away(words) }
      scope.system = system
      rest = String(words.dropFirst(system.count + 1))
    }
    if let number = DeviceNumbers.read(rest), !devices.contains(where: { scope.holds($0) && $0.name == rest }) {
      return try find(number, scope)
    }
    if rest.isEmpty || rest == "default" || rest == "default-sink" || rest == "default-source" {
      return try defaultDevice(scope)
    }
    let first = scope.system ?? Self.systemNames[0]
    var inFirst = scope
    inFirst.system = first
    if let device = try match(rest, inFirst) { return device }
    if scope.system == nil, let device = try match(rest, scope) { return device }
    throw missing(rest, scope)
  }

  private func defaultDevice(_ scope: DeviceScope) throws(DeviceError) -> Device {
    let system = scope.system ?? Self.systemNames[0]
    guard let direction = scope.direction else {
      throw DeviceError(
        .ambiguous, "\"default\" is an input and an output", hint: "say which direction",
        candidates: DeviceDirection.allCases.map(\.rawValue))
    }
    if let device = defaultDevice(direction, of: system) { return device }
    throw DeviceError(
      .noDefault, "\(system) has no default \(direction.rawValue)", hint: trouble(of: system)?.description)
  }

  private func find(_ number: Int, _ scope: DeviceScope) throws(DeviceError) -> Device {
    guard let id = numbers[number] else {
      throw DeviceError(.unknown, "no \(scope.noun) has the number \(number)", hint: listing(scope))
    }
    guard let device = self[id] else { throw away("\(number): \(id)") }
    guard scope.holds(device) else {
      throw DeviceError(
        .unknown, "device \(number), \"\(device.title)\", is an \(device.direction.rawValue) of \(device.system)",
        hint: listing(scope))
    }
    return device
  }

  /// What there is, by number.
  private func listing(_ scope: DeviceScope) -> String {
    let there = devices.filter { scope.holds($0) && $0.number != nil }
    let shown = there.prefix(8).map { "\($0.number ?? 0) \"\($0.title)\"" }.joined(separator: ", ")
    return there.isEmpty ? "there is no \(scope.noun)" : "\(scope.noun)s here: \(shown)"
  }

  /// Nil where nothing fits.
  private func match(_ words: String, _ scope: DeviceScope) throws(DeviceError) -> Device? {
    let all = devices.filter(scope.holds)
    let folded = words.lowercased()
    let glob = Glob(words).flatMap { $0.isPlain ? nil : $0 }
    let tiers: [(Device) -> Bool] = [
      { $0.name == words },
      { $0.description == words || $0.nick == words },
      { $0.name.lowercased() == folded || $0.description.lowercased() == folded || $0.nick.lowercased() == folded },
    ]
    for tier in tiers {
      if let device = try single(all.filter(tier), words, scope) { return device }
    }
    if let id = former(words, { id in scope.couldHold(id) }) {
      if let device = self[id] { return device }
      throw away(words)
    }
    guard let glob else { return nil }
    return try single(
      all.filter { device in
        [device.id.text, device.name, device.description, device.nick].contains { !$0.isEmpty && glob.matches($0) }
      }, words, scope)
  }

  private func single(_ found: [Device], _ words: String, _ scope: DeviceScope) throws(DeviceError) -> Device? {
    guard found.count > 1 else { return found.first }
    let shown = found.prefix(8).map { "\"\($0.id)\" (\($0.title))" }.joined(separator: ", ")
    throw DeviceError(
      .ambiguous, "\"\(words)\" fits \(found.count) \(scope.noun)s",
      hint: "say which: \(shown)" + (found.count > 8 ? " and \(found.count - 8) more" : ""),
      candidates: found.map(\.id.text))
  }

  private func away(_ words: String) -> DeviceError {
    DeviceError(.away, "\"\(words)\" is not there now", hint: "plug it in, or wait for it")
  }

  private func missing(_ words: String, _ scope: DeviceScope) -> DeviceError {
    let systems = scope.system.map { [$0] } ?? Self.systemNames
    let troubles = systems.compactMap { trouble(of: $0) }
    let there = devices.filter(scope.holds)
    if there.isEmpty, let trouble = troubles.first {
      return DeviceError(.unseen, "no \(scope.noun) \"\(words)\" is seen: \(trouble.message)", hint: trouble.hint)
    }
    let near = near(words, there)
    let other = devices.first { device in
      !scope.holds(device) && (scope.system == nil || device.system == scope.system)
        && (device.name == words || device.description == words)
    }
    let hint: String
    if let other {
      hint = "\"\(words)\" is an \(other.direction.rawValue)"
    } else if !near.isEmpty {
      hint = "did you mean " + near.map { "\"\($0)\"" }.joined(separator: ", ") + "?"
    } else {
      let shown = there.prefix(8).map { "\"\($0.name)\"" }.joined(separator: ", ")
      hint =
        there.isEmpty
        ? "there is no \(scope.noun)"
        : "\(scope.noun)s here: \(shown)" + (there.count > 8 ? " and \(there.count - 8) more" : "")
    }
    return DeviceError(.unknown, "no \(scope.noun) is named \"\(words)\"", hint: hint, candidates: near)
  }

  /// At most five names that are like the words, the nearest first.
  private func near(_ words: String, _ there: [Device]) -> [String] {
    var names = Set(there.flatMap { [$0.name, $0.description, $0.nick] }.filter { !$0.isEmpty })
    var found: [String] = []
    while found.count < 5, let name = nearestName(to: words, among: names.sorted()) {
      found.append(name)
      names.remove(name)
    }
    let folded = words.lowercased()
    if folded.utf8.count >= 3 { found += names.filter { $0.lowercased().contains(folded) }.sorted() }
    return Array(found.prefix(5))
  }
}

extension DeviceScope {
  /// By what an identity says of itself.
  func couldHold(_ id: DeviceIdentity) -> Bool {
    let parts = id.text.split(separator: ":", maxSplits: 2)
    guard parts.count == 3 else { return false }
    return (system == nil || parts[0] == system!) && (direction == nil || parts[1] == direction!.rawValue)
  }
}
