public import AudioCore

/// Who may be heard while keys are held: targets that are shut unless somebody holds them open. Every hold ends by itself,
/// with its connection or at its time, so nothing can stay open by an accident. Pure: time is an argument.
public struct PushToTalk: Sendable {
  public enum Holder: Hashable, Sendable {
    /// Ends with a connection.
    case connection(Int)
    /// Ends at its time; who knows the name may renew or end it earlier.
    case named(String)
  }

  public enum Action: Equatable, Sendable {
    case open(String)
    case shut(String)
    /// Not ruled any more: as it was found.
    case leave(String)
  }

  public enum Problem: Error, Equatable, Sendable {
    case tooManyTargets(Int)
    case tooManyHolders(Int)
  }

  private struct Target {
    /// Until when each is held; nil for as long as the connection.
    var holds: [Holder: HostTime?] = [:]
    /// A key that is released and pressed again within a moment was never released.
    var lingers: HostTime?
    var isOpen = false
  }

  public static let targetLimit = 64
  public static let holderLimit = 32
  public static let longestHold = HostDuration.milliseconds(3_600_000)

  /// How long a target stays open after a release.
  public let debounce: HostDuration
  private var targets: [String: Target] = [:]

  public init(debounce: HostDuration) { self.debounce = debounce }

  // MARK: Asking

  public var ruled: [String] { targets.keys.sorted() }
  public func rules(_ name: String) -> Bool { targets[name] != nil }
  public func isOpen(_ name: String) -> Bool { targets[name]?.isOpen ?? false }
  /// Ruled and not held open.
  public func isShut(_ name: String) -> Bool { targets[name].map { !$0.isOpen } ?? false }
  public func holders(of name: String) -> Int { targets[name]?.holds.count ?? 0 }

  /// When the last hold that has an end ends; nil where a connection holds, or nobody.
  public func heldUntil(_ name: String) -> HostTime? {
    guard let target = targets[name], target.isOpen, !target.holds.values.contains(where: { $0 == nil }) else {
      return nil
    }
    return target.holds.values.compactMap(\.self).max()
  }

  /// When `expire` has something to do.
  public var nextDeadline: HostTime? {
    targets.values.flatMap { $0.holds.values.compactMap(\.self) + [$0.lingers].compactMap(\.self) }.min()
  }

  // MARK: What happens

  /// From now on it is shut unless held.
  public mutating func rule(_ name: String) throws(Problem) -> [Action] {
    guard targets[name] == nil else { return [] }
    guard targets.count < Self.targetLimit else { throw .tooManyTargets(Self.targetLimit) }
    targets[name] = Target()
    return [.shut(name)]
  }

  public mutating func leave(_ name: String) -> [Action] {
    targets.removeValue(forKey: name) == nil ? [] : [.leave(name)]
  }

  /// Opens, or goes on. A named hold ends after `time` at the latest, however often that is asked for.
  public mutating func press(
    _ name: String, by holder: Holder, for time: HostDuration, at now: HostTime
  ) throws(Problem) -> [Action] {
    var actions = try rule(name)
    guard var target = targets[name] else { return actions }
    guard target.holds.count < Self.holderLimit || target.holds[holder] != nil else {
      throw .tooManyHolders(Self.holderLimit)
    }
    let end: HostTime? =
      switch holder {
      case .connection: nil
      case .named: now + min(max(time, .zero), Self.longestHold)
      }
    target.holds.updateValue(end, forKey: holder)
    target.lingers = nil
    targets[name] = target
    actions += settle(name, at: now)
    return actions
  }

  /// Ends one hold; who holds nothing ends nothing.
  public mutating func release(_ name: String, by holder: Holder, at now: HostTime) -> [Action] {
    // A hold that has had its time is not there to be released.
    let actions = settle(name, at: now)
    guard targets[name]?.holds.removeValue(forKey: holder) != nil else { return actions }
    if targets[name]?.holds.isEmpty == true { targets[name]?.lingers = now + debounce }
    return actions + settle(name, at: now)
  }

  /// Everything that it held ends at once.
  public mutating func connectionEnded(_ connection: Int, at now: HostTime) -> [Action] {
    var actions: [Action] = []
    for name in ruled where targets[name]?.holds.removeValue(forKey: .connection(connection)) != nil {
      actions += settle(name, at: now)
    }
    return actions
  }

  /// Ends what has had its time.
  public mutating func expire(at now: HostTime) -> [Action] {
    var actions: [Action] = []
    for name in ruled { actions += settle(name, at: now) }
    return actions
  }

  private mutating func settle(_ name: String, at now: HostTime) -> [Action] {
    guard var target = targets[name] else { return [] }
    target.holds = target.holds.filter { $0.value.map { $0 > now } ?? true }
    if let end = target.lingers, end <= now { target.lingers = nil }
    let wanted = !target.holds.isEmpty || target.lingers != nil
    let changed = wanted != target.isOpen
    target.isOpen = wanted
    targets[name] = target
    return changed ? [wanted ? .open(name) : .shut(name)] : []
  }
}
