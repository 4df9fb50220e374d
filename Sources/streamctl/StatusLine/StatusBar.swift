import AudioCore
import Control

/// Writes the line again and again, for bars that read an endless program. It says when the daemon is gone and comes back by
/// itself; it ends when nobody reads any more.
struct StatusBar {
  private let path: String
  private let format: StatusLine.Format
  private let interval: HostDuration
  private let rate: Double
  private var client: ControlClient?
  private var failures = 0
  private var retryAt = HostTime(nanoseconds: 0)
  private var facts = StatusFacts.gone("not yet asked")
  private var last: String?

  init(path: String, format: StatusLine.Format, rate: Double) {
    self.path = path
    self.format = format
    self.rate = rate
    interval = HostDuration(nanoseconds: Int64(1e9 / rate))
  }

  mutating func run() -> ExitStatus {
    var due = renderNow()
    while true {
      look(at: renderNow())
      let line = StatusLine.line(facts, format)
      // What has not changed is on the bar already; records of a stream are each worth a line.
      if line != last || format == .jsonl {
        guard Pipe.write(line + "\n") else { return .ok }
        last = line
      } else if Pipe.isClosed {
        return .ok
      }
      due = max(due + interval, renderNow())
      guard !wait(until: due) else { return .ok }
    }
  }

  private mutating func look(at now: HostTime) {
    do throws(ControlClientError) {
      let client = try connected(at: now)
      guard let client else { return }
      let peak = facts.absence == nil ? facts.peak : nil
      facts = StatusFacts(status: try client.request("status", timeout: .seconds(2)))
      facts.peak = peak
      while let event = try client.nextEvent(timeout: .zero) {
        if event.topic == "bye" { throw .closed(reason: event.line["reason"]?.stringValue) }
        if event.topic == "meters" { facts.hear(event.data) }
      }
    } catch {
      client = nil
      failures += 1
      retryAt = now + MonitorLink.pause(after: failures)
      facts = .gone(error.description)
    }
  }

  private mutating func connected(at now: HostTime) throws(ControlClientError) -> ControlClient? {
    if let client { return client }
    guard now >= retryAt else { return nil }
    let made = try ControlClient(path: path, timeout: .milliseconds(500))
    // An older daemon has no meters: then the line has no level.
    let arguments: JSONObject = ["topics": ["meters"], "rate": JSON(max(rate, 1))]
    do throws(ControlClientError) { _ = try made.request("subscribe", arguments) } catch {
      guard case .refused = error else { throw error }
    }
    client = made
    failures = 0
    return made
  }

  /// Collects levels; true when a signal or the bar's end says that it is enough.
  private mutating func wait(until due: HostTime) -> Bool {
    facts.peak = nil
    while renderNow() < due {
      let left = min(due - renderNow(), HostDuration.milliseconds(500))
      do throws(ControlClientError) {
        if let client {
          guard let event = try client.nextEvent(timeout: .nanoseconds(max(left.nanoseconds, 0))) else {
            if Pipe.isClosed { return true }
            continue
          }
          if event.topic == "bye" { throw .closed(reason: event.line["reason"]?.stringValue) }
          if event.topic == "meters" { facts.hear(event.data) }
        } else {
          Pause.sleep(left)
          if Pipe.isClosed { return true }
        }
      } catch {
        client = nil
        facts = .gone(error.description)
        retryAt = renderNow() + MonitorLink.pause(after: 1)
        return false
      }
    }
    return false
  }
}
