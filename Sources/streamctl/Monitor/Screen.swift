import CNcurses

/// The terminal, taken over for a while. Thread: main.
struct Screen: ~Copyable {
  private var drawn: CellGrid?

  /// Nil where there is no terminal to draw on.
  init?(withColours: Bool) {
    guard cncurses_begin(withColours ? 1 : 0) == 0 else { return nil }
  }

  deinit { cncurses_end() }

  /// The signal that asks for the end.
  var endingSignal: Int32? {
    let signal = cncurses_ending()
    return signal == 0 ? nil : signal
  }

  var size: ScreenSize {
    var (rows, columns): (Int32, Int32) = (0, 0)
    cncurses_size(&rows, &columns)
    return ScreenSize(rows: Int(rows), columns: Int(columns))
  }

  /// Writes what differs from what was drawn last.
  mutating func show(_ grid: CellGrid) {
    guard drawn != grid else { return }
    let known = drawn?.size == grid.size ? drawn : nil
    if known == nil { cncurses_clear() }
    for row in 0..<grid.size.rows { put(grid, row, known) }
    cncurses_show()
    drawn = grid
  }

  private func put(_ grid: CellGrid, _ row: Int, _ known: CellGrid?) {
    var first = 0
    var end = grid.size.columns
    if let known {
      while first < end, known[row, first] == grid[row, first] { first += 1 }
      while end > first, known[row, end - 1] == grid[row, end - 1] { end -= 1 }
    }
    guard first < end else { return }
    // A character of two places is written as a whole.
    while first > 0, grid[row, first].code == 0 { first -= 1 }
    for (column, run) in grid.runs(row: row, from: first, to: end) {
      cncurses_put(Int32(row), Int32(column), run.text, run.style.code)
    }
  }

  mutating func redraw() {
    drawn = nil
    cncurses_redraw()
  }

  /// The next key that was pressed; nil when there is none.
  func key() -> MonitorKey? {
    while true {
      let code = Int(cncurses_key())
      switch code {
      case CNCURSES_NONE: return nil
      case CNCURSES_UP: return .up
      case CNCURSES_DOWN: return .down
      case CNCURSES_LEFT: return .left
      case CNCURSES_RIGHT: return .right
      case CNCURSES_PAGE_UP: return .pageUp
      case CNCURSES_PAGE_DOWN: return .pageDown
      case CNCURSES_HOME: return .home
      case CNCURSES_END: return .end
      case CNCURSES_BACKTAB: return .backTab
      case CNCURSES_RESIZE: return .resized
      case CNCURSES_OTHER: continue
      case 9: return .tab
      case 10, 13: return .enter
      case 12: return .redraw
      case 27: return .escape
      default:
        guard code >= 32, let scalar = Unicode.Scalar(UInt32(code)) else { continue }
        return .character(Character(scalar))
      }
    }
  }
}

extension CellStyle {
  fileprivate var code: Int32 {
    let look =
      switch look {
      case .plain: CNCURSES_PLAIN
      case .dim: CNCURSES_DIM
      case .bold: CNCURSES_BOLD
      case .good: CNCURSES_GOOD
      case .warn: CNCURSES_WARN
      case .bad: CNCURSES_BAD
      case .accent: CNCURSES_ACCENT
      }
    return Int32(look | (isReverse ? CNCURSES_REVERSE : 0))
  }
}
