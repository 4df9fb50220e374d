import Control
import Testing

@testable import Headroom

@Suite struct OperationTests {
  @Test func thereAreTwentyTwo() {
    #expect(
      Set(HeadroomOperation.all.map(\.name)) == [
        "status", "profile.list", "profile.use", "profile.show", "profile.reload", "route.list", "route.set",
        "route.unset", "route.stream", "setting.get", "setting.set", "setting.list", "setting.clear", "setting.reset",
        "bypass.set", "per-app.list", "per-app.set", "per-app.master", "per-app.reset", "subscribe", "unsubscribe",
        "hello",
      ])
    #expect(HeadroomOperation.all.count == 22)
  }

  @Test func nothingIsTakenBeforeTheDaemonHasSpoken() throws {
    var conversation = Conversation()
    #expect(conversation.dialect.isReady == false)
    let frames = conversation.says(["event": "hello", "version": "1.2.3", "protocol": ["major": 1]])
    #expect(
      frames == [
        [
          "event": "hello", "topic": "control",
          "data": ["daemon": "headroom", "version": "1.2.3", "protocol": 1],
        ]
      ])
    #expect(conversation.dialect.isReady == true)
    let (lines, heard) = try conversation.asks(["id": 7, "op": "hello", "args": ["protocol": 1]])
    #expect(lines.isEmpty)
    #expect(heard == [["id": 7, "result": ["daemon": "headroom", "version": "1.2.3", "protocol": 1]]])
  }

  /// Each with what the daemon is asked, as `op` and `args`.
  static let silent: [(op: String, args: JSON)] = [
    ("route.set", ["app": "mpv", "to": "bypass"]), ("route.unset", ["app": "mpv"]),
    ("route.stream", ["node_id": 41, "to": "processed"]), ("setting.set", ["key": "agc.enabled", "value": false]),
    ("bypass.set", ["enabled": true]), ("per-app.set", ["app": "mpv", "enabled": true]),
    ("per-app.master", ["enabled": false]), ("per-app.reset", ["node_id": 41]),
  ]

  @Test(arguments: silent) func whatIsDoneIsAnsweredWithNull(op: String, args: JSON) throws {
    var conversation = try Conversation.open()
    let (asked, heard) = try conversation.plays(op, args, answer: ["key": "k", "value": 1])
    #expect(asked["op"] == .string(op) && asked["args"] == args)
    #expect(heard == .null)
  }

  @Test func statusHasItsMembers() throws {
    var conversation = try Conversation.open()
    let ours: JSON = [
      "name": "streamd", "version": "1.2.3", "uptime_s": 61.7, "profile": "night", "bypass": false, "per_app": true,
      "sinks": [
        "processed": ["node_id": 33, "name": "streamd.processed", "ready": true, "sample_rate": 48_000],
        "real": ["node_id": 30, "name": "speakers", "ready": true],
      ],
      "streams": [["node_id": 41, "app": "mpv", "route": "bus:film", "reason": "rule", "sinks": ["x"]]],
      "layer_a": [
        [
          "node_id": 41, "app": "mpv", "managed": true, "volume_lin": 0.5, "reduction_db": 6.0, "deferred": false,
          "user_ceiling_lin": 0.9,
        ]
      ], "warnings": ["w"], "setting_overrides": ["agc.enabled": false], "sessions": [],
    ]
    let (asked, heard) = try conversation.plays("status", answer: ours)
    #expect(asked["op"] == "status")
    #expect(
      heard == [
        "version": "1.2.3", "protocol": 1, "uptime_s": 61, "profile": "night", "bypass": false, "per_app": true,
        "sinks": ours["sinks"] ?? .null, "streams": [["node_id": 41, "app": "mpv", "route": "processed"]],
        "layer_a": ours["layer_a"] ?? .null, "warnings": ["w"], "setting_overrides": ["agc.enabled": false],
      ])
    // Without a profile in use every member still has its type.
    let (_, empty) = try conversation.plays("status", answer: ["uptime_s": 0, "profile": .null, "bypass": false])
    #expect(
      empty == [
        "version": "1.2.3", "protocol": 1, "uptime_s": 0, "profile": "", "bypass": false, "per_app": false,
        "sinks": ["processed": ["ready": false], "real": ["ready": false]], "streams": [], "layer_a": [],
        "warnings": [], "setting_overrides": [:],
      ])
  }

  @Test func profiles() throws {
    var conversation = try Conversation.open()
    let (_, list) = try conversation.plays(
      "profile.list",
      answer: [
        "profiles": [["name": "night", "active": true, "description": "low", "origin": "shipped"]], "warnings": [],
      ])
    #expect(list == ["profiles": [["name": "night", "active": true, "description": "low"]]])
    let (used, use) = try conversation.plays(
      "profile.use", ["name": "night"], answer: ["name": "night", "change": "structure"])
    #expect(used["args"] == ["name": "night"] && use == ["name": "night"])
    let (shown, show) = try conversation.plays(
      "profile.show", ["name": .null],
      answer: [
        "name": "night", "agc": ["enabled": true], "default_route": ["route": "exclude"],
        "rules": [["match": ["media_role": ["Game"]], "match_text": "x", "route": "bus:voice"]],
      ])
    #expect(shown["args"] == [:])
    #expect(
      show == [
        "name": "night", "agc": ["enabled": true], "default_route": ["route": "bypass"],
        "rules": [["match": ["media_role": ["Game"]], "route": "processed"]],
      ])
    let (_, reload) = try conversation.plays(
      "profile.reload", answer: ["reloaded": ["a"], "changed": [], "warnings": ["w"]])
    #expect(reload == ["reloaded": ["a"], "warnings": ["w"]])
  }

  @Test func routesAndLevels() throws {
    var conversation = try Conversation.open()
    let (_, routes) = try conversation.plays(
      "route.list",
      answer: [
        "rules": [["match": ["process_binary": ["mpv"]], "match_text": "x", "route": "bypass"]],
        "overrides": [["app": "mpv", "to": "processed"]], "default_route": .null,
        "current": [["node_id": 5, "app": "mpv", "route": "exclude", "state": "running"]],
      ])
    #expect(
      routes == [
        "rules": [["match": ["process_binary": ["mpv"]], "route": "bypass"]],
        "current": [["node_id": 5, "app": "mpv", "route": "bypass"]], "default_route": "bypass",
      ])
    let (_, levels) = try conversation.plays("per-app.list", answer: ["layer_a": []])
    #expect(levels == ["layer_a": []])
  }

  @Test func settings() throws {
    var conversation = try Conversation.open()
    let (asked, get) = try conversation.plays(
      "setting.get", ["key": "limiter.ceiling_dbtp"],
      answer: ["key": "limiter.ceiling_dbtp", "value": -1.0, "origin": "built-in"])
    #expect(asked["args"] == ["key": "limiter.ceiling_dbtp"])
    #expect(get == ["key": "limiter.ceiling_dbtp", "value": -1.0])
    let (_, list) = try conversation.plays(
      "setting.list",
      answer: [
        "settings": ["agc.enabled": false],
        "origins": [
          ["key": "agc.enabled", "value": false, "origin": "override"],
          ["key": "name", "value": "night", "origin": "night.toml:1"],
        ], "notes": [],
      ])
    #expect(list == ["settings": ["agc.enabled": false, "name": "night"]])
    let (_, clear) = try conversation.plays(
      "setting.clear", ["key": "agc.enabled"], answer: ["key": "agc.enabled", "cleared": true])
    #expect(clear == ["key": "agc.enabled", "cleared": true])
    let (_, reset) = try conversation.plays("setting.reset", answer: ["cleared": 3])
    #expect(reset == ["cleared": 3])
  }

  @Test func subscriptionsNameOurTopics() throws {
    var conversation = try Conversation.open()
    let (asked, heard) = try conversation.plays(
      "subscribe", ["topics": ["meters", "routing", "meters"]], answer: ["topics": [:]])
    #expect(asked["op"] == "subscribe" && asked["args"] == ["topics": ["bus_meters", "app_levels", "routing"]])
    #expect(heard == ["subscribed": ["meters", "routing"]])
    let (ended, unheard) = try conversation.plays(
      "unsubscribe", ["topics": ["meters"]], answer: ["topics": ["routing"]])
    #expect(ended["op"] == "unsubscribe" && ended["args"] == ["topics": ["bus_meters", "app_levels"]])
    #expect(unheard == ["unsubscribed": ["meters"]])
    for wrong: JSON in [["control"], ["metres"], [7], "meters", .array(Array(repeating: "meters", count: 33))] {
      let (lines, frames) = try conversation.asks(["id": 9, "op": "subscribe", "args": ["topics": wrong]])
      #expect(lines.isEmpty)
      #expect(frames.first?["id"] == 9 && frames.first?["error"]?["code"] == "INVALID_ARGS", "\(wrong)")
    }
  }
}
