/// One column of a table that is to fit whatever width there is.
struct TableColumn {
  var title: String
  var minimum: Int
  /// It grows up to this while there is room.
  var wanted: Int
  var isRight = false
  /// Where the room is short the highest go first; 0 stays.
  var rank = 0

  init(_ title: String, _ minimum: Int, _ wanted: Int, right: Bool = false, rank: Int = 0) {
    (self.title, self.minimum, self.wanted, isRight, self.rank) = (title, minimum, wanted, right, rank)
  }
}

/// Which columns there is room for, and how wide each is: 0 for those left out. Pure.
enum TableFit {
  static func widths(_ columns: [TableColumn], total: Int) -> [Int] {
    var kept = Array(columns.indices)
    func needed() -> Int { kept.reduce(0) { $0 + columns[$1].minimum } + max(kept.count - 1, 0) }
    while needed() > total, let worst = kept.max(by: { columns[$0].rank < columns[$1].rank }), columns[worst].rank > 0 {
      kept.removeAll { $0 == worst }
    }
    var widths = [Int](repeating: 0, count: columns.count)
    for index in kept { widths[index] = columns[index].minimum }
    var left = total - needed()
    // Everybody grows alike.
    while left > 0 {
      let growing = kept.filter { widths[$0] < columns[$0].wanted }
      guard !growing.isEmpty else { break }
      for index in growing where left > 0 {
        widths[index] += 1
        left -= 1
      }
    }
    return widths
  }
}

/// What stands in one place of a table: text, or a drawing of the width that there is.
enum TableCell {
  case text(String, CellStyle = .plain)
  case drawing((Int) -> [TextRun])
}

extension CellGrid {
  /// A row of a table.
  mutating func put(
    _ cells: [TableCell], _ columns: [TableColumn], widths: [Int], row: Int, column: Int, limit: Int
  ) {
    var place = column
    for (index, cell) in cells.enumerated() where widths[index] > 0 {
      switch cell {
      case .text(let text, let style):
        put(
          text.fitted(widths[index], right: columns[index].isRight, glyphs), style, row: row, column: place,
          limit: limit)
      case .drawing(let draw): put(draw(widths[index]), row: row, column: place, limit: limit)
      }
      place += widths[index] + 1
    }
  }
}
