import Control

/// Applications and the way each one's sound goes.
enum StreamPanel {
  private static let columns = [
    TableColumn("id", 4, 6, right: true, rank: 2), TableColumn("application", 12, 40), TableColumn("route", 10, 20),
    TableColumn("turned down", 11, 12, right: true, rank: 1),
  ]

  static func content(_ state: MonitorState) -> PanelContent {
    var content = PanelContent(title: "Applications", remark: state.streams.isEmpty ? "" : "\(state.streams.count)")
    content.nothing = "no application plays"
    content.heading = { grid, row, frame in
      let widths = TableFit.widths(columns, total: frame.width - 2)
      let titles = columns.map { TableCell.text($0.title, .dim) }
      grid.put(titles, columns, widths: widths, row: row, column: frame.left + 2, limit: frame.right)
    }
    for (choice, stream) in state.streams.enumerated() {
      let reduction = stream.report["reduction_db"]?.doubleValue
      let cells: [TableCell] = [
        .text(stream.id, .dim), .text(stream.app), .text(stream.route, stream.route == "bypass" ? .warn : .plain),
        .text(reduction.map { fixed($0, 1) + " dB" } ?? ""),
      ]
      content.items.append(
        PanelContent.Item(
          rows: [
            { grid, row, frame in
              let widths = TableFit.widths(columns, total: frame.width - 2)
              grid.put(cells, columns, widths: widths, row: row, column: frame.left + 2, limit: frame.right)
            }
          ], choice: choice))
    }
    return content
  }
}
