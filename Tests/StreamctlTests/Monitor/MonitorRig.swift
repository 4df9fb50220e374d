import AudioCore
import Control

@testable import streamctl

/// States as a daemon makes them.
enum MonitorRig {
  static let status: JSON = [
    "name": "streamd", "version": "0.1.0", "state": "ok", "uptime_s": 3725.4, "backend": "pipewire", "problems": [],
    "sessions": [
      [
        "session": "s1", "name": "tv-room", "to": "192.0.2.7:5004", "state": "live", "target": "default-sink",
        "bus": "",
        "channels": 2, "bitrate": 96000, "frame_ms": 10.0, "gain_db": -6.0, "muted": false,
        "sent": ["packets": 123_456, "errors": 0, "encode_errors": 0], "capture": ["gaps": 3],
      ],
      [
        "session": "s2", "name": "", "to": "192.0.2.9:5004", "state": "silent", "target": "bus:main", "bus": "main",
        "channels": 6, "bitrate": 576_000, "frame_ms": 2.5, "gain_db": 0.0, "muted": true,
        "sent": ["packets": 99, "errors": 2, "encode_errors": 0], "capture": ["gaps": 0],
      ],
    ],
    "mic": [
      "state": "live", "source": "streamd.mic", "muted": false, "recorders": 1,
      "mics": [
        [
          "mic": "m1", "name": "anna", "protocol": "sealed", "state": "playing", "muted": false, "buffer_ms": 20.5,
          "ppm": -12.4, "lost": 7, "late": 1,
        ]
      ],
    ],
  ]

  static let meters: JSON = [
    "time_ns": 1, "span_ms": 40.0,
    "buses": [
      ["bus": "default-sink", "channels": ["FL", "FR"], "peak_dbfs": [-18.0, -3.0], "rms_dbfs": [-21.0, -12.0]]
    ],
    "sessions": [
      ["session": "s1", "channels": ["FL", "FR"], "peak_dbfs": [-24.0, -9.5], "rms_dbfs": [-27.0, -18.0]]
    ],
    "mics": [["mic": "streamd.mic", "channels": ["MONO"], "peak_dbfs": [-30.0], "rms_dbfs": [-33.0]]],
    "talkers": [["talker": "m1", "channels": ["MONO"], "peak_dbfs": [-30.0], "rms_dbfs": [-33.0]]],
    "nodes": [
      ["node": "limit", "type": "limiter", "reduction_db": 6.0],
      [
        "node": "ears", "type": "loudness", "momentary_lufs": -18.2, "short_term_lufs": -19.0, "integrated_lufs": -20.1,
        "true_peak_dbtp": -1.2,
      ],
    ],
  ]

  static let operations: Set<String> = ["status", "session.update", "mic.update"]
  static let allOperations = operations.union([
    "route.list", "route.set", "bypass.set", "profile.list", "profile.use", "setting.reset", "per-app.set",
    "per-app.reset",
  ])

  static func state(_ operations: Set<String> = operations) -> MonitorState {
    var state = MonitorState()
    state.now = HostTime(nanoseconds: 60_000_000_000)
    state.clock = "12:34:56"
    state.take(hello: ["name": "streamd", "version": "0.1.0"])
    state.take(description: ["ops": .object(JSONObject(operations.map { ($0, JSON.null) }))])
    state.take(status: status)
    state.take(meters: meters)
    state.note("session s1 open", isTrouble: false)
    state.note("capture default-sink: waiting", isTrouble: true)
    if operations.contains("route.list") {
      state.take(streams: [
        "rules": [],
        "current": [
          ["node_id": 57, "app": "Firefox", "route": "processed"], ["node_id": 61, "app": "game", "route": "bypass"],
        ],
      ])
    }
    return state
  }

  static func lines(_ state: MonitorState, _ columns: Int, _ rows: Int, _ glyphs: Glyphs = .unicode) -> [String] {
    MonitorLayout.draw(state, ScreenSize(rows: rows, columns: columns), glyphs).lines
  }
}
