import AudioIO
import Control
import Policy
import Wiring
import Wording

/// Which applications captures hear that do not hear everybody, kept in line with the streams there are.
///
/// A stream is heard when its labels are known and allow it: for a few milliseconds of its beginning it may be missing, but
/// what is not to be captured is not captured for one cycle.
@ControlActor
final class AppFilters {
  private var filters: [AppChoice: SourceFilter] = [:]
  /// What each lets through now.
  private var heard: [AppChoice: Set<AppStream.ID>] = [:]

  var isEmpty: Bool { filters.isEmpty }

  func filter(for choice: AppChoice) -> SourceFilter {
    if let filter = filters[choice] { return filter }
    let hearsFeeds = Self.hearsFeeds(choice)
    let filter = SourceFilter(reachesOwnSinks: !hearsFeeds) { hearsFeeds && $0.isOurs }
    filters[choice] = filter
    return filter
  }

  /// Filters that no capture has any more are forgotten.
  func keep(_ choices: Set<AppChoice>) {
    filters = filters.filter { choices.contains($0.key) }
    heard = heard.filter { choices.contains($0.key) }
  }

  func update(_ rows: [StreamTable.Row]) {
    for (choice, filter) in filters {
      let hears = Self.law(choice)
      let allowed = Set(rows.filter { $0.stream.isComplete && hears($0) }.map(\.stream.id))
      guard allowed != heard[choice] else { continue }
      heard[choice] = allowed
      let hearsFeeds = Self.hearsFeeds(choice)
      filter.update { $0.isOurs ? hearsFeeds : allowed.contains($0.id) }
    }
  }

  /// What applications play comes out of our buses. Who chooses among them hears them before that, where they are apart.
  private static func hearsFeeds(_ choice: AppChoice) -> Bool {
    switch choice {
    case .everybody, .allowed: true
    case .only, .without: false
    }
  }

  /// Whether a stream is heard; its rule is read once for all of them.
  private static func law(_ choice: AppChoice) -> (StreamTable.Row) -> Bool {
    let isAllowed = { (row: StreamTable.Row) in row.decision?.route != .exclude }
    switch choice {
    case .everybody: return { _ in true }
    case .allowed: return isAllowed
    case .only(let text):
      let rule = AppRule(text)
      return { rule.matches($0.labels) }
    case .without(let text):
      let rule = AppRule(text)
      return { isAllowed($0) && !rule.matches($0.labels) }
    }
  }
}

/// A rule in one line: a name that an application goes by, or `field=pattern`; several with commas all have to fit.
struct AppRule {
  private let matches: [@Sendable (AppLabels) -> Bool]

  init(_ text: String) {
    matches = text.split(separator: ",").map { part in
      let words = part.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
      if words.count == 2, let field = LabelField(rawValue: words[0]) {
        let match = LabelMatch(texts: [field: [words[1]]])
        return { match.matches($0) }
      }
      guard let glob = Glob(String(part).trimmed) else { return { _ in false } }
      return { glob.names($0) }
    }
  }

  func matches(_ labels: AppLabels) -> Bool { !matches.isEmpty && matches.allSatisfy { $0(labels) } }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
