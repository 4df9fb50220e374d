import AudioCore

/// Buses with their channels, then what nodes of the graph measure.
enum LevelPanel {
  /// Places around a bar: two at the left, the label, the numbers.
  private struct Measures {
    let name: Int
    let bar: Int
    let hasHold: Bool
    let hasRMS: Bool

    init(_ width: Int) {
      hasHold = width >= 60
      hasRMS = width >= 74
      name = min(max(width / 5, 8), 24)
      // Two in front, name, label, and gaps; then numbers of six places each with a gap, and the clip lamp.
      let numbers = 7 + (hasHold ? 7 : 0) + (hasRMS ? 7 : 0) + 5
      bar = max(width - 2 - name - 1 - 4 - 1 - numbers, 4)
    }

    var barStart: Int { 2 + name + 1 + 4 + 1 }
  }

  static func content(_ state: MonitorState) -> PanelContent {
    var content = PanelContent(title: "Levels", remark: state.isStale ? "no news" : "dBFS")
    content.nothing =
      state.measuredAt == nil ? "no levels yet" : "nothing is measured: no sink is heard and no bus is fed"
    content.heading = { grid, row, frame in
      let measures = Measures(frame.width)
      let start = frame.left + measures.barStart
      grid.put(MeterBar.scale(width: measures.bar), .dim, row: row, column: start, limit: frame.right)
      var titles = "   peak"
      if measures.hasHold { titles += "   hold" }
      if measures.hasRMS { titles += "    rms" }
      grid.put(titles, .dim, row: row, column: start + measures.bar, limit: frame.right)
    }
    for (choice, levels) in (state.buses + state.nodes).enumerated() {
      content.items.append(PanelContent.Item(rows: rows(levels, state), choice: choice))
    }
    return content
  }

  typealias Row = (inout CellGrid, Int, PanelFrame) -> Void

  private static func rows(_ levels: MonitorState.Levels, _ state: MonitorState) -> [Row] {
    var rows: [Row] = levels.channels.enumerated().map { index, channel in
      { grid, row, frame in
        let measures = Measures(frame.width)
        if index == 0 { name(levels, &grid, row, frame, measures) }
        draw(channel, state, &grid, row, frame, measures)
      }
    }
    let isFirst = rows.isEmpty
    for name in levels.figures.keys.sorted() where name.hasPrefix("reduction") {
      let value = levels.figures[name] ?? 0
      rows.append { grid, row, frame in
        let measures = Measures(frame.width)
        if isFirst { self.name(levels, &grid, row, frame, measures) }
        var place = frame.left + 2 + measures.name + 1
        grid.put("GR", .dim, row: row, column: place)
        place = grid.put(
          MeterBar.reduction(value, width: measures.bar, grid.glyphs), row: row, column: frame.left + measures.barStart)
        grid.put(" " + MeterBar.number(-value) + " dB", row: row, column: place, limit: frame.right)
      }
    }
    let words = figures(levels)
    if !words.isEmpty {
      let isFirst = rows.isEmpty
      rows.append { grid, row, frame in
        let measures = Measures(frame.width)
        if isFirst { self.name(levels, &grid, row, frame, measures) }
        grid.put(words, row: row, column: frame.left + 2 + measures.name + 1, limit: frame.right)
      }
    }
    return rows
  }

  private static func name(
    _ levels: MonitorState.Levels, _ grid: inout CellGrid, _ row: Int, _ frame: PanelFrame, _ measures: Measures
  ) {
    grid.put(levels.id.fitted(measures.name, grid.glyphs), row: row, column: frame.left + 2, limit: frame.right)
  }

  private static func draw(
    _ channel: MonitorState.Channel, _ state: MonitorState, _ grid: inout CellGrid, _ row: Int, _ frame: PanelFrame,
    _ measures: Measures
  ) {
    let glyphs = grid.glyphs
    grid.put(channel.label.fitted(4, glyphs), row: row, column: frame.left + 2 + measures.name + 1, limit: frame.right)
    var place = grid.put(
      MeterBar.runs(channel.meter, width: measures.bar, glyphs), row: row, column: frame.left + measures.barStart,
      limit: frame.right)
    place = grid.put(" " + MeterBar.number(channel.meter.level), row: row, column: place, limit: frame.right)
    if measures.hasHold {
      place = grid.put(" " + MeterBar.number(channel.meter.hold), .dim, row: row, column: place, limit: frame.right)
    }
    if measures.hasRMS {
      place = grid.put(" " + MeterBar.number(channel.rms), .dim, row: row, column: place, limit: frame.right)
    }
    if channel.meter.isClipped(at: state.now) {
      grid.put(" CLIP", CellStyle.bad.reversed, row: row, column: place, limit: frame.right)
    }
  }

  /// Loudness and the like as words, the well-known ones first.
  private static func figures(_ levels: MonitorState.Levels) -> String {
    let known = [
      ("momentary_lufs", "M", " LUFS"), ("short_term_lufs", "S", " LUFS"), ("integrated_lufs", "I", " LUFS"),
      ("range_lu", "LRA", " LU"), ("true_peak_dbtp", "TP", " dBTP"), ("gain_db", "gain", " dB"),
    ]
    var words = known.compactMap { name, title, unit in
      levels.figures[name].map { "\(title) \(fixed($0, 1))\(unit)" }
    }
    let others = levels.figures.keys.sorted().filter { name in
      !name.hasPrefix("reduction") && !known.contains { $0.0 == name }
    }
    words += others.map { "\($0) \(fixed(levels.figures[$0] ?? 0, 1))" }
    return words.joined(separator: "  ")
  }
}

extension MonitorState {
  /// Levels have not come for a while though the daemon is there.
  var isStale: Bool { isPaused ? false : measuredAt.map { now - $0 > .milliseconds(1500) } ?? false }
}
