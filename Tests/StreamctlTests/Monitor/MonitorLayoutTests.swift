import AudioCore
import Control
import Testing

@testable import streamctl

/// The drawing from the state alone, at all sorts of sizes.
@Suite struct MonitorLayoutTests {
  @Test func everythingIsSeenOnAnOrdinaryTerminal() {
    let lines = MonitorRig.lines(MonitorRig.state(), 80, 24)
    #expect(lines.count == 24 && lines.allSatisfy { $0.places <= 80 })
    #expect(lines[0].hasPrefix(" streamd 0.1.0  OK  up 1:02:05  pipewire") && lines[0].hasSuffix("12:34:56"))
    let page = lines.joined(separator: "\n")
    for word in [
      "Levels", "Sessions", "Microphone", "Events", "default-sink", "FL", "-18.0", "-3.0", "GR", "-6.0 dB",
      "M -18.2 LUFS",
      "TP -1.2 dBTP", "s1", "tv-room", "live", "123456", "MUTED", "m1", "anna", "playing", "20.5 ms", "-12.4",
      "! capture default-sink: waiting", "q quit",
    ] { #expect(page.contains(word), "\(word) in\n\(page)") }
    #expect(!page.contains("Applications") && !page.contains("bypass"))
    // A level of each section.
    #expect(page.contains("▃▃▃▅▅▅▅"), "\(page)")
    #expect(page.contains("█"))
  }

  @Test func aWideTerminalHasTwoColumns() {
    let lines = MonitorRig.lines(MonitorRig.state(MonitorRig.allOperations), 200, 60)
    #expect(lines.count == 60 && lines.allSatisfy { $0.places <= 200 })
    let page = lines.joined(separator: "\n")
    #expect(lines[1].contains("Levels") && lines[1].contains("Sessions"), "\(page)")
    for word in [
      "Applications", "Firefox", "processed", "192.0.2.9:5004", "2ch 96k 10ms", "6ch 576k 2.5ms", "b bypass",
    ] {
      #expect(page.contains(word), "\(word) in\n\(page)")
    }
  }

  /// Whatever the size, nothing is written outside and nothing traps; what has the focus is seen.
  @Test func everySizeIsDrawn() {
    for operations in [MonitorRig.operations, MonitorRig.allOperations] {
      var state = MonitorRig.state(operations)
      for columns in [1, 39, 40, 47, 66, 80, 131, 132, 220] {
        for rows in [1, 9, 10, 13, 24, 50] {
          for panel in state.panels {
            state.focus = panel
            for overlay in [nil, MonitorState.Overlay.help, .profiles(selected: 0)] {
              guard overlay == nil || panel == .events else { continue }
              state.overlay = overlay
              let lines = MonitorRig.lines(state, columns, rows)
              #expect(lines.count == rows && lines.allSatisfy { $0.places <= columns })
              guard rows >= 10, columns >= 40, overlay == nil else { continue }
              #expect(lines.contains { $0.contains("▶") }, "no \(panel) at \(columns)x\(rows)")
            }
          }
        }
      }
    }
    #expect(MonitorRig.lines(MonitorRig.state(), 39, 24)[0] == "too small: 39x24")
    #expect(MonitorRig.lines(MonitorRig.state(), 80, 9)[1] == "needs 40x10, q ends")
    #expect(!MonitorRig.lines(MonitorRig.state(), 40, 10)[0].contains("too small"))
  }

  @Test func asciiTerminalsGetASCII() {
    var state = MonitorRig.state(MonitorRig.allOperations)
    state.note("Überblendung 日本 \u{1B}[31mred")
    for overlay in [nil, MonitorState.Overlay.help] {
      state.overlay = overlay
      let page = MonitorRig.lines(state, 100, 40, .ascii).joined()
      #expect(page.unicodeScalars.allSatisfy { (0x20..<0x7F).contains($0.value) })
    }
    // What a name brings along never reaches the terminal.
    let cells = MonitorLayout.draw(state, ScreenSize(rows: 40, columns: 100), .unicode).cells
    #expect(cells.allSatisfy { $0.code == 0 || $0.code >= 0x20 })
    #expect(MonitorRig.lines(MonitorRig.state(), 100, 40).joined().contains("▶"))
  }

  @Test func wideCharactersTakeTwoPlaces() {
    var grid = CellGrid(ScreenSize(rows: 1, columns: 6), .unicode)
    grid.put("a日本語", row: 0, column: 0)
    #expect(grid.lines == ["a日本"])
    #expect(grid[0, 2].code == 0)
    #expect("日本語".fitted(5, .unicode) == "日本…" && "日本語".fitted(4, .unicode) == "日… ")
    #expect("ab".fitted(4, right: true, .unicode) == "  ab")
  }

  @Test func aLostDaemonIsSaid() {
    var state = MonitorRig.state()
    state.lose("no daemon is running on here", retry: state.now + .milliseconds(1500))
    let page = MonitorRig.lines(state, 80, 24).joined(separator: "\n")
    #expect(
      page.contains("GONE") && page.contains("the daemon is gone") && page.contains("no daemon is running on here"))
    #expect(page.contains("trying again in 2 s") && !page.contains("tv-room"))
    state.take(hello: ["name": "streamd", "version": "0.2.0"])
    #expect(MonitorRig.lines(state, 80, 24)[0].hasPrefix(" streamd 0.2.0"))
    #expect(state.events.first?.text.contains("the daemon is gone") == true)
  }

  @Test func problemsStandUnderTheHeader() {
    var state = MonitorRig.state()
    state.daemon.problems = ["default-sink: no sink"]
    #expect(MonitorRig.lines(state, 80, 24)[1] == "! default-sink: no sink")
    state.daemon.problems = ["one", "two", "three"]
    #expect(MonitorRig.lines(state, 80, 24)[2].hasPrefix("! and 2 more problems"))
  }

  @Test func moreRowsThanRoomAreScrolled() {
    var state = MonitorRig.state()
    for number in 1...80 { state.note("event \(number)") }
    state.focus = .events
    state.selected[.events] = 79
    let page = MonitorRig.lines(state, 80, 24).joined(separator: "\n")
    #expect(page.contains("event 1") && !page.contains("event 80") && page.contains("more"))
  }

  @Test func heightsAreSharedFairly() {
    let wish = { (panel, height) in Arrangement.Wish(panel: panel, height: height) }
    let wishes = [wish(.levels, 9), wish(.sessions, 4), wish(.mic, 3), wish(.events, 20)]
    #expect(Arrangement.heights(wishes, total: 36) == [9, 4, 3, 20])
    #expect(Arrangement.heights(wishes, total: 60) == [9, 4, 3, 44])
    #expect(Arrangement.heights(wishes, total: 13) == [4, 3, 3, 3])
    #expect(Arrangement.heights(wishes, total: 8) == [4, 4, 0, 0])
    #expect(Arrangement.heights(wishes, total: 8, first: .mic) == [5, 0, 3, 0])
    for total in 0...80 { #expect([0, total].contains(Arrangement.heights(wishes, total: total).reduce(0, +))) }
  }

  @Test func columnsGoByTheirRank() {
    let columns = [TableColumn("a", 4, 10), TableColumn("b", 6, 6, rank: 2), TableColumn("c", 5, 9, rank: 1)]
    #expect(TableFit.widths(columns, total: 40) == [10, 6, 9])
    #expect(TableFit.widths(columns, total: 17) == [4, 6, 5])
    #expect(TableFit.widths(columns, total: 16) == [7, 0, 8])
    #expect(TableFit.widths(columns, total: 3) == [4, 0, 0])
  }

  @Test func uptimesAreReadable() {
    #expect([5, 65, 3725, 93_784].map { MonitorLayout.uptime($0) } == ["0:05", "1:05", "1:02:05", "1 d 02:03"])
  }
}
