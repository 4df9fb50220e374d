import Control

/// Figures in Prometheus' text format, version 0.0.4. Families are declared once, and a family without a figure is not there.
struct MetricsText {
  enum Kind: String {
    case counter, gauge, histogram
  }

  private(set) var text = ""

  mutating func family(
    _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: [(String, String)], value: Double?)]
  ) {
    let known = samples.filter { $0.value?.isFinite == true }
    guard !known.isEmpty else { return }
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    for sample in known { add(name, sample.labels, sample.value ?? 0) }
  }

  private mutating func add(_ name: String, _ labels: [(String, String)], _ value: Double) {
    let labels = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
    text += name + (labels.isEmpty ? "" : "{\(labels)}") + " " + Self.written(value) + "\n"
  }

  /// How often something took at most so long, as `status` has it.
  mutating func histogram(_ name: String, _ help: String, _ samples: [(labels: [(String, String)], times: JSON)]) {
    let known = samples.filter { $0.times["count"]?.doubleValue != nil }
    guard !known.isEmpty else { return }
    text += "# HELP \(name) \(help)\n# TYPE \(name) histogram\n"
    for (labels, times) in known {
      let count = times["count"]?.doubleValue ?? 0
      for (bound, below) in times["at_most_us"]?.objectValue ?? [:] {
        add(name + "_bucket", labels + [("le", Self.written((Double(bound) ?? 0) / 1e6))], below.doubleValue ?? 0)
      }
      add(name + "_bucket", labels + [("le", "+Inf")], count)
      add(name + "_sum", labels, (times["total_ms"]?.doubleValue ?? 0) / 1000)
      add(name + "_count", labels, count)
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
