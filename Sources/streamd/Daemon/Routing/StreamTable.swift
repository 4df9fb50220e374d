import AudioCore
import AudioIO
import Policy

/// The streams there are, what they say of themselves, and where each is wanted. A value: what is done with it is
/// `RoutingRoom`'s.
struct StreamTable {
  struct Row {
    var stream: AppStream
    var labels: AppLabels
    var decision: RouteDecision?
    /// Nobody has been told of this decision yet.
    var isNews = true
  }

  private(set) var rows: [UInt32: Row] = [:]
  /// What the user said of single streams.
  private(set) var oneShots: [UInt32: Route] = [:]

  var all: [Row] { rows.values.sorted { $0.stream.id < $1.stream.id } }

  subscript(node: UInt32) -> Row? { rows[node] }

  /// Returns the rows of streams that have ended.
  mutating func take(_ change: AppStreamChange) -> [Row] {
    var ended: [Row] = []
    for id in change.removed where rows[id.node]?.stream.id == id {
      if let row = rows.removeValue(forKey: id.node) { ended.append(row) }
      oneShots[id.node] = nil
    }
    for stream in change.added + change.changed {
      // Whose a stream is may be told a moment after it is there.
      guard !stream.isOurs else {
        rows[stream.id.node] = nil
        continue
      }
      if let old = rows[stream.id.node], old.stream.id == stream.id {
        rows[stream.id.node]?.stream = stream
        guard old.stream.labels != stream.labels || old.stream.channels != stream.channels else { continue }
        rows[stream.id.node]?.labels = Self.labels(of: stream, known: old.labels)
      } else {
        oneShots[stream.id.node] = nil
        rows[stream.id.node] = Row(stream: stream, labels: Self.labels(of: stream, known: nil))
      }
    }
    return ended
  }

  mutating func clear() {
    rows = [:]
    oneShots = [:]
  }

  mutating func forgetDecisions() {
    oneShots = [:]
    for node in rows.keys { rows[node]?.decision = nil }
    rulesChanged()
  }

  mutating func set(_ route: Route?, for node: UInt32) { oneShots[node] = route }

  /// Every stream is to be told about anew.
  mutating func rulesChanged() {
    for node in rows.keys { rows[node]?.isNews = true }
  }

  /// Decides for every stream; the rows whose decision is another than before.
  mutating func decide(_ routing: Routing) -> [Row] {
    var routing = routing
    routing.streams = oneShots
    var news: [Row] = []
    for (node, row) in rows where row.stream.isComplete {
      let decision = routing.decide(row.labels, stream: node)
      guard decision != row.decision || row.isNews else { continue }
      let isOther = decision.route != row.decision?.route
      rows[node]?.decision = decision
      rows[node]?.isNews = false
      if isOther, let row = rows[node] { news.append(row) }
    }
    return news
  }

  private static func labels(of stream: AppStream, known: AppLabels?) -> AppLabels {
    func values(_ labels: AppLabel...) -> [String] { labels.compactMap { stream[$0] } }
    var result = AppLabels([:], channels: stream.channels.count)
    result[.processBinary] = values(.binary)
    result[.applicationName] = values(.applicationName)
    result[.portalAppID] = values(.portalID)
    result[.flatpakID] = values(.flatpakID, .applicationID)
    result[.steamAppID] = values(.steamID)
    result[.mediaRole] = values(.mediaRole)
    result[.mediaName] = values(.mediaName)
    result[.nodeName] = values(.nodeName)
    result.processID = (stream[.trustedProcessID] ?? stream[.processID]).flatMap { Int($0) }
    if let known, known.processID == result.processID {
      for field in [LabelField.cgroup, .parent] { result[field] = known[field] }
      if result[.flatpakID].isEmpty { result[.flatpakID] = known[.flatpakID] }
      if result[.steamAppID].isEmpty { result[.steamAppID] = known[.steamAppID] }
      return result
    }
    // A stream of the sound server's own bridges names its client's process itself.
    let pid = stream[.processID].flatMap { Int($0) } ?? result.processID
    guard let pid else { return result }
    let process = ProcessLabels(of: pid)
    result[.cgroup] = process.cgroup.map { [$0] } ?? []
    result[.parent] = process.parents
    if result[.flatpakID].isEmpty { result[.flatpakID] = process.flatpakID.map { [$0] } ?? [] }
    if result[.steamAppID].isEmpty { result[.steamAppID] = process.steamAppID.map { [$0] } ?? [] }
    return result
  }
}
