public import Wording

/// Which applications are meant: any of a field's patterns fits, and so in every field that has some. Without any, all.
public struct LabelMatch: Sendable, Hashable {
  public static let everything = LabelMatch([:])
  /// In one field.
  public static let mostPatterns = 256

  public let patterns: [LabelField: [Glob]]

  public init(_ patterns: [LabelField: [Glob]]) {
    self.patterns = patterns.filter { !$0.value.isEmpty }
  }

  /// Patterns that are none are left out.
  public init(texts: [LabelField: [String]]) {
    self.init(texts.mapValues { $0.compactMap { Glob($0) } })
  }

  public func matches(_ labels: AppLabels) -> Bool {
    patterns.allSatisfy { field, globs in
      labels[field].contains { value in globs.contains { $0.matches(value) } }
    }
  }
}

extension LabelMatch: CustomStringConvertible {
  public var description: String {
    guard !patterns.isEmpty else { return "everything" }
    return patterns.sorted { $0.key < $1.key }.map { field, globs in
      "\(field.rawValue) = " + globs.map(\.text).joined(separator: " | ")
    }.joined(separator: ", ")
  }
}
