/// How a cell looks. A terminal without colours shows weights; what a style says is said by text or shape as well.
enum CellLook: Hashable { case plain, dim, bold, good, warn, bad, accent }

struct CellStyle: Hashable {
  var look = CellLook.plain
  var isReverse = false

  static let plain = CellStyle()
  static let dim = CellStyle(look: .dim)
  static let bold = CellStyle(look: .bold)
  static let good = CellStyle(look: .good)
  static let warn = CellStyle(look: .warn)
  static let bad = CellStyle(look: .bad)
  static let accent = CellStyle(look: .accent)

  var reversed: CellStyle { CellStyle(look: look, isReverse: true) }
}

/// A place on the screen. `code` is 0 behind a character that takes two places.
struct Cell: Hashable {
  var code: UInt32 = 0x20
  var style = CellStyle.plain
}

/// Text in one style.
struct TextRun: Hashable {
  var text: String
  var style = CellStyle.plain

  init(_ text: String, _ style: CellStyle = .plain) {
    self.text = text
    self.style = style
  }
}

/// What to draw with: the terminal's characters may be ASCII alone.
struct Glyphs: Hashable {
  var takesUnicode: Bool
  /// A bar, by section: it grows as well as changing its colour.
  var low: Character, high: Character, top: Character
  var empty: Character, border: Character, hold: Character
  var line: Character, pointer: Character, cut: Character

  static let unicode = Glyphs(
    takesUnicode: true, low: "▃", high: "▅", top: "█", empty: "·", border: ":", hold: "┃", line: "─", pointer: "▶",
    cut: "…")
  static let ascii = Glyphs(
    takesUnicode: false, low: "=", high: "#", top: "@", empty: ".", border: ":", hold: "|", line: "-", pointer: ">",
    cut: "~")

  /// One character as this terminal can show it, for names come from anywhere; nil for what has no place of its own.
  func shown(_ scalar: Unicode.Scalar) -> UInt32? {
    let value = scalar.value
    if value < 0x20 || (0x7F..<0xA0).contains(value) { return 0x3F }
    if value < 0x7F { return value }
    if scalar.places == 0 { return nil }
    return takesUnicode ? value : 0x3F
  }
}

extension Unicode.Scalar {
  /// Places it takes on a terminal: none for accents that follow their letter, and for marks that nobody sees.
  var places: Int {
    guard value >= 0x300 else { return 1 }
    // What the monitor itself draws with.
    if (0x2500..<0x25A0).contains(value) { return 1 }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
