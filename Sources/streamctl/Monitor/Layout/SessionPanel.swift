import AudioCore
import Control

/// Clients: where to, what they hear, how, and what became of it.
enum SessionPanel {
  private static let columns = [
    TableColumn("id", 3, 4), TableColumn("client", 14, 30), TableColumn("state", 6, 6),
    TableColumn("hears", 7, 24, rank: 3), TableColumn("codec", 12, 14, rank: 4),
    TableColumn("packets", 7, 8, right: true, rank: 2), TableColumn("err", 3, 4, right: true, rank: 5),
    TableColumn("gaps", 4, 4, right: true, rank: 6), TableColumn("gain", 5, 6, right: true, rank: 0),
    TableColumn("level", 6, 24, rank: 1), TableColumn("peak", 6, 6, right: true, rank: 0),
  ]

  static func content(_ state: MonitorState) -> PanelContent {
    var content = PanelContent(title: "Sessions", remark: state.sessions.isEmpty ? "" : "\(state.sessions.count)")
    content.nothing = "no client is served: streamctl session open --to HOST:PORT"
    content.heading = { grid, row, frame in
      let widths = TableFit.widths(columns, total: frame.width - 2)
      let titles = columns.map { TableCell.text($0.title, .dim) }
      grid.put(titles, columns, widths: widths, row: row, column: frame.left + 2, limit: frame.right)
    }
    for (choice, session) in state.sessions.enumerated() {
      content.items.append(
        PanelContent.Item(
          rows: [
            { grid, row, frame in
              let widths = TableFit.widths(columns, total: frame.width - 2)
              grid.put(
                cells(session, state, grid.glyphs), columns, widths: widths, row: row, column: frame.left + 2,
                limit: frame.right)
            }
          ], choice: choice))
    }
    return content
  }

  private static func cells(
    _ session: MonitorState.Session, _ state: MonitorState, _ glyphs: Glyphs
  ) -> [TableCell] {
    let report = session.report
    let word = { (key: String) in report[key]?.plain ?? "" }
    let sent = report["sent"] ?? .null
    let errors = (sent["errors"]?.intValue ?? 0) + (sent["encode_errors"]?.intValue ?? 0)
    let gaps = report["capture"]?["gaps"]?.intValue ?? 0
    let client = word("name").isEmpty ? word("to") : word("name")
    let loudest = state.sessionLevels[session.id]?.loudest
    let hears = word("bus").isEmpty ? word("target") : word("bus")
    return [
      .text(session.id), .text(client.isEmpty ? word("protocol") : client),
      .text(word("state"), word("state") == "live" ? .good : .dim), .text(hears),
      .drawing { [TextRun(codec(report, $0))] },
      .text(sent["packets"]?.plain ?? ""), .text("\(errors)", errors > 0 ? .bad : .dim),
      .text("\(gaps)", gaps > 0 ? .warn : .dim),
      session.isMuted ? .text("MUTED", .warn) : .text(fixed(session.gain, 1)),
      .drawing { width in loudest.map { MeterBar.runs($0.meter, width: width, glyphs) } ?? [] },
      .text(MeterBar.number(loudest?.meter.level)),
    ]
  }

  private static func codec(_ report: JSON, _ width: Int) -> String {
    let rate = (report["bitrate"]?.intValue ?? 0) / 1000
    let frame = report["frame_ms"]?.doubleValue ?? 0
    let short = "\(report["channels"]?.plain ?? "?")ch \(rate)k \(fixed(frame, frame == frame.rounded() ? 0 : 1))"
    return short.count + 2 <= width ? short + "ms" : short
  }
}
