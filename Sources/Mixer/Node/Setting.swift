public import AudioCore

/// A value of a node's structure, as somebody gave it.
public enum SettingValue: Hashable, Sendable {
  case integer(Int)
  case number(Double)
  case text(String)
  case toggle(Bool)
  case numbers([Double])
}

/// One structural value of a node: what cannot change while a processor lives. A change makes a new processor, and the
/// engine fades from the old one to it.
public struct SettingSpec: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// A number of channels, a name such as `stereo` or `5.1`, or positions such as `FL FR LFE`.
    case layout
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case choice([String])
    case text
    case toggle
    /// A list, such as a matrix; empty for none.
    case numbers
  }

  public let name: String
  public let summary: String
  public let kind: Kind
  public let unit: ValueUnit
  /// Nil for one that must be given.
  public let initial: SettingValue?

  public init(_ name: String, _ summary: String, _ kind: Kind, unit: ValueUnit = .none, initial: SettingValue?) {
    self.name = name
    self.summary = summary
    self.kind = kind
    self.unit = unit
    self.initial = initial
  }

  public static func layout(
    _ name: String = "channels", _ summary: String = "how many channels, or which", initial: String = "stereo"
  ) -> Self {
    Self(name, summary, .layout, initial: .text(initial))
  }

  public static let longestText = 4096
  public static let mostNumbers = ChannelLayout.limit * ChannelLayout.limit

  /// The value in the form the node reads, or why not.
  func checked(_ value: SettingValue) throws(NodeRefusal) -> SettingValue {
    switch (kind, value) {
    case (.layout, .integer(let channels)):
      if let layout = ChannelLayout(channels: channels) { return .text(layout.title) }
    case (.layout, .text(let text)):
      if let layout = ChannelLayout(title: text) { return .text(layout.title) }
    case (.integer(let range), .integer(let value)) where range.contains(value): return .integer(value)
    case (.number(let range), .number(let value)) where range.contains(value): return .number(value)
    case (.number(let range), .integer(let value)) where range.contains(Double(value)): return .number(Double(value))
    case (.choice(let names), .text(let text)) where names.contains(text): return value
    case (.text, .text(let text)) where text.utf8.count <= Self.longestText && !text.utf8.contains(0): return value
    case (.toggle, .toggle): return value
    case (.numbers, .numbers(let list)) where list.count <= Self.mostNumbers && list.allSatisfy(\.isFinite):
      return value
    default: break
    }
    throw NodeRefusal(code: "bad_setting", message: "\(name): \(wanted)")
  }

  /// What would be right, for people.
  public var wanted: String {
    switch kind {
    case .layout: "1, 2, 6 or 8 channels, mono, stereo, 5.1, 7.1, or positions such as \"FL FR\""
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range):
      "a number from \(range.lowerBound) to \(range.upperBound)" + (unit == .none ? "" : " \(unit.rawValue)")
    case .choice(let names): "one of " + names.joined(separator: ", ")
    case .text: "a text of at most \(Self.longestText) bytes"
    case .toggle: "true or false"
    case .numbers: "a list of at most \(Self.mostNumbers) numbers"
    }
  }
}

/// The settings of one node, checked and complete. Asking for one that the node does not have is our own bug.
public struct Settings: Hashable, Sendable {
  private let values: [String: SettingValue]

  init(_ specs: [SettingSpec], given: [String: SettingValue]) throws(NodeRefusal) {
    var values: [String: SettingValue] = [:]
    for name in given.keys.sorted() where !specs.contains(where: { $0.name == name }) {
      throw NodeRefusal(code: "unknown_setting", message: "there is no setting or parameter \(name)")
    }
    for spec in specs {
      guard let value = given[spec.name] ?? spec.initial else {
        throw NodeRefusal(code: "missing_setting", message: "\(spec.name) is missing: \(spec.wanted)")
      }
      values[spec.name] = try spec.checked(value)
    }
    self.values = values
  }

  private func value(_ name: String) -> SettingValue {
    guard let value = values[name] else { preconditionFailure("no setting \(name)") }
    return value
  }

  public func integer(_ name: String) -> Int {
    guard case .integer(let value) = value(name) else { preconditionFailure("\(name) is no integer") }
    return value
  }

  public func number(_ name: String) -> Double {
    guard case .number(let value) = value(name) else { preconditionFailure("\(name) is no number") }
    return value
  }

  public func text(_ name: String) -> String {
    guard case .text(let value) = value(name) else { preconditionFailure("\(name) is no text") }
    return value
  }

  public func toggle(_ name: String) -> Bool {
    guard case .toggle(let value) = value(name) else { preconditionFailure("\(name) is no toggle") }
    return value
  }

  public func numbers(_ name: String) -> [Double] {
    guard case .numbers(let value) = value(name) else { preconditionFailure("\(name) is no list") }
    return value
  }

  public func layout(_ name: String = "channels") -> ChannelLayout {
    guard let layout = ChannelLayout(title: text(name)) else { preconditionFailure("\(name) is no layout") }
    return layout
  }
}

extension ChannelLayout {
  private static let titles: [(String, ChannelLayout)] = [
    ("mono", .mono), ("stereo", .stereo), ("5.1", .surround51), ("7.1", .surround71),
  ]

  /// A common name, else the positions.
  public var title: String {
    Self.titles.first { $0.1 == self }?.0 ?? names.joined(separator: " ")
  }

  public init?(title: String) {
    if let known = Self.titles.first(where: { $0.0 == title }) {
      self = known.1
      return
    }
    let names = title.split(whereSeparator: { $0 == " " || $0 == "," })
    let labels = names.compactMap { ChannelLabel(name: String($0)) }
    guard labels.count == names.count, let layout = ChannelLayout(labels) else { return nil }
    self = layout
  }
}
