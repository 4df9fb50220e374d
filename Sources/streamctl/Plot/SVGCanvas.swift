/// A picture of lines and words, for browsers.
struct SVGCanvas: Canvas {
  private var text: String

  init(width: Int, height: Int) {
    text = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
      font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="\(Self.colour(.paper))"/>

      """
  }

  private static func colour(_ ink: Ink) -> String {
    let (red, green, blue) = ink.rgb
    return "rgb(\(red),\(green),\(blue))"
  }

  mutating func line(_ points: [(x: Double, y: Double)], _ ink: Ink) {
    let list = points.map { "\(fixed($0.x, 1)),\(fixed($0.y, 1))" }.joined(separator: " ")
    text += "<polyline fill=\"none\" stroke=\"\(Self.colour(ink))\" stroke-width=\"1\" points=\"\(list)\"/>\n"
  }

  mutating func fill(x: Double, y: Double, width: Double, height: Double, _ ink: Ink) {
    let place = "x=\"\(fixed(x, 1))\" y=\"\(fixed(y, 1))\" width=\"\(fixed(width, 1))\" height=\"\(fixed(height, 1))\""
    text += "<rect \(place) fill=\"\(Self.colour(ink))\"/>\n"
  }

  mutating func write(_ words: String, x: Double, y: Double, _ anchor: Anchor, _ ink: Ink) {
    let side =
      switch anchor {
      case .start: "start"
      case .middle: "middle"
      case .end: "end"
      }
    var safe = ""
    for character in words {
      switch character {
      case "&": safe += "&amp;"
      case "<": safe += "&lt;"
      case ">": safe += "&gt;"
      default: safe.append(character)
      }
    }
    text += "<text x=\"\(fixed(x, 1))\" y=\"\(fixed(y + 4, 1))\" text-anchor=\"\(side)\" fill=\"\(Self.colour(ink))\">"
    text += safe + "</text>\n"
  }

  func file() -> [UInt8] { Array((text + "</svg>\n").utf8) }
}
