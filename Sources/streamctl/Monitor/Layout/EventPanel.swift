/// What happened, the latest first.
enum EventPanel {
  static func content(_ state: MonitorState) -> PanelContent {
    var content = PanelContent(title: "Events")
    content.nothing = "nothing happened yet"
    for (choice, event) in state.events.enumerated() {
      content.items.append(
        PanelContent.Item(
          rows: [
            { grid, row, frame in
              var place = grid.put(event.clock + " ", .dim, row: row, column: frame.left + 2, limit: frame.right)
              // Said by a mark as well as by a colour.
              if event.isTrouble { place = grid.put("! ", .bad, row: row, column: place, limit: frame.right) }
              grid.put(
                event.text.fitted(frame.right - place, grid.glyphs), event.isTrouble ? .warn : .plain, row: row,
                column: place, limit: frame.right)
            }
          ], choice: choice))
    }
    return content
  }
}
