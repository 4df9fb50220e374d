import Control
import Testing

@testable import Headroom

@Suite struct EventTests {
  @Test func meters() throws {
    var conversation = try Conversation.open()
    try conversation.subscribes("meters")
    let frames = conversation.says([
      "event": "bus_meters", "rev": 4,
      "data": [
        "bus": "processed", "momentary_lufs": -18.5, "shortterm_lufs": .null, "integrated_lufs": -300,
        "true_peak_dbtp": -1.5, "agc_gain_db": 3.5, "compressor_gr_db": 2.0, "limiter_gr_db": 1.5, "agc_enabled": true,
        "compressor_enabled": false,
      ],
    ])
    #expect(
      frames == [
        [
          "event": "tick", "topic": "meters",
          "data": [
            "momentary_lufs": -18.5, "shortterm_lufs": -200.0, "integrated_lufs": -200.0, "true_peak_dbtp": -1.5,
            "gain_reduction_db": -3.5, "compressor_gr_db": -2.0, "limiter_gr_db": -1.5, "agc_gain_db": 3.5,
            "agc_enabled": true, "compressor_enabled": false,
          ],
        ]
      ])
    // Nothing to show without a bus.
    #expect(conversation.says(["event": "bus_meters", "rev": 5, "data": .null]).isEmpty)
    #expect(
      conversation.says([
        "event": "app_levels", "rev": 1,
        "data": ["node_id": 41, "app": "mpv", "volume_lin": 0.5, "reduction_db": 6.0],
      ]) == [
        [
          "event": "layer_a_level", "topic": "meters",
          "data": ["node_id": 41, "app": "mpv", "volume_lin": 0.5, "reduction_db": 6.0],
        ]
      ])
  }

  /// Our data, and the event's name and data.
  static let changes: [(ours: JSON, event: String, data: JSON)] = [
    (
      ["kind": "stream_routed", "node_id": 5, "app": "mpv", "to": "bus:film", "reason": "x"], "stream_routed",
      ["node_id": 5, "app": "mpv", "to": "processed"]
    ),
    (
      ["kind": "stream_routed", "node_id": 5, "app": "mpv", "to": "exclude"], "stream_routed",
      ["node_id": 5, "app": "mpv", "to": "bypass"]
    ),
    (["kind": "stream_removed", "node_id": 5], "stream_removed", ["node_id": 5]),
    (["kind": "layer_a_attached", "node_id": 5, "app": "mpv"], "layer_a_attached", ["node_id": 5, "app": "mpv"]),
    (["kind": "layer_a_detached", "node_id": 5], "layer_a_detached", ["node_id": 5]),
    (["kind": "rule_changed"], "rule_changed", [:]),
    (
      ["kind": "real_sink_changed", "name": "speakers", "node_id": 30], "real_sink_changed",
      ["name": "speakers", "node_id": 30]
    ),
  ]

  @Test(arguments: changes) func routing(ours: JSON, event: String, data: JSON) throws {
    var conversation = try Conversation.open()
    try conversation.subscribes("routing")
    let frames = conversation.says(["event": "routing", "rev": 1, "data": ours])
    #expect(frames == [["event": .string(event), "topic": "routing", "data": data]])
  }

  @Test func profiles() throws {
    var conversation = try Conversation.open()
    try conversation.subscribes("profile")
    func heard(_ data: JSON) -> [JSON] {
      conversation.says(["event": "profile", "rev": 1, "data": data])
    }
    #expect(
      heard(["kind": "used", "name": "night"]) == [["event": "used", "topic": "profile", "data": ["name": "night"]]])
    #expect(heard(["kind": "off"]) == [["event": "used", "topic": "profile", "data": ["name": ""]]])
    #expect(
      heard(["kind": "reloaded", "loaded": ["a"], "changed": []]) == [
        ["event": "reloaded", "topic": "profile", "data": ["loaded": ["a"]]]
      ])
    for kind in ["set", "cleared", "reset", "whatever is new"] { #expect(heard(["kind": .string(kind)]).isEmpty) }
  }

  @Test func onlyWhatWasSubscribedIsTold() throws {
    var conversation = try Conversation.open()
    let event: JSON = ["event": "routing", "rev": 1, "data": ["kind": "rule_changed"]]
    #expect(conversation.says(event).isEmpty)
    try conversation.subscribes("routing")
    #expect(conversation.says(event).count == 1)
    #expect(conversation.says(["event": "sessions", "rev": 1, "data": [:]]).isEmpty)
    #expect(conversation.says(["event": "routing", "rev": 1, "data": ["kind": "stream_held", "node_id": 5]]).isEmpty)
    _ = try conversation.plays("unsubscribe", ["topics": ["routing"]], answer: [:])
    #expect(conversation.says(event).isEmpty)
  }

  @Test func theDaemonIsToldOf() throws {
    var conversation = try Conversation.open()
    let words = conversation.dialect.take(
      frame: JSON.object(["id": 1, "op": "subscribe", "args": ["topics": ["daemon", "profile"]]]).bytes)
    let line = try JSON.parse(try #require(words.lines.first))
    #expect(line["args"] == ["topics": ["profile"]])
    let answered = conversation.dialect.take(
      line: JSON.object(["id": line["id"] ?? .null, "ok": true, "result": ["topics": [:]]]).bytes)
    #expect(
      try answered.frames.map { try JSON.parse($0) } == [["id": 1, "result": ["subscribed": ["daemon", "profile"]]]])
    let question = try JSON.parse(try #require(answered.lines.first))
    #expect(question["op"] == "status")
    #expect(
      conversation.says([
        "id": question["id"] ?? .null, "ok": true, "result": ["warnings": ["w"], "profile_missing": true],
      ]) == [
        [
          "event": "started", "topic": "daemon",
          "data": ["version": "1.2.3", "warnings": ["w"], "active_missing": true],
        ]
      ])
    let lost = conversation.says(["event": "profile", "rev": 9, "dropped": 3, "data": ["kind": "used", "name": "a"]])
    #expect(
      lost.first == [
        "event": "overflow", "topic": "daemon", "data": ["lost_topic": "profile", "lost": 3, "total_lost": 3],
      ])
    #expect(lost.count == 2)
    let again = conversation.says(["event": "profile", "rev": 12, "dropped": 2, "data": ["kind": "set"]])
    #expect(again.map { $0["data"]?["total_lost"] } == [5])
    let bye = conversation.dialect.take(line: JSON.object(["event": "bye", "reason": "terminated"]).bytes)
    #expect(bye.isLast)
    #expect(try bye.frames.map { try JSON.parse($0) } == [["event": "shutdown", "topic": "daemon", "data": [:]]])
  }

  @Test func goodbyesEndSilently() throws {
    var conversation = try Conversation.open()
    let bye = conversation.dialect.take(line: JSON.object(["event": "bye", "reason": "terminated"]).bytes)
    #expect(bye == DoorWords(isLast: true))
    try conversation.subscribes("daemon")
    let slow = conversation.dialect.take(line: JSON.object(["event": "bye", "reason": "slow_reader"]).bytes)
    #expect(slow == DoorWords(isLast: true))
  }
}
