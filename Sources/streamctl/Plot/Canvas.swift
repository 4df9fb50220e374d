/// Colours of charts, by meaning.
enum Ink: Int, CaseIterable {
  case paper, frame, grid, words, before, after, momentary, shortTerm, gain1, gain2, gain3, gain4

  var rgb: (red: UInt8, green: UInt8, blue: UInt8) {
    switch self {
    case .paper: (255, 255, 255)
    case .frame: (90, 90, 90)
    case .grid: (225, 225, 225)
    case .words: (40, 40, 40)
    case .before: (170, 170, 170)
    case .after: (31, 100, 180)
    case .momentary: (150, 190, 110)
    case .shortTerm: (30, 120, 50)
    case .gain1: (190, 50, 40)
    case .gain2: (220, 130, 20)
    case .gain3: (120, 70, 170)
    case .gain4: (20, 140, 150)
    }
  }

  static func gain(_ index: Int) -> Ink { [.gain1, .gain2, .gain3, .gain4][index % 4] }
}

enum Anchor { case start, middle, end }

/// What a chart is drawn on, from the upper left corner, in points.
protocol Canvas {
  mutating func line(_ points: [(x: Double, y: Double)], _ ink: Ink)
  mutating func fill(x: Double, y: Double, width: Double, height: Double, _ ink: Ink)
  /// `y` is the middle of the words' height.
  mutating func write(_ text: String, x: Double, y: Double, _ anchor: Anchor, _ ink: Ink)
  func file() -> [UInt8]
}
