/// The figures as text, for people or for programs.
struct Report {
  let limits: [String: Double]

  static let header =
    pad("case", 32) + left("ours min", 11) + left("median", 11) + left("floor min", 11) + left("median", 11)
    + left("ratio", 8) + left("limit", 7) + left("over", 9) + "  unit"

  /// Whole packets in microseconds, everything else in nanoseconds; what we add is always in nanoseconds.
  func row(_ result: Measurement) -> String {
    let micro = result.ours.minimum >= 10_000
    let scale = micro ? 1000.0 : 1
    let times = [result.ours.minimum, result.ours.median, result.floor.minimum, result.floor.median]
    let limit = limits[result.name].map { fixed($0, 2) } ?? "-"
    return Self.pad(result.name, 32) + times.map { Self.left(fixed($0 / scale, micro ? 2 : 1), 11) }.joined()
      + Self.left(fixed(result.ratio, 3), 8) + Self.left(limit, 7) + Self.left(fixed(result.overhead, 0), 9)
      + "  \(micro ? "µs" : "ns") a \(result.unit)" + (exceeds(result) ? "  TOO SLOW" : "")
      + (result.note.map { "\n  \($0)" } ?? "")
  }

  /// One object a line.
  func json(_ result: Measurement) -> String {
    let numbers = [
      ("ours_min_ns", result.ours.minimum), ("ours_median_ns", result.ours.median),
      ("floor_min_ns", result.floor.minimum), ("floor_median_ns", result.floor.median),
      ("overhead_ns", result.overhead),
    ]
    let fields =
      ["\"case\":\"\(result.name)\"", "\"unit\":\"\(result.unit)\""]
      + numbers.map { "\"\($0.0)\":\(fixed($0.1, 2))" }
      + ["\"ratio\":\(fixed(result.ratio, 4))", "\"limit\":\(limits[result.name].map { fixed($0, 2) } ?? "null")"]
      + (result.note.map { ["\"note\":\"\($0)\""] } ?? [])
    return "{" + fields.joined(separator: ",") + "}"
  }

  func exceeds(_ result: Measurement) -> Bool { limits[result.name].map { result.ratio > $0 } ?? false }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(width - text.count, 1))
  }

  private static func left(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(width - text.count, 1)) + text
  }
}

/// A number with so many decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  var factor = 1
  for _ in 0..<decimals { factor *= 10 }
  let scaled = Int((value.magnitude * Double(factor)).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard decimals > 0 else { return sign + String(scaled) }
  let rest = String(scaled % factor)
  return sign + "\(scaled / factor)." + String(repeating: "0", count: decimals - rest.count) + rest
}
