/// A size in characters.
struct ScreenSize: Hashable {
  var rows: Int
  var columns: Int
}

/// A drawing in characters: what the screen is to show.
struct CellGrid: Hashable {
  let size: ScreenSize
  let glyphs: Glyphs
  private(set) var cells: [Cell]

  init(_ size: ScreenSize, _ glyphs: Glyphs) {
    self.size = ScreenSize(rows: max(size.rows, 0), columns: max(size.columns, 0))
    self.glyphs = glyphs
    cells = .init(repeating: Cell(), count: self.size.rows * self.size.columns)
  }

  subscript(row: Int, column: Int) -> Cell { cells[row * size.columns + column] }

  /// Writes text and returns the column behind it; what goes beyond `limit` or the edge is cut.
  @discardableResult
  mutating func put(_ text: String, _ style: CellStyle = .plain, row: Int, column: Int, limit: Int = .max) -> Int {
    guard (0..<size.rows).contains(row), column >= 0 else { return column }
    let end = min(size.columns, limit)
    var place = column
    for scalar in text.unicodeScalars {
      guard let code = glyphs.shown(scalar) else { continue }
      let width = code == 0x3F ? 1 : scalar.places
      guard place + width <= end else { break }
      set(Cell(code: code, style: style), row, place)
      if width == 2 { set(Cell(code: 0, style: style), row, place + 1) }
      place += width
    }
    return place
  }

  @discardableResult
  mutating func put(_ runs: [TextRun], row: Int, column: Int, limit: Int = .max) -> Int {
    var place = column
    for run in runs { place = put(run.text, run.style, row: row, column: place, limit: limit) }
    return place
  }

  private mutating func set(_ cell: Cell, _ row: Int, _ column: Int) { cells[row * size.columns + column] = cell }

  /// Paints what stands in a row.
  mutating func restyle(row: Int, columns: Range<Int>, _ change: (CellStyle) -> CellStyle) {
    guard (0..<size.rows).contains(row) else { return }
    for column in columns.clamped(to: 0..<size.columns) {
      let place = row * size.columns + column
      cells[place].style = change(cells[place].style)
    }
  }

  mutating func clear(rows: Range<Int>, columns: Range<Int>) {
    for row in rows.clamped(to: 0..<size.rows) {
      for column in columns.clamped(to: 0..<size.columns) { set(Cell(), row, column) }
    }
  }

  /// As plain text, without spaces at the ends of lines.
  var lines: [String] {
    (0..<size.rows).map { row in
      var line = cells[row * size.columns..<(row + 1) * size.columns].map(\.code)
      while line.last == 0x20 { line.removeLast() }
      return Self.text(line)
    }
  }

  private static func text(_ codes: some Sequence<UInt32>) -> String {
    var text = String.UnicodeScalarView()
    for code in codes where code != 0 { text.append(Unicode.Scalar(code) ?? "?") }
    return String(text)
  }

  /// Runs of a row from a column on, each in one style.
  func runs(row: Int, from start: Int, to end: Int) -> [(column: Int, run: TextRun)] {
    var runs: [(column: Int, run: TextRun)] = []
    var column = start
    while column < end {
      let style = self[row, column].style
      let first = column
      while column < end, self[row, column].style == style { column += 1 }
      let codes = (first..<column).lazy.map { self[row, $0].code }
      runs.append((first, TextRun(Self.text(codes), style)))
    }
    return runs
  }
}

/// Text brought to a width.
extension String {
  var places: Int { unicodeScalars.reduce(0) { $0 + $1.places } }

  /// Cut with a mark where it is too long, else filled up.
  func fitted(_ width: Int, right: Bool = false, _ glyphs: Glyphs) -> String {
    guard width > 0 else { return "" }
    let own = places
    if own <= width {
      let space = String(repeating: " ", count: width - own)
      return right ? space + self : self + space
    }
    var text = ""
    var used = 0
    for scalar in unicodeScalars {
      let places = scalar.places
      guard used + places <= width - 1 else { break }
      text.unicodeScalars.append(scalar)
      used += places
    }
    return text + String(glyphs.cut) + String(repeating: " ", count: width - 1 - used)
  }
}
