/// Levels, gains and loudness of a rendering, one above the other over the same time.
struct RenderChart {
  static let width = 1200
  static let height = 760

  private struct Series {
    var name: String
    var values: [Double]
    var ink: Ink
  }

  private struct Panel {
    var title: String
    var unit: String
    var lowest: Double
    var highest: Double
    var series: [Series]
  }

  private let trace: RenderTrace
  private let left = 70.0
  private let right = 1180.0

  init(_ trace: RenderTrace) { self.trace = trace }

  func draw(on canvas: inout some Canvas) {
    let gains = trace.gains.enumerated().map { index, values in
      Series(name: trace.gainNames[index], values: values, ink: .gain(index))
    }
    let reach = gains.flatMap(\.values).filter(\.isFinite)
    let panels = [
      Panel(
        title: "level", unit: "dBFS", lowest: -60, highest: 6,
        series: [
          Series(name: "before", values: trace.before, ink: .before),
          Series(name: "after", values: trace.after, ink: .after),
        ]),
      Panel(
        title: "gain", unit: "dB", lowest: min((reach.min() ?? 0) - 1, -6), highest: max((reach.max() ?? 0) + 1, 3),
        series: gains),
      Panel(
        title: "loudness", unit: "LUFS", lowest: -50, highest: 0,
        series: [
          Series(name: "momentary", values: trace.momentary, ink: .momentary),
          Series(name: "short-term", values: trace.shortTerm, ink: .shortTerm),
        ]),
    ]
    let space = (Double(Self.height) - 50) / Double(panels.count)
    for (index, panel) in panels.enumerated() {
      draw(panel, top: 30 + Double(index) * space, bottom: Double(index + 1) * space, on: &canvas)
    }
    let bottom = space * Double(panels.count)
    for second in Self.marks(from: 0, to: trace.seconds, about: 10) {
      canvas.write(Self.number(second), x: x(second), y: bottom + 14, .middle, .words)
    }
    canvas.write("seconds", x: right, y: bottom + 32, .end, .words)
  }

  private func x(_ second: Double) -> Double { left + (right - left) * second / max(trace.seconds, 1e-9) }

  private func draw(_ panel: Panel, top: Double, bottom: Double, on canvas: inout some Canvas) {
    func y(_ value: Double) -> Double {
      let bounded = min(max(value, panel.lowest), panel.highest)
      return bottom - (bottom - top) * (bounded - panel.lowest) / (panel.highest - panel.lowest)
    }
    for mark in Self.marks(from: panel.lowest, to: panel.highest, about: 5) {
      canvas.line([(left, y(mark)), (right, y(mark))], .grid)
      canvas.write(Self.number(mark), x: left - 8, y: y(mark), .end, .words)
    }
    for second in Self.marks(from: 0, to: trace.seconds, about: 10) {
      canvas.line([(x(second), top), (x(second), bottom)], .grid)
    }
    canvas.write("\(panel.title) (\(panel.unit))", x: left, y: top - 12, .start, .words)
    var place = right
    for series in panel.series.reversed() {
      canvas.write(series.name, x: place, y: top - 12, .end, .words)
      place -= 8 * Double(series.name.count) + 26
      canvas.fill(x: place + 6, y: top - 16, width: 16, height: 8, series.ink)
      place -= 10
    }
    for series in panel.series { draw(series, y, on: &canvas) }
    canvas.line([(left, top), (left, bottom), (right, bottom), (right, top), (left, top)], .frame)
  }

  /// A column of the picture shows the lowest and the highest of its time.
  private func draw(_ series: Series, _ y: (Double) -> Double, on canvas: inout some Canvas) {
    let columns = Int(right - left)
    let count = series.values.count
    guard count > 0 else { return }
    var points: [(x: Double, y: Double)] = []
    if count <= columns {
      points = series.values.enumerated().map { (x((Double($0.offset) + 0.5) * trace.step), y($0.element)) }
    } else {
      for column in 0..<columns {
        let slice = series.values[
          column * count / columns..<max((column + 1) * count / columns, column * count / columns + 1)]
        guard let low = slice.min(), let high = slice.max() else { continue }
        points.append((left + Double(column) + 0.5, y(high)))
        if low != high { points.append((left + Double(column) + 0.5, y(low))) }
      }
    }
    canvas.line(points, series.ink)
  }

  /// Round numbers within a range.
  static func marks(from low: Double, to high: Double, about count: Int) -> [Double] {
    let span = high - low
    guard span > 0, span.isFinite else { return [low] }
    var unit = 1e-3
    while unit * 10 < span { unit *= 10 }
    let steps = [0.1, 0.2, 0.5, 1, 2, 5, 10].map { unit * $0 }
    let step = steps.first { span / $0 <= Double(count) * 1.6 } ?? span
    var marks: [Double] = []
    var mark = (low / step).rounded(.up) * step
    while mark <= high + step * 1e-6, marks.count < 100 {
      marks.append(mark)
      mark += step
    }
    return marks
  }

  private static func number(_ value: Double) -> String {
    let whole = value.rounded()
    return abs(value - whole) < 1e-6
      ? fixed(whole, 0) : fixed(value, abs(value * 10 - (value * 10).rounded()) < 1e-6 ? 1 : 2)
  }
}
