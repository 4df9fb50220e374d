import Control
import Testing

@testable import streamctl

@Suite struct MicStatusTests {
  private static let mic: JSON = [
    "state": "live", "source": "streamd.microphone", "recorders": 1, "level_dbfs": -20.04,
    "mics": [
      [
        "mic": "m1", "name": "tv", "protocol": "sealed", "state": "playing", "muted": false, "level_dbfs": -20.0,
        "buffer_ms": 41.26, "target_ms": 40, "ppm": -12.5, "concealed_ms": 20, "late": 1, "lost": 3,
      ],
      ["mic": "m12", "name": "", "protocol": "local", "state": "idle", "muted": true, "level_dbfs": .null],
    ],
  ]

  @Test func everythingHasItsColumn() {
    let lines = MicStatusTable.lines(Self.mic)
    #expect(lines[0] == "microphone \"streamd.microphone\": live, 1 recorder, -20.0 dBFS")
    let words = lines.map { $0.split(separator: " ").map { String($0) } }
    #expect(
      words[1] == [
        "mic", "name", "protocol", "state", "level", "buffer", "target", "ppm", "concealed", "late", "lost",
      ])
    #expect(lines[2].contains("m1 ") && lines[2].contains("41.3 ms") && lines[2].contains("-12.5"))
    #expect(words[2].suffix(2) == ["1", "3"])
    #expect(lines[3].contains("idle, muted") && words[3].suffix(7) == ["-", "-", "-", "-", "-", "-", "-"])
    // A table: all rows end in the same column.
    #expect(Set(lines.dropFirst().map(\.count)).count == 1)
  }

  @Test func troubleHasItsReason() {
    let lines = MicStatusTable.lines(["state": "degraded", "reason": "no server", "source": "x", "mics": []])
    #expect(lines == ["microphone \"x\": degraded, no server", "nobody talks: no microphone is open"])
  }
}
