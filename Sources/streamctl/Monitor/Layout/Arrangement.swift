/// Where panels stand. Pure: what each wants and how much room there is goes in.
enum Arrangement {
  /// From here on panels stand side by side.
  static let wide = 132

  struct Wish: Hashable {
    var panel: MonitorState.Panel
    var height: Int
    /// Below this nothing can be read.
    var minimum = 3
  }

  /// The frames of all panels within the rows between header and footer.
  /// What the user is at, `focus`, is never left out.
  static func frames(
    _ wishes: [Wish], rows: Range<Int>, columns: Int, focus: MonitorState.Panel
  ) -> [MonitorState.Panel: PanelFrame] {
    guard columns >= wide else { return stack(wishes, rows: rows, left: 0, width: columns, focus) }
    // Levels at the left, people at the right, and what happened below both.
    let events = wishes.filter { $0.panel == .events }
    let left = wishes.filter { $0.panel == .levels }
    let right = wishes.filter { $0.panel != .events && $0.panel != .levels }
    let height = max(min(max(events.first?.height ?? 0, rows.count / 5), rows.count / 3), 2)
    let border = rows.upperBound - height
    let half = (columns - 2) / 2
    var frames = stack(left, rows: rows.lowerBound..<border, left: 0, width: half, focus)
    frames.merge(stack(right, rows: rows.lowerBound..<border, left: half + 2, width: columns - half - 2, focus)) { $1 }
    frames.merge(stack(events, rows: border..<rows.upperBound, left: 0, width: columns, focus)) { $1 }
    return frames
  }

  private static func stack(
    _ wishes: [Wish], rows: Range<Int>, left: Int, width: Int, _ focus: MonitorState.Panel
  ) -> [MonitorState.Panel: PanelFrame] {
    let heights = heights(wishes, total: rows.count, first: focus)
    var frames: [MonitorState.Panel: PanelFrame] = [:]
    var top = rows.lowerBound
    for (wish, height) in zip(wishes, heights) where height > 0 {
      frames[wish.panel] = PanelFrame(top: top, left: left, height: height, width: width)
      top += height
    }
    return frames
  }

  /// First everybody's minimum, in order but for `first`; then everybody grows alike up to what it wants; the last has what
  /// is left.
  static func heights(_ wishes: [Wish], total: Int, first: MonitorState.Panel? = nil) -> [Int] {
    var heights = [Int](repeating: 0, count: wishes.count)
    var left = total
    let order = wishes.indices.sorted { wishes[$0].panel == first && wishes[$1].panel != first }
    for index in order {
      let least = min(wishes[index].minimum, wishes[index].height)
      guard least <= left else { break }
      heights[index] = least
      left -= least
    }
    while left > 0 {
      let growing = wishes.indices.filter { heights[$0] > 0 && heights[$0] < wishes[$0].height }
      guard !growing.isEmpty else { break }
      for index in growing where left > 0 {
        heights[index] += 1
        left -= 1
      }
    }
    if let last = heights.lastIndex(where: { $0 > 0 }) { heights[last] += left }
    return heights
  }
}
