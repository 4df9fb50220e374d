import AudioCore
import Control
import Testing

@testable import streamctl

/// What keys ask the daemon for.
@Suite struct MonitorKeyTests {
  private func request(_ state: inout MonitorState, _ key: MonitorKey) -> MonitorRequest? {
    if case .request(let request) = state.press(key) { request } else { nil }
  }

  @Test func gainAndMuteOfTheChosenSession() throws {
    var state = MonitorRig.state()
    state.focus = .sessions
    #expect(request(&state, .character("+"))?.arguments == ["session": "s1", "gain_db": -5.0])
    #expect(request(&state, .character("+"))?.arguments == ["session": "s1", "gain_db": -4.0])
    _ = state.press(.down)
    #expect(request(&state, .character("-"))?.arguments == ["session": "s2", "gain_db": -1.0])
    let mute = try #require(request(&state, .character("m")))
    #expect(mute.op == "session.update" && mute.arguments == ["session": "s2", "mute": false])
    // Never beyond what the operation takes.
    state.sessions[1].report = ["session": "s2", "gain_db": 20.0]
    #expect(request(&state, .character("+"))?.arguments["gain_db"] == 20.0)
  }

  @Test func mutesTalkersAndEverybody() {
    var state = MonitorRig.state()
    state.focus = .mic
    #expect(request(&state, .character("m"))?.arguments == ["muted": true])
    _ = state.press(.character("j"))
    #expect(request(&state, .character("m"))?.arguments == ["mic": "m1", "muted": true])
  }

  @Test func whatTheDaemonLacksIsSaid() {
    var state = MonitorRig.state()
    state.focus = .levels
    for (key, word) in [("b", "bypass.set"), ("P", "profile.list"), ("c", "setting.reset"), ("r", "route.set")] {
      #expect(request(&state, .character(Character(key))) == nil)
      #expect(state.message == "this daemon has no \(word)")
    }
    _ = state.press(.character("Z"))
    #expect(state.message?.contains("?") == true)
    state.lose("gone", retry: state.now)
    #expect(request(&state, .character("m")) == nil && state.message == "the daemon is gone")
  }

  @Test func routesProfilesAndBypass() {
    var state = MonitorRig.state(MonitorRig.allOperations)
    state.focus = .streams
    #expect(request(&state, .character("r"))?.arguments == ["app": "Firefox", "to": "bypass"])
    _ = state.press(.down)
    #expect(request(&state, .enter)?.arguments == ["app": "game", "to": "processed"])
    #expect(request(&state, .character("b"))?.arguments == ["enabled": true])
    state.daemon.isBypassed = true
    #expect(request(&state, .character("b"))?.arguments == ["enabled": false])
    #expect(request(&state, .character("c"))?.op == "setting.reset")
    #expect(request(&state, .character("P"))?.purpose == .profiles)
    state.choose(among: ["profiles": [["name": "default"], ["name": "quiet-hours", "active": true]]])
    #expect(state.overlay == .profiles(selected: 1))
    _ = state.press(.up)
    let use = request(&state, .enter)
    #expect(use?.op == "profile.use" && use?.arguments == ["name": "default"] && state.overlay == nil)
  }

  @Test func panelsTurnAndOverlaysClose() {
    var state = MonitorRig.state()
    #expect(state.panels == [.levels, .sessions, .mic, .events])
    state.focus = .events
    _ = state.press(.tab)
    #expect(state.focus == .levels)
    _ = state.press(.backTab)
    #expect(state.focus == .events)
    _ = state.press(.character("?"))
    #expect(state.overlay == .help && state.press(.character("q")) == .nothing && state.overlay == nil)
    state.focus = .sessions
    _ = state.press(.character("d"))
    guard case .details(_, let lines, _) = state.overlay else {
      Issue.record("no details")
      return
    }
    #expect(lines.contains("sent.packets: 123456") && lines.contains("gain_db: -6.0"))
    #expect(state.press(.escape) == .nothing && state.press(.character("q")) == .quit)
    #expect(state.press(.redraw) == .redraw)
  }

  @Test func pausedMetersStandStill() {
    var state = MonitorRig.state()
    _ = state.press(.character("p"))
    let before = state.buses
    state.take(meters: ["buses": []])
    #expect(state.buses == before && MonitorRig.lines(state, 80, 24)[0].contains("PAUSED"))
  }

  @Test func eventsBecomeLines() throws {
    var state = MonitorState()
    let event = { (line: JSONObject) in ControlEvent(line)! }
    state.take(event(["event": "log", "rev": 1, "dropped": 3, "data": ["level": "warning", "message": "it broke"]]))
    state.take(
      event([
        "event": "heals", "rev": 1,
        "data": ["target": "default-sink", "interrupted_ms": 21.5, "message": "the device is back"],
      ]))
    #expect(
      state.events.map(\.text) == [
        "default-sink healed after 21.5 ms: the device is back", "it broke", "3 events of log were missed",
      ])
    #expect(state.events[1].isTrouble)
    for number in 0..<500 { state.note("\(number)") }
    #expect(state.events.count == MonitorState.eventLimit)
  }

  @Test func comingBackTakesEverLonger() {
    let pauses = (1...8).map { Int(MonitorLink.pause(after: $0).milliseconds) }
    #expect(pauses == [250, 500, 1000, 2000, 4000, 5000, 5000, 5000])
  }
}
