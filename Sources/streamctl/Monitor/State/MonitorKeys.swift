import AudioCore
import Control

// What keys do. Pure but for the state.
extension MonitorState {
  mutating func press(_ key: MonitorKey) -> MonitorAction {
    if let overlay { return press(key, in: overlay) }
    switch key {
    case .character("q"), .escape: return .quit
    case .character("?"): overlay = .help
    case .character("j"), .down: move(by: 1)
    case .character("k"), .up: move(by: -1)
    case .pageDown: move(by: 10)
    case .pageUp: move(by: -10)
    case .home: selected[focus] = 0
    case .end: selected[focus] = max(count(in: focus) - 1, 0)
    case .tab, .right, .character("l"): turn(by: 1)
    case .backTab, .left, .character("h"): turn(by: -1)
    case .character("p"):
      isPaused.toggle()
      say(isPaused ? "paused: meters stand still" : "meters go on")
    case .character("d"): openDetails()
    case .redraw: return .redraw
    case .resized: break
    default: return command(key)
    }
    return .nothing
  }

  private mutating func move(by step: Int) {
    selected[focus] = min(max(selection(in: focus) + step, 0), max(count(in: focus) - 1, 0))
  }

  private mutating func turn(by step: Int) {
    let all = panels
    let place = all.firstIndex(of: focus) ?? 0
    focus = all[(place + step + all.count) % all.count]
  }

  // MARK: Commands

  private mutating func command(_ key: MonitorKey) -> MonitorAction {
    guard case .connected = link else { return refuse("the daemon is gone") }
    switch key {
    case .character("+"), .character("="): return gain(by: 1)
    case .character("-"): return gain(by: -1)
    case .character("m"): return mute()
    case .enter where focus != .streams:
      openDetails()
      return .nothing
    case .character("r"), .enter: return route()
    case .character("a"): return perApplication()
    case .character("x"): return ask("per-app.reset", ["node_id": chosenStream?.report["node_id"] ?? .null], "reset")
    case .character("b"):
      let isOn = daemon.isBypassed == true
      return ask("bypass.set", ["enabled": .bool(!isOn)], isOn ? "processed again" : "bypass: nothing is processed")
    case .character("P"):
      guard operations.contains("profile.list") else { return refuse("this daemon has no profile.list") }
      return .request(MonitorRequest(op: "profile.list", purpose: .profiles))
    case .character("c"): return ask("setting.reset", [:], "overrides cleared")
    case .character(let character): return refuse("no key \(character): ? shows them")
    default: return .nothing
    }
  }

  private mutating func refuse(_ text: String) -> MonitorAction {
    say(text)
    return .nothing
  }

  private mutating func ask(_ op: String, _ arguments: JSONObject, _ done: String) -> MonitorAction {
    guard operations.contains(op) else { return refuse("this daemon has no \(op)") }
    return .request(MonitorRequest(op: op, arguments: arguments, purpose: .change(done)))
  }

  private mutating func gain(by step: Double) -> MonitorAction {
    guard focus == .sessions, let index = chosenSession else { return refuse("gain: choose a session first (Tab)") }
    let session = sessions[index]
    let gain = min(max(session.gain + step, -120), 20)
    // At once, for the next press.
    if var report = session.report.objectValue {
      report["gain_db"] = JSON(gain)
      sessions[index].report = .object(report)
    }
    return ask(
      "session.update", ["session": .string(session.id), "gain_db": JSON(gain)], "\(session.id): \(fixed(gain, 1)) dB")
  }

  private mutating func mute() -> MonitorAction {
    switch focus {
    case .sessions:
      guard let index = chosenSession else { return refuse("no session is open") }
      let session = sessions[index]
      return ask(
        "session.update", ["session": .string(session.id), "mute": .bool(!session.isMuted)],
        "\(session.id) \(session.isMuted ? "is heard" : "is muted")")
    case .mic:
      guard let mic else { return refuse("this daemon has no microphone") }
      let place = selection(in: .mic)
      guard place > 0, talkers.indices.contains(place - 1) else {
        let isMuted = mic["muted"] == true
        return ask("mic.update", ["muted": .bool(!isMuted)], isMuted ? "talkers are heard" : "everybody is muted")
      }
      let talker = talkers[place - 1]
      return ask(
        "mic.update", ["mic": .string(talker.id), "muted": .bool(!talker.isMuted)],
        "\(talker.id) \(talker.isMuted ? "is heard" : "is muted")")
    default: return refuse("mute: choose a session or a talker first (Tab)")
    }
  }

  private mutating func route() -> MonitorAction {
    guard operations.contains("route.set") else { return refuse("this daemon has no route.set") }
    guard focus == .streams, let stream = chosenStream else {
      return refuse("route: choose an application first (Tab)")
    }
    let to = stream.route == "bypass" ? "processed" : "bypass"
    return ask("route.set", ["app": .string(stream.app), "to": .string(to)], "\(stream.app): \(to)")
  }

  private mutating func perApplication() -> MonitorAction {
    guard let stream = chosenStream else { return refuse("choose an application first (Tab)") }
    let isManaged = stream.report["managed"] == true
    return ask(
      "per-app.set", ["app": .string(stream.app), "enabled": .bool(!isManaged)],
      "\(stream.app): \(isManaged ? "left alone" : "levels are held")")
  }

  private var chosenSession: Int? { sessions.isEmpty ? nil : selection(in: .sessions) }
  private var chosenStream: Stream? { streams.isEmpty ? nil : streams[selection(in: .streams)] }

  // MARK: Overlays

  private mutating func openDetails() {
    let place = selection(in: focus)
    var report: JSON?
    var title = ""
    switch focus {
    case .sessions where !sessions.isEmpty: (title, report) = ("Session \(sessions[place].id)", sessions[place].report)
    case .mic where place > 0 && talkers.indices.contains(place - 1):
      (title, report) = ("Talker \(talkers[place - 1].id)", talkers[place - 1].report)
    case .mic: (title, report) = ("Microphone", mic)
    case .streams where !streams.isEmpty: (title, report) = (streams[place].app, streams[place].report)
    case .events where !events.isEmpty: (title, report) = (events[place].clock, .string(events[place].text))
    case .levels where count(in: .levels) > 0:
      let levels = (buses + nodes)[place]
      overlay = .details(title: levels.id, lines: Self.lines(levels), from: 0)
      return
    default: break
    }
    guard let report else { return say("there is nothing to show details of") }
    overlay = .details(title: title, lines: report.detailLines, from: 0)
  }

  private static func lines(_ levels: Levels) -> [String] {
    levels.channels.map { channel in
      "\(channel.label)  peak \(MeterBar.number(channel.peak))  rms \(MeterBar.number(channel.rms))  highest "
        + "\(MeterBar.number(channel.meter.hold)) dBFS"
    } + levels.figures.keys.sorted().map { "\($0)  \(fixed(levels.figures[$0] ?? 0, 2))" }
  }

  private mutating func press(_ key: MonitorKey, in overlay: Overlay) -> MonitorAction {
    switch (overlay, key) {
    case (_, .character("q")), (_, .escape): self.overlay = nil
    case (_, .redraw): return .redraw
    case (.details(let title, let lines, let from), .down), (.details(let title, let lines, let from), .character("j")):
      self.overlay = .details(title: title, lines: lines, from: min(from + 1, max(lines.count - 1, 0)))
    case (.details(let title, let lines, let from), .up), (.details(let title, let lines, let from), .character("k")):
      self.overlay = .details(title: title, lines: lines, from: max(from - 1, 0))
    case (.profiles(let place), .down), (.profiles(let place), .character("j")):
      self.overlay = .profiles(selected: min(place + 1, max(profiles.count - 1, 0)))
    case (.profiles(let place), .up), (.profiles(let place), .character("k")):
      self.overlay = .profiles(selected: max(place - 1, 0))
    case (.profiles(let place), .enter):
      self.overlay = nil
      guard profiles.indices.contains(place) else { return .nothing }
      return ask("profile.use", ["name": .string(profiles[place].name)], "profile \(profiles[place].name)")
    case (.help, _), (.details, .character("d")), (.details, .enter), (.profiles, .character("P")): self.overlay = nil
    default: break
    }
    return .nothing
  }

  /// The answer to `profile.list`.
  mutating func choose(among answer: JSON) {
    take(profiles: answer)
    overlay = .profiles(selected: profiles.firstIndex { $0.isActive } ?? 0)
  }
}

extension JSON {
  /// `name: value`, one a line, what is nested by its path.
  var detailLines: [String] { lines(at: "") }

  private func lines(at path: String) -> [String] {
    switch self {
    case .object(let members):
      return members.flatMap { name, value in value.lines(at: path.isEmpty ? name : "\(path).\(name)") }
    case .array(let values) where values.contains { $0.objectValue != nil }:
      return values.enumerated().flatMap { index, value in value.lines(at: "\(path).\(index + 1)") }
    case .array(let values): return ["\(path): " + values.map(\.plain).joined(separator: " ")]
    default: return [path.isEmpty ? plain : "\(path): \(plain)"]
    }
  }
}
