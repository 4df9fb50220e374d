/// What an application's stream says of itself. A field may have several values (`parent`) or none.
public struct AppLabels: Sendable, Hashable {
  /// Longer values are cut: they come from other programs.
  public static let longestValue = 1024
  public static let mostValues = 32

  private var values: [LabelField: [String]] = [:]
  public var processID: Int?
  /// How many channels it plays; zero while unknown.
  public var channels: Int

  public init(_ values: [LabelField: String] = [:], processID: Int? = nil, channels: Int = 0) {
    self.processID = processID
    self.channels = channels
    for (field, value) in values { self[field] = [value] }
  }

  public subscript(field: LabelField) -> [String] {
    get { values[field] ?? [] }
    set {
      let kept = newValue.lazy.filter { !$0.isEmpty }.prefix(Self.mostValues).map { Self.bounded($0) }
      values[field] = kept.isEmpty ? nil : Array(kept)
    }
  }

  /// What people call it: for lists, and to remember something of it.
  public var title: String {
    let order: [LabelField] = [
      .applicationName, .processBinary, .flatpakID, .portalAppID, .steamAppID, .nodeName, .mediaName,
    ]
    return order.lazy.compactMap { values[$0]?.first }.first ?? "unknown"
  }

  /// The key by which something is remembered of an application, the same for each of its streams.
  public var memoryKey: String {
    let order: [LabelField] = [.flatpakID, .portalAppID, .steamAppID, .processBinary, .applicationName, .nodeName]
    for field in order {
      if let value = values[field]?.first { return "\(field.rawValue):\(folded(value))" }
    }
    return ""
  }

  private static func bounded(_ value: String) -> String {
    value.utf8.count <= longestValue ? value : String(value.prefix(longestValue / 4))
  }
}

/// The form in which labels and patterns are compared.
func folded(_ text: String) -> String { text.lowercased() }
