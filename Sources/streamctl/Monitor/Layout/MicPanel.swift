import AudioCore
import Control

/// The microphone that applications record, and everybody who talks into it.
enum MicPanel {
  private static let columns = [
    TableColumn("mic", 3, 5), TableColumn("name", 6, 18, rank: 3), TableColumn("state", 7, 10),
    TableColumn("way", 6, 10, rank: 6), TableColumn("level", 6, 30, rank: 1), TableColumn("peak", 6, 6, right: true),
    TableColumn("buffer", 8, 9, right: true, rank: 2), TableColumn("ppm", 6, 8, right: true, rank: 4),
    TableColumn("lost", 4, 6, right: true, rank: 5), TableColumn("late", 4, 6, right: true, rank: 7),
  ]

  static func content(_ state: MonitorState) -> PanelContent {
    var content = PanelContent(title: "Microphone")
    guard let mic = state.mic else {
      content.nothing = "this daemon has no microphone"
      return content
    }
    let recorders = mic["recorders"]?.intValue ?? 0
    content.remark = recorders == 1 ? "1 recorder" : "\(recorders) recorders"
    content.heading = { grid, row, frame in
      let widths = TableFit.widths(columns, total: frame.width - 2)
      let titles = columns.map { TableCell.text($0.title, .dim) }
      grid.put(titles, columns, widths: widths, row: row, column: frame.left + 2, limit: frame.right)
    }
    content.items.append(item([mic], 0, own(mic, state)))
    for (index, talker) in state.talkers.enumerated() {
      content.items.append(item([talker.report], index + 1, cells(talker, state)))
    }
    return content
  }

  private static func item(
    _ reports: [JSON], _ choice: Int, _ cells: @escaping (Glyphs) -> [TableCell]
  ) -> PanelContent.Item {
    PanelContent.Item(
      rows: [
        { grid, row, frame in
          let widths = TableFit.widths(columns, total: frame.width - 2)
          grid.put(
            cells(grid.glyphs), columns, widths: widths, row: row, column: frame.left + 2, limit: frame.right)
        }
      ], choice: choice)
  }

  /// The source itself.
  private static func own(_ mic: JSON, _ state: MonitorState) -> (Glyphs) -> [TableCell] {
    let loudest = state.micLevels.values.first?.loudest
    let word = mic["state"]?.plain ?? ""
    return { glyphs in
      [
        .text("all", .bold), .text(mic["source"]?.plain ?? ""), .text(shown(word), style(word)), .text("source", .dim),
        .drawing { width in loudest.map { MeterBar.runs($0.meter, width: width, glyphs) } ?? [] },
        .text(MeterBar.number(loudest?.meter.level)), .text(""), .text(""), .text(""), .text(""),
      ]
    }
  }

  private static func cells(_ talker: MonitorState.Talker, _ state: MonitorState) -> (Glyphs) -> [TableCell] {
    let report = talker.report
    let loudest = state.talkerLevels[talker.id]?.loudest
    let word = report["state"]?.plain ?? ""
    let lost = report["lost"]?.intValue ?? 0
    return { glyphs in
      [
        .text(talker.id), .text(report["name"]?.plain ?? ""), .text(shown(word), style(word)),
        .text(report["protocol"]?.plain ?? "", .dim),
        .drawing { width in loudest.map { MeterBar.runs($0.meter, width: width, glyphs) } ?? [] },
        .text(MeterBar.number(loudest?.meter.level)), .text(fixed(report["buffer_ms"]?.doubleValue ?? 0, 1) + " ms"),
        .text(fixed(report["ppm"]?.doubleValue ?? 0, 1)), .text("\(lost)", lost > 0 ? .warn : .dim),
        .text(report["late"]?.plain ?? "0", .dim),
      ]
    }
  }

  private static func shown(_ word: String) -> String { word == "muted" ? "MUTED" : word }

  private static func style(_ word: String) -> CellStyle {
    switch word {
    case "live", "playing": .good
    case "muted", "concealing": .warn
    case "degraded": .bad
    default: .dim
    }
  }
}
