import AudioCore

/// The whole screen from the state alone: the same state and size give the same cells.
enum MonitorLayout {
  static let smallest = ScreenSize(rows: 10, columns: 40)

  static func draw(_ state: MonitorState, _ size: ScreenSize, _ glyphs: Glyphs) -> CellGrid {
    var grid = CellGrid(size, glyphs)
    guard size.rows >= smallest.rows, size.columns >= smallest.columns else {
      grid.put("too small: \(size.columns)x\(size.rows)", .bold, row: 0, column: 0)
      grid.put("needs \(smallest.columns)x\(smallest.rows), q ends", row: 1, column: 0)
      return grid
    }
    header(state, &grid)
    let problems = problems(state)
    for (index, problem) in problems.enumerated() {
      let place = grid.put("! ", .bad, row: 1 + index, column: 0)
      grid.put(problem.fitted(size.columns - place, glyphs), .warn, row: 1 + index, column: place)
    }
    let rows = 1 + problems.count..<size.rows - 1
    if case .connected = state.link {
      panels(state, &grid, rows)
    } else {
      absence(state, &grid, rows)
    }
    footer(state, &grid)
    if let overlay = state.overlay { Overlays.draw(overlay, state, &grid, rows) }
    return grid
  }

  private static func problems(_ state: MonitorState) -> [String] {
    guard case .connected = state.link else { return [] }
    guard state.daemon.problems.count > 2 else { return state.daemon.problems }
    return [state.daemon.problems[0], "and \(state.daemon.problems.count - 1) more problems: streamctl status"]
  }

  // MARK: Header and footer

  private static func header(_ state: MonitorState, _ grid: inout CellGrid) {
    let daemon = state.daemon
    let columns = grid.size.columns
    grid.put(String(repeating: " ", count: columns), CellStyle.plain.reversed, row: 0, column: 0)
    var place = grid.put(" \(daemon.name) \(daemon.version) ", CellStyle.bold.reversed, row: 0, column: 0)
    var badges: [(String, CellStyle)] = []
    switch state.link {
    case .connected:
      let look: CellStyle = daemon.state == "degraded" ? .bad : daemon.state == "ok" ? .good : .plain
      if !daemon.state.isEmpty { badges.append((daemon.state.uppercased(), look)) }
      badges.append(("up \(uptime(daemon.uptime))", .plain))
      if !daemon.backend.isEmpty { badges.append((daemon.backend, .plain)) }
      if let profile = daemon.profile { badges.append(("profile \(profile)", .plain)) }
      if daemon.isBypassed == true { badges.append(("BYPASS", .warn)) }
      if daemon.isBypassed == false, daemon.profile != nil { badges.append(("processed", .good)) }
    case .connecting: badges.append(("CONNECTING", .warn))
    case .lost: badges.append(("GONE", .bad))
    }
    if state.isPaused { badges.append(("PAUSED", .warn)) }
    let end = columns - state.clock.count - 1
    for (text, style) in badges {
      guard place + text.places + 2 <= end else { break }
      place = grid.put(" \(text) ", style.reversed, row: 0, column: place)
    }
    grid.put(state.clock, CellStyle.plain.reversed, row: 0, column: end)
  }

  /// `4:05`, `1:02:03`, `3 d 04:05`.
  static func uptime(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "-" }
    let whole = Int(seconds)
    let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60)
    if days > 0 { return "\(days) d \(two(hours)):\(two(minutes))" }
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(whole % 60))" : "\(minutes):\(two(whole % 60))"
  }

  private static func footer(_ state: MonitorState, _ grid: inout CellGrid) {
    let row = grid.size.rows - 1
    if let message = state.message, state.now < state.messageEnds {
      grid.put(" " + message.fitted(grid.size.columns - 2, grid.glyphs), .warn, row: row, column: 0)
      return
    }
    var place = 1
    for (key, word) in keys(state) {
      guard place + key.count + word.count + 2 <= grid.size.columns else { break }
      place = grid.put(key, .bold, row: row, column: place)
      place = grid.put(" " + word + "  ", .dim, row: row, column: place)
    }
  }

  /// What the footer names: what the daemon can do, and the panel makes use of.
  static func keys(_ state: MonitorState) -> [(String, String)] {
    let has = { (name: String) in state.operations.contains(name) }
    var keys: [(String, String)] = [("q", "quit"), ("?", "help"), ("Tab", "panel"), ("jk", "choose")]
    if state.focus == .sessions, has("session.update") { keys += [("+-", "gain"), ("m", "mute")] }
    if state.focus == .mic, has("mic.update") { keys.append(("m", "mute")) }
    if state.focus == .streams, has("route.set") { keys.append(("r", "route")) }
    keys += [("d", "details"), ("p", state.isPaused ? "go on" : "pause")]
    if has("bypass.set") { keys.append(("b", "bypass")) }
    if has("profile.use") { keys.append(("P", "profile")) }
    if has("setting.reset") { keys.append(("c", "clear overrides")) }
    return keys
  }

  // MARK: Between them

  static func content(_ panel: MonitorState.Panel, _ state: MonitorState) -> PanelContent {
    switch panel {
    case .levels: LevelPanel.content(state)
    case .sessions: SessionPanel.content(state)
    case .mic: MicPanel.content(state)
    case .streams: StreamPanel.content(state)
    case .events: EventPanel.content(state)
    }
  }

  private static func panels(_ state: MonitorState, _ grid: inout CellGrid, _ rows: Range<Int>) {
    let contents = state.panels.map { ($0, content($0, state)) }
    let wishes = contents.map { panel, content in
      Arrangement.Wish(panel: panel, height: content.wantedHeight, minimum: panel == .events ? 2 : 3)
    }
    let frames = Arrangement.frames(wishes, rows: rows, columns: grid.size.columns, focus: state.focus)
    for (panel, content) in contents {
      guard let frame = frames[panel] else { continue }
      let hasFocus = state.focus == panel
      let selected = state.count(in: panel) > 0 ? state.selection(in: panel) : nil
      grid.put(content, in: frame, selected: selected, hasFocus: hasFocus)
    }
  }

  private static func absence(_ state: MonitorState, _ grid: inout CellGrid, _ rows: Range<Int>) {
    let middle = rows.lowerBound + max(rows.count / 2 - 1, 0)
    let put = { (text: String, style: CellStyle, row: Int, grid: inout CellGrid) in
      let text = text.places > grid.size.columns - 2 ? text.fitted(grid.size.columns - 2, grid.glyphs) : text
      grid.put(text, style, row: row, column: max((grid.size.columns - text.places) / 2, 0))
    }
    switch state.link {
    case .connected: break
    case .connecting: put("looking for the daemon", .bold, middle, &grid)
    case .lost(let reason, let retry):
      put("the daemon is gone", .bad, middle, &grid)
      put(reason, .plain, middle + 1, &grid)
      let seconds = max(Double((retry - state.now).nanoseconds) / 1e9, 0)
      put("trying again in \(Int(seconds.rounded(.up))) s", .dim, middle + 2, &grid)
    }
  }
}
