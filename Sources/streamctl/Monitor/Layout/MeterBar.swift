import AudioCore

/// A level over −60…0 dBFS in characters.
enum MeterBar {
  static let lowest = -60.0

  /// The bar of a meter: its sections differ in shape and in colour, and a mark shows the highest lately.
  static func runs(_ meter: PeakMeter, width: Int, _ glyphs: Glyphs) -> [TextRun] {
    runs(level: meter.level.value, hold: meter.hold.value, width: width, glyphs)
  }

  static func runs(level: Double, hold: Double?, width: Int, _ glyphs: Glyphs) -> [TextRun] {
    guard width > 0 else { return [] }
    let full = cells(level, width)
    let mark = hold.map { cells($0, width) - 1 } ?? -1
    return joined(
      (0..<width).map { index in
        let level = lowest - lowest * (Double(index) + 0.5) / Double(width)
        if index == mark, index >= full - 1 { return (glyphs.hold, style(level)) }
        if index < full { return (glyph(level, glyphs), style(level)) }
        let isBorder = [PeakMeter.Section.highFrom, PeakMeter.Section.topFrom].contains {
          Int(($0 - lowest) / -lowest * Double(width)) == index
        }
        return (isBorder ? glyphs.border : glyphs.empty, .dim)
      })
  }

  /// How much is taken away, from the right.
  static func reduction(_ decibels: Double, width: Int, span: Double = 24, _ glyphs: Glyphs) -> [TextRun] {
    let count = min(max(Int((decibels / span * Double(width)).rounded()), 0), width)
    return [
      TextRun(String(repeating: glyphs.empty, count: width - count), .dim),
      TextRun(String(repeating: glyphs.high, count: count), .accent),
    ]
  }

  /// The numbers under or over bars of this width.
  static func scale(width: Int) -> String {
    var line = [Character](repeating: " ", count: max(width, 0))
    for level in [0.0, -60, -20, -9, -40, -50, -30] {
      let text = level == 0 ? "0" : "\(Int(level))"
      let at = Int((level - lowest) / -lowest * Double(width))
      let start = min(max(at - (level == lowest ? 0 : text.count / 2), 0), max(width - text.count, 0))
      let span = max(start - 1, 0)..<min(start + text.count + 1, line.count)
      guard start + text.count <= line.count, line[span].allSatisfy({ $0 == " " }) else { continue }
      for (index, character) in text.enumerated() { line[start + index] = character }
    }
    return String(line)
  }

  /// A level as a number: six places.
  static func number(_ level: Decibels?) -> String {
    guard let level else { return "     -" }
    return number(level.value <= Decibels.floor.value ? nil : level.value, floor: "  -inf")
  }

  static func number(_ value: Double?, floor: String = "     -") -> String {
    guard let value else { return floor }
    let text = fixed(value, 1)
    return String(repeating: " ", count: max(6 - text.count, 0)) + text
  }

  private static func cells(_ level: Double, _ width: Int) -> Int {
    Int((min(max((level - lowest) / -lowest, 0), 1) * Double(width)).rounded())
  }

  private static func glyph(_ level: Double, _ glyphs: Glyphs) -> Character {
    switch PeakMeter.Section(level) {
    case .low: glyphs.low
    case .high: glyphs.high
    case .top: glyphs.top
    }
  }

  private static func style(_ level: Double) -> CellStyle {
    switch PeakMeter.Section(level) {
    case .low: .good
    case .high: .warn
    case .top: .bad
    }
  }

  private static func joined(_ cells: [(Character, CellStyle)]) -> [TextRun] {
    var runs: [TextRun] = []
    for (character, style) in cells {
      if runs.last?.style == style {
        runs[runs.count - 1].text.append(character)
      } else {
        runs.append(TextRun(String(character), style))
      }
    }
    return runs
  }
}
