/// Where a panel stands.
struct PanelFrame: Hashable {
  var top: Int
  var left: Int
  var height: Int
  var width: Int

  var right: Int { left + width }
  var bottom: Int { top + height }
}

/// What a panel wants to be drawn with.
struct PanelContent {
  /// Each of the user's choices may take several rows.
  struct Item {
    var rows: [(inout CellGrid, Int, PanelFrame) -> Void]
    /// Nil where it cannot be chosen.
    var choice: Int?
  }

  var title: String
  /// Right of the title, where there is room.
  var remark = ""
  var heading: ((inout CellGrid, Int, PanelFrame) -> Void)?
  var items: [Item] = []
  /// Instead of items.
  var nothing = ""

  var wantedHeight: Int { 1 + (heading == nil ? 0 : 1) + max(items.reduce(0) { $0 + $1.rows.count }, 1) }
}

extension CellGrid {
  /// Draws a panel: a title line, then as many rows as there is room for, around what is chosen.
  mutating func put(_ content: PanelContent, in frame: PanelFrame, selected: Int?, hasFocus: Bool) {
    guard frame.height > 0, frame.width > 0 else { return }
    var row = frame.top + 1
    if let heading = content.heading, frame.height > 2 {
      heading(&self, row, frame)
      row += 1
    }
    let room = frame.bottom - row
    let rows = content.items.flatMap { item in item.rows.map { (item.choice, $0) } }
    let first = Self.first(of: rows.map(\.0), selected: selected, room: room)
    for (choice, draw) in rows.dropFirst(first).prefix(max(room, 0)) {
      draw(&self, row, frame)
      if hasFocus, let choice, choice == selected {
        put(String(glyphs.pointer), .accent, row: row, column: frame.left)
        restyle(row: row, columns: frame.left + 1..<frame.right) { $0.look == .plain ? .bold : $0 }
      }
      row += 1
    }
    if rows.isEmpty, room > 0 {
      put(content.nothing, .dim, row: row, column: frame.left + 2, limit: frame.right)
    }
    let hidden = rows.count - max(min(room, rows.count - first), 0)
    title(content, frame, hasFocus: hasFocus, hidden: hidden)
  }

  /// The first row to show so that the chosen one is seen.
  static func first(of choices: [Int?], selected: Int?, room: Int) -> Int {
    guard room > 0, choices.count > room, let selected, let start = choices.firstIndex(of: selected),
      let end = choices.lastIndex(of: selected)
    else { return 0 }
    let first = end < room ? 0 : end - room + 1
    return min(start, max(first, 0), choices.count - room)
  }

  private mutating func title(_ content: PanelContent, _ frame: PanelFrame, hasFocus: Bool, hidden: Int) {
    put(
      String(repeating: glyphs.line, count: frame.width), .dim, row: frame.top, column: frame.left, limit: frame.right)
    let name = hasFocus ? " \(glyphs.pointer) \(content.title) " : " \(content.title) "
    let end = put(
      name, hasFocus ? CellStyle.bold.reversed : .bold, row: frame.top, column: frame.left + 1, limit: frame.right)
    var remark = content.remark
    if hidden > 0 { remark = remark.isEmpty ? "\(hidden) more" : "\(hidden) more, \(remark)" }
    let text = " \(remark) "
    guard !remark.isEmpty, end + text.places + 1 < frame.right else { return }
    put(text, .dim, row: frame.top, column: frame.right - 1 - text.places, limit: frame.right)
  }
}
