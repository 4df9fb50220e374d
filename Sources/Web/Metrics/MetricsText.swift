/// Figures in Prometheus' text format, version 0.0.4. Families are declared once, and a family without a figure is not there.
struct MetricsText {
  enum Kind: String {
    case counter, gauge
  }

  private(set) var text = ""

  mutating func family(
    _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: [(String, String)], value: Double?)]
  ) {
    let known = samples.filter { $0.value?.isFinite == true }
    guard !known.isEmpty else { return }
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    for sample in known {
      let labels = sample.labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
      text += name + (labels.isEmpty ? "" : "{\(labels)}") + " " + Self.written(sample.value ?? 0) + "\n"
    }
  }

  mutating func figure(_ name: String, _ kind: Kind, _ help: String, _ value: Double?) {
    family(name, kind, help, [([], value)])
  }

  private static func written(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    return value.description
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
