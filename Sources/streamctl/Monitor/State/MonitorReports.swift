import AudioCore
import Control

// What the daemon says, taken in.
extension MonitorState {
  mutating func take(hello: JSONObject) {
    link = .connected
    daemon = Daemon()
    daemon.name = hello["name"]?.stringValue ?? "streamd"
    daemon.version = hello["version"]?.stringValue ?? ""
    (buses, nodes, sessionLevels, micLevels, talkerLevels) = ([], [], [:], [:], [:])
  }

  mutating func lose(_ reason: String, retry: HostTime) {
    if link == .connected { note("the daemon is gone: \(reason)", isTrouble: true) }
    link = .lost(reason, retry: retry)
    operations = []
    (sessions, talkers, streams, mic) = ([], [], [], nil)
    (buses, nodes, sessionLevels, micLevels, talkerLevels) = ([], [], [:], [:], [:])
    overlay = nil
  }

  mutating func take(description: JSON) {
    operations = Set(description["ops"]?.objectValue?.keys ?? [])
    if !panels.contains(focus) { focus = .sessions }
  }

  mutating func take(status: JSON) {
    daemon.state = status["state"]?.stringValue ?? ""
    daemon.version = status["version"]?.stringValue ?? daemon.version
    daemon.uptime = status["uptime_s"]?.doubleValue ?? 0
    daemon.backend = status["backend"]?.stringValue ?? ""
    daemon.profile = status["profile"]?.stringValue ?? status["profile"]?["name"]?.stringValue
    daemon.isBypassed = status["bypass"]?.boolValue
    daemon.problems = (status["problems"]?.arrayValue ?? []).map { problem in
      let hint = problem["hint"]?.stringValue.map { " (\($0))" } ?? ""
      return "\(problem["target"]?.plain ?? ""): \(problem["message"]?.plain ?? "")\(hint)"
    }
    sessions = (status["sessions"]?.arrayValue ?? []).map {
      Session(id: $0["session"]?.stringValue ?? "", report: $0)
    }
    mic = status["mic"].flatMap { $0.isNull ? nil : $0 }
    talkers = (mic?["mics"]?.arrayValue ?? []).map { Talker(id: $0["mic"]?.stringValue ?? "", report: $0) }
    if let list = status["streams"] { take(streams: list) }
  }

  /// `route.list`, or the streams of a status.
  mutating func take(streams answer: JSON) {
    let list = answer.arrayValue ?? answer["current"]?.arrayValue ?? answer["streams"]?.arrayValue ?? []
    streams = list.map { stream in
      Stream(
        id: (stream["node_id"] ?? stream["id"])?.plain ?? "", app: (stream["app"] ?? stream["name"])?.plain ?? "",
        route: (stream["route"] ?? stream["to"])?.plain ?? "", report: stream)
    }
  }

  mutating func take(profiles answer: JSON) {
    profiles = (answer["profiles"]?.arrayValue ?? []).map { profile in
      Profile(
        name: profile["name"]?.plain ?? profile.plain, isActive: profile["active"] == true,
        summary: profile["description"]?.stringValue ?? "")
    }
  }

  // MARK: Levels

  mutating func take(meters: JSON) {
    guard !isPaused else { return }
    measuredAt = now
    buses = levels(meters["buses"], "bus", after: buses)
    nodes = levels(meters["nodes"], "node", after: nodes)
    sessionLevels = table(meters["sessions"], "session", after: sessionLevels)
    micLevels = table(meters["mics"], "mic", after: micLevels)
    talkerLevels = table(meters["talkers"], "talker", after: talkerLevels)
  }

  private func table(_ list: JSON?, _ key: String, after old: [String: Levels]) -> [String: Levels] {
    let new = levels(list, key, after: Array(old.values))
    return Dictionary(new.map { ($0.id, $0) }) { first, _ in first }
  }

  private func levels(_ list: JSON?, _ key: String, after old: [Levels]) -> [Levels] {
    (list?.arrayValue ?? []).map { item in
      let id = item[key]?.plain ?? ""
      var levels = old.first { $0.id == id } ?? Levels(id: id)
      levels.kind = item["type"]?.stringValue ?? ""
      let labels = (item["channels"]?.arrayValue ?? []).map(\.plain)
      if levels.channels.map(\.label) != labels { levels.channels = labels.map { Channel(label: $0) } }
      for index in labels.indices {
        let peak = item["peak_dbfs"]?[index]?.doubleValue.map { Decibels($0) }
        levels.channels[index].meter.advance(to: peak, at: now)
        levels.channels[index].peak = peak
        levels.channels[index].rms = item["rms_dbfs"]?[index]?.doubleValue.map { Decibels($0) }
      }
      levels.figures = [:]
      for (name, value) in item.objectValue ?? [:] where name.hasUnit {
        if let number = value.doubleValue { levels.figures[name] = number }
      }
      return levels
    }
  }

  // MARK: Events

  mutating func take(_ event: ControlEvent) {
    if event.lost > 0, event.topic != "health" { note("\(event.lost) events of \(event.topic) were missed") }
    let data = event.data
    let word = { (key: String) in data[key]?.plain ?? "" }
    switch event.topic {
    case "meters": take(meters: data)
    case "log": note(word("message"), isTrouble: data["level"] == "warning")
    case "heals": note("\(word("target")) healed after \(word("interrupted_ms")) ms: \(word("message"))")
    case "session-ended": note("session \(word("session")) ended: \(word("reason"))", isTrouble: true)
    case "xrun": note("the graph's device lost sound: \(data.text)", isTrouble: true)
    case "health": daemon.state = data["state"]?.stringValue ?? daemon.state
    default: break
    }
  }
}

extension String {
  /// It ends in a unit of levels.
  fileprivate var hasUnit: Bool { ["_db", "_lufs", "_lu", "_dbtp", "_dbfs"].contains { hasSuffix($0) } }
}
