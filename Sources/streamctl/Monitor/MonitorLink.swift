import AudioCore
import Control

/// The monitor's connection: asks without waiting for answers, and comes back by itself.
struct MonitorLink {
  /// What came of a turn.
  enum News {
    case hello(JSONObject)
    case answer(MonitorRequest, JSON)
    case refused(MonitorRequest, String)
    case event(ControlEvent)
    case lost(String)
  }

  private let path: String
  private var client: ControlClient?
  private var waiting: [Int: MonitorRequest] = [:]
  private var lastID = 0
  private var failures = 0
  private(set) var retryAt = HostTime(nanoseconds: 0)

  init(path: String) { self.path = path }

  var isConnected: Bool { client != nil }

  /// The first attempts come quickly, later ones every five seconds.
  static func pause(after failures: Int) -> HostDuration {
    .milliseconds(min(250 << Int64(min(max(failures - 1, 0), 5)), 5000))
  }

  /// Whether such a request is under way.
  func isWaiting(for purpose: MonitorRequest.Purpose) -> Bool { waiting.values.contains { $0.purpose == purpose } }

  /// Connects when that is due.
  mutating func connect(at now: HostTime) -> News? {
    guard client == nil, now >= retryAt else { return nil }
    do throws(ControlClientError) {
      let made = try ControlClient(path: path, timeout: .milliseconds(500))
      client = made
      failures = 0
      return .hello(made.hello)
    } catch { return lose(error.description, at: now) }
  }

  mutating func send(_ request: MonitorRequest, at now: HostTime) -> News? {
    guard let client else { return nil }
    lastID += 1
    let line: JSON = [
      "id": JSON(lastID), "op": .string(request.op), "args": .object(request.arguments),
    ]
    do throws(ControlClientError) {
      try client.send(line: line.text, timeout: .seconds(1))
      waiting[lastID] = request
      return nil
    } catch { return lose(error.description, at: now) }
  }

  /// The next thing that was said within `timeout`.
  mutating func receive(timeout: HostDuration, at now: HostTime) -> News? {
    guard let client else { return nil }
    do throws(ControlClientError) {
      while let text = try client.receiveLine(timeout: .nanoseconds(max(timeout.nanoseconds, 0))) {
        guard let line = try? JSON.parse(text), let members = line.objectValue else {
          return lose("what it says makes no sense", at: now)
        }
        if let event = ControlEvent(members) {
          guard event.topic == "bye" else { return .event(event) }
          return lose(members["reason"]?.plain ?? "it closed the connection", at: now)
        }
        guard let id = members["id"]?.intValue, let request = waiting.removeValue(forKey: id) else { continue }
        if members["ok"] == true { return .answer(request, members["result"] ?? .null) }
        let error = members["error"] ?? .null
        let hint = error["hint"]?.stringValue.map { " (\($0))" } ?? ""
        return .refused(request, (error["message"]?.plain ?? "refused") + hint)
      }
      return nil
    } catch { return lose(error.description, at: now) }
  }

  private mutating func lose(_ reason: String, at now: HostTime) -> News {
    client = nil
    waiting = [:]
    failures += 1
    retryAt = now + Self.pause(after: failures)
    return .lost(reason)
  }
}
