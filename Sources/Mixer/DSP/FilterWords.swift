import AudioCore
import Glibc

/// The words of one line of filter text.
struct FilterWords {
  private let line: Int
  private var words: ArraySlice<Substring>

  init(_ text: Substring, line: Int) {
    self.line = line
    words = text.split(whereSeparator: \.isWhitespace)[...]
  }

  func error(_ reason: FilterTextError.Reason) -> FilterTextError { FilterTextError(line: line, reason: reason) }

  /// What stands before the colon, without a number behind it; nil for an empty line.
  mutating func command() -> String? {
    guard let first = words.first else { return nil }
    var text = ""
    while let word = words.popFirst() {
      if let colon = word.firstIndex(of: ":") {
        text += word[..<colon]
        let behind = word[word.index(after: colon)...]
        if !behind.isEmpty { words = [behind] + words }
        return String(text.lowercased().reversed().drop { $0.isNumber }.reversed())
      }
      text += word
    }
    return String(first)
  }

  func rest() -> [Substring] { Array(words) }

  func end() throws(FilterTextError) {
    if let word = words.first { throw error(.trailing(String(word))) }
  }

  private mutating func take(_ field: String) throws(FilterTextError) -> Substring {
    guard let word = words.popFirst() else { throw error(.missing(field)) }
    return word
  }

  private mutating func takes(_ word: String) -> Bool {
    guard let first = words.first, first.lowercased() == word else { return false }
    words.removeFirst()
    return true
  }

  /// A number; a unit may stick to it or follow it.
  private mutating func number(_ field: String, unit: String) throws(FilterTextError) -> Double {
    let word = try take(field)
    var digits = word
    if !unit.isEmpty, digits.lowercased().hasSuffix(unit) {
      digits = digits.dropLast(unit.count)
    } else {
      _ = takes(unit)
    }
    guard let value = Self.value(digits) else { throw error(.badNumber(field: field, text: String(word))) }
    return value
  }

  /// A comma may stand for the point.
  private static func value(_ digits: Substring) -> Double? {
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.,eE".contains($0)) }) else {
      return nil
    }
    guard let value = Double(digits.replacing(",", with: ".")), value.isFinite else { return nil }
    return value
  }

  private func check(_ field: String, _ value: Double, _ range: ClosedRange<Double>) throws(FilterTextError) {
    guard range.contains(value) else {
      throw error(
        .outOfRange(field: field, text: "\(value)", range: "\(range.lowerBound) to \(range.upperBound)"))
    }
  }

  mutating func decibels(_ field: String) throws(FilterTextError) -> Double {
    let value = try number(field, unit: "db")
    try check(field, value, -60...60)
    return value
  }

  /// `all`, or names and numbers of channels.
  mutating func channels(of layout: ChannelLayout) throws(FilterTextError) -> UInt8 {
    var mask: UInt8 = 0
    guard !words.isEmpty else { throw error(.missing("channel")) }
    while let word = words.popFirst() {
      let name = word.uppercased()
      if name == "ALL" {
        mask = .max
      } else if let number = Int(name), (1...layout.count).contains(number) {
        mask |= 1 << UInt8(number - 1)
      } else if let label = Self.label(name), let index = layout.index(of: label) {
        mask |= 1 << UInt8(index)
      } else {
        throw error(.unknownChannel(String(word)))
      }
    }
    return mask
  }

  private static func label(_ name: String) -> ChannelLabel? {
    switch name {
    case "L": .frontLeft
    case "R": .frontRight
    case "C": .frontCenter
    case "SUB": .lowFrequency
    default: ChannelLabel(name: name)
    }
  }

  /// Nil for a place that holds no filter.
  mutating func filter() throws(FilterTextError) -> EqualizerBand? {
    let isOn: Bool
    switch try take("ON or OFF").lowercased() {
    case "on": isOn = true
    case "off": isOn = false
    case let word: throw error(.trailing(word))
    }
    let type = try take("type").uppercased()
    if type == "NONE" { return nil }
    guard var kind = FilterType(type) else { throw error(.unknownFilter(type)) }
    // `LS 6dB`, `LSC 10.8 dB`: how steep a shelf is.
    if kind.isShelf, let word = words.first, word.first?.isNumber == true {
      let slope = try number("slope", unit: "db")
      try check("slope", slope, 0.1...12)
      kind.slope = slope / 12
    }
    var (frequency, gain, q, octaves): (Double?, Double?, Double?, Double?)
    while let word = words.popFirst() {
      switch word.lowercased() {
      case "fc": frequency = try number("Fc", unit: "hz")
      case "gain": gain = try decibels("Gain")
      case "q": q = try number("Q", unit: "")
      case "bw":
        guard takes("oct") else { throw error(.missing("Oct")) }
        octaves = try number("BW", unit: "")
      default: throw error(.trailing(String(word)))
      }
    }
    guard let frequency else { throw error(.missing("Fc")) }
    try check("Fc", frequency, 1...100_000)
    if kind.shape.hasGain, gain == nil { throw error(.missing("Gain")) }
    if let q { try check("Q", q, 0.01...1000) }
    if let octaves {
      try check("BW", octaves, 0.001...20)
      q = 1 / (2 * sinh(log(2) / 2 * octaves))
    }
    if kind.needsQ, q == nil { throw error(.missing("Q")) }
    return EqualizerBand(kind.shape(frequency, gain ?? 0, q), isEnabled: isOn)
  }
}

/// A type of filter as the text names it.
private struct FilterType {
  let shape: FilterKind
  let needsQ: Bool
  /// The frequency of a shelf is where it begins instead of its middle.
  let isCorner: Bool
  /// In steps of 12 dB an octave.
  var slope: Double?

  init?(_ name: String) {
    switch name {
    case "PK", "PEQ", "MODAL": (shape, needsQ) = (.peak, true)
    case "LP": (shape, needsQ) = (.lowPass, false)
    case "HP": (shape, needsQ) = (.highPass, false)
    case "LPQ": (shape, needsQ) = (.lowPass, true)
    case "HPQ": (shape, needsQ) = (.highPass, true)
    case "BP": (shape, needsQ) = (.bandPass, false)
    case "NO": (shape, needsQ) = (.notch, false)
    case "AP": (shape, needsQ) = (.allPass, true)
    case "LS", "LSC", "LSQ": (shape, needsQ) = (.lowShelf, false)
    case "HS", "HSC", "HSQ": (shape, needsQ) = (.highShelf, false)
    default: return nil
    }
    isCorner = name == "LS" || name == "HS"
  }

  var isShelf: Bool { shape == .lowShelf || shape == .highShelf }

  func shape(_ frequency: Double, _ gain: Double, _ q: Double?) -> FilterShape {
    guard isShelf else {
      return FilterShape(
        shape, frequency: frequency, q: q ?? (shape == .notch ? 30 : 0.5.squareRoot()), gain: Decibels(gain))
    }
    let a = pow(10, gain / 40)
    let sum = a + 1 / a
    // Without a slope and a Q a shelf has nine tenths of the steepest slope.
    let slope = slope ?? q.map { 1 / ((1 / ($0 * $0) - 2) / sum + 1) } ?? 0.9
    let steepness = q ?? 1 / (sum * (1 / slope - 1) + 2).squareRoot()
    var middle = frequency
    if isCorner, self.slope != nil || q != nil, slope > 0 {
      let factor = pow(10, abs(gain) / 80 / slope)
      middle = shape == .lowShelf ? frequency * factor : frequency / factor
    }
    return FilterShape(shape, frequency: middle, q: steepness, gain: Decibels(gain))
  }
}
