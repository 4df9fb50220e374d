import Control

/// The microphone as a person reads it: a line for the device, a row for each talker.
enum MicStatusTable {
  private static let columns: [(title: String, key: String, unit: String)] = [
    ("level", "level_dbfs", " dBFS"), ("buffer", "buffer_ms", " ms"), ("target", "target_ms", " ms"),
    ("ppm", "ppm", ""), ("concealed", "concealed_ms", " ms"), ("late", "late", ""), ("lost", "lost", ""),
  ]

  /// `mic` is what `status` says of it.
  static func lines(_ mic: JSON) -> [String] {
    var head = "microphone \"\(word(mic, "source"))\": \(word(mic, "state"))"
    if let reason = mic["reason"] { head += ", \(reason.plain)" }
    if let recorders = mic["recorders"]?.intValue {
      head += ", \(recorders == 1 ? "1 recorder" : "\(recorders) recorders")"
    }
    if mic["level_dbfs"]?.doubleValue != nil { head += ", \(word(mic, "level_dbfs")) dBFS" }
    return [head] + table(mic["mics"]?.arrayValue ?? [])
  }

  static func table(_ mics: [JSON]) -> [String] {
    guard !mics.isEmpty else { return ["nobody talks: no microphone is open"] }
    let names = ["mic", "name", "protocol", "state"]
    var rows = [names + columns.map(\.title)]
    for mic in mics {
      var row = names.map { word(mic, $0) }
      if mic["muted"] == true, row[3] != "muted" { row[3] += ", muted" }
      for column in columns {
        let value = word(mic, column.key)
        row.append(value == "-" ? value : value + column.unit)
      }
      rows.append(row)
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let space = String(repeating: " ", count: widths[column] - cell.count)
        // Words to the left, numbers to the right.
        line += (column == 0 ? "" : "  ") + (column < names.count ? cell + space : space + cell)
      }
      return line
    }
  }

  private static func word(_ json: JSON, _ key: String) -> String {
    guard let value = json[key], !value.isNull else { return "-" }
    if value.intValue == nil, let number = value.doubleValue { return fixed(number, 1) }
    return value.plain.isEmpty ? "-" : value.plain
  }
}
