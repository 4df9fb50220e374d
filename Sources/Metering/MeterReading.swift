public import AudioCore
public import Control

/// What a thing that is measured is known by.
public struct MeterName: Hashable, Sendable {
  public enum Group: String, Hashable, Sendable, CaseIterable {
    case bus, session, mic, talker, channel, node

    /// The list that its things stand in.
    public var list: String {
      switch self {
      case .bus: "buses"
      case .session: "sessions"
      case .mic: "mics"
      case .talker: "talkers"
      case .channel: "channels"
      case .node: "nodes"
      }
    }
  }

  public var group: Group
  public var id: String

  public init(_ group: Group, _ id: String) {
    self.group = group
    self.id = id
  }
}

/// A figure beside the levels, such as a gain reduction or a loudness.
public struct MeterFigure: Hashable, Sendable {
  /// What becomes of two that follow each other.
  public enum Merge: Hashable, Sendable { case latest, highest }

  public var name: String
  /// Nil when there is nothing to say yet.
  public var value: Double?
  public var merge: Merge

  public init(_ name: String, _ value: Double?, _ merge: Merge = .latest) {
    self.name = name
    self.value = value
    self.merge = merge
  }

  mutating func add(_ later: MeterFigure) {
    switch (later.merge, value, later.value) {
    case (.highest, let old?, let new?): value = max(old, new)
    case (.highest, _?, nil): break
    default: value = later.value
    }
    merge = later.merge
  }
}

/// One thing's levels and figures over a stretch of time.
public struct MeterReading: Hashable, Sendable {
  public var name: MeterName
  /// What else is to be told of it, such as a name for people.
  public var facts: [String: String]
  /// The channels' names; those beyond are numbered.
  public var labels: [String]
  public var levels: LevelWindow?
  public var figures: [MeterFigure]

  public init(
    _ name: MeterName, facts: [String: String] = [:], labels: [String] = [], levels: LevelWindow? = nil,
    figures: [MeterFigure] = []
  ) {
    self.name = name
    self.facts = facts
    self.labels = labels
    self.levels = levels
    self.figures = figures
  }

  public mutating func add(_ later: MeterReading) {
    facts = later.facts
    labels = later.labels
    if let more = later.levels {
      levels?.merge(more)
      levels = levels ?? more
    }
    let old = figures
    figures = later.figures.map { figure in
      guard var merged = old.first(where: { $0.name == figure.name }) else { return figure }
      merged.add(figure)
      return merged
    }
  }

  /// As an event has it; what is absent is null.
  public var json: JSON {
    var members: JSONObject = [name.group.rawValue: .string(name.id)]
    for key in facts.keys.sorted() { members[key] = facts[key].map { .string($0) } }
    if let levels {
      members["channels"] = JSON((0..<levels.channels).map { $0 < labels.count ? labels[$0] : "\($0 + 1)" })
      members["peak_dbfs"] = .array((0..<levels.channels).map { Self.rounded(levels.peak($0)?.value) })
      members["rms_dbfs"] = .array((0..<levels.channels).map { Self.rounded(levels.rms($0)?.value) })
      members["frames"] = JSON(levels.frames)
    }
    for figure in figures { members[figure.name] = Self.rounded(figure.value) }
    return .object(members)
  }

  static func rounded(_ value: Double?) -> JSON {
    guard let value, value.isFinite else { return .null }
    return JSON((max(value, Decibels.floor.value) * 100).rounded() / 100)
  }
}
