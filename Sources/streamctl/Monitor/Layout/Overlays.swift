/// What stands on top of the panels: help, details, the choice of a profile.
enum Overlays {
  static let help: [(String, String)] = [
    ("Tab, Shift-Tab, ←→", "next or previous panel"), ("j k, ↑↓, PgUp PgDn", "choose in a panel"),
    ("+ -", "gain of the chosen session, 1 dB"), ("m", "mute the chosen session or talker; 'all' mutes everybody"),
    ("r, Enter", "route of the chosen application: processed or bypass"),
    ("a, x", "per-application levels of it on or off; back to what they follow"),
    ("b", "bypass: everything unprocessed"), ("P", "choose a profile"), ("c", "clear overrides"),
    ("d", "details of what is chosen"), ("p", "pause the meters"), ("Ctrl-L", "draw everything anew"),
    ("?", "this"), ("q, Esc", "back, end"),
  ]

  static func draw(
    _ overlay: MonitorState.Overlay, _ state: MonitorState, _ grid: inout CellGrid, _ rows: Range<Int>
  ) {
    switch overlay {
    case .help:
      let width = help.map(\.0.count).max() ?? 0
      let lines = help.map { key, text in
        (key.replacing("←→", with: grid.glyphs.takesUnicode ? "←→" : "arrows")
          .replacing("↑↓", with: grid.glyphs.takesUnicode ? "↑↓" : "arrows")).fitted(width, grid.glyphs) + "  " + text
      }
      box("Keys", lines, selected: nil, &grid, rows)
    case .details(let title, let lines, let from):
      box(title, Array(lines.dropFirst(from)), selected: nil, &grid, rows)
    case .profiles(let selected):
      let width = state.profiles.map(\.name.places).max() ?? 0
      let lines = state.profiles.map { profile in
        (profile.isActive ? "* " : "  ") + profile.name.fitted(width, grid.glyphs)
          + (profile.summary.isEmpty ? "" : "  " + profile.summary)
      }
      box("Profile: Enter takes it", lines.isEmpty ? ["there are none"] : lines, selected: selected, &grid, rows)
    }
  }

  private static func box(
    _ title: String, _ lines: [String], selected: Int?, _ grid: inout CellGrid, _ rows: Range<Int>
  ) {
    let glyphs = grid.glyphs
    let width = min(max(lines.map(\.places).max() ?? 0, title.places + 4) + 4, grid.size.columns)
    let height = min(lines.count + 2, rows.count)
    let top = rows.lowerBound + (rows.count - height) / 2
    let left = (grid.size.columns - width) / 2
    grid.clear(rows: top..<top + height, columns: left..<left + width)
    let line = String(repeating: glyphs.line, count: width)
    grid.put(line, .dim, row: top, column: left)
    grid.put(" \(title) ", CellStyle.bold.reversed, row: top, column: left + 2, limit: left + width)
    grid.put(line, .dim, row: top + height - 1, column: left)
    let room = height - 2
    let first = selected.map { max(min($0 - room + 1, lines.count - room), 0) } ?? 0
    for (index, text) in lines.dropFirst(first).prefix(room).enumerated() {
      let isChosen = selected == first + index
      if isChosen { grid.put(String(glyphs.pointer), .accent, row: top + 1 + index, column: left) }
      grid.put(
        text.fitted(width - 4, glyphs), isChosen ? .bold : .plain, row: top + 1 + index, column: left + 2,
        limit: left + width)
    }
  }
}
