import Control
import Testing

@testable import streamctl

/// The one line that `record start` keeps up to date.
@Suite struct RecordLineTests {
  private let streams: [JSON] = [["uri": "a", "path": "/tmp"]]
  private func stats(_ gaps: Int, _ lost: Int) -> [JSON] {
    [["peak_dbfs": -12.5, "gaps": JSON(gaps), "dropped_frames": JSON(lost)]]
  }

  @Test(arguments: [20, 39, 60, 79, 200]) func itFitsAndTellsThePosition(columns: Int) {
    for (gaps, lost) in [(0, 0), (1, 0), (12, 4800)] {
      let line = RecordStart.fitted(streams, stats(gaps, lost), 3723, 384_000, 200_000, columns)
      #expect(line.count <= columns)
      #expect(line.contains("-12.5 dBFS"))
      if columns >= 39 {
        #expect(line.contains("1:02:03"))
        #expect(gaps != 1 || line.contains("1 gap") && !line.contains("gaps"))
        #expect(gaps != 12 || columns < 60 || line.contains("12 gaps") && line.contains("4800 frames lost"))
      }
    }
  }

  @Test func aUsualTerminalHasRoomForAllOfIt() {
    let line = RecordStart.fitted(streams, stats(0, 0), 3723, 384_000, 200_000, 79)
    #expect(line.contains("####") && line.contains("0.38 MB/s") && line.contains("room for 55:33:20"))
    let narrow = RecordStart.fitted(streams, stats(0, 0), 3723, 384_000, 200_000, 39)
    #expect(narrow.contains("0.38 MB/s") && !narrow.contains("room"))
  }
}
