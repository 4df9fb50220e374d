import Control
internal import Glibc

/// How loud everything was since the last question, as `meters.read` has it.
enum LevelFigures {
  private static let kinds = [
    ("buses", "bus"), ("sessions", "session"), ("mics", "mic"), ("talkers", "talker"), ("channels", "channel"),
    ("nodes", "node"),
  ]
  private static let loudness = [
    ("momentary_lufs", "momentary"), ("short_term_lufs", "short_term"), ("integrated_lufs", "integrated"),
  ]
  private static let reductions = [
    ("reduction_db", "node"), ("compression_db", "compressor"), ("limiting_db", "limiter"),
  ]

  private struct Thing {
    var labels: [(String, String)]
    var reading: JSON
  }

  static func add(_ window: JSON, to page: inout MetricsText) {
    let things = kinds.flatMap { list, kind in
      (window[list]?.arrayValue ?? []).map { reading in
        Thing(labels: [("kind", kind), ("name", reading[kind]?.stringValue ?? "")], reading: reading)
      }
    }
    func figures(_ names: [(String, String)], _ label: String) -> [(labels: [(String, String)], value: Double?)] {
      things.flatMap { thing in names.map { (thing.labels + [(label, $0.1)], thing.reading[$0.0]?.doubleValue) } }
    }
    page.family(
      "streamd_level_dbfs", .gauge,
      "How loud it was since the last look, of all its channels: highest, and mean power.",
      things.flatMap { thing in
        [
          (thing.labels + [("stat", "peak")], numbers(thing.reading["peak_dbfs"]).max()),
          (thing.labels + [("stat", "rms")], power(numbers(thing.reading["rms_dbfs"]))),
        ]
      })
    page.family("streamd_loudness_lufs", .gauge, "Loudness now, after EBU R 128.", figures(loudness, "window"))
    page.family(
      "streamd_true_peak_dbtp", .gauge, "Highest true peak.",
      things.map { ($0.labels, $0.reading["true_peak_dbtp"]?.doubleValue) })
    page.family(
      "streamd_gain_reduction_db", .gauge, "The most that was taken away since the last look.",
      figures(reductions, "stage"))
  }

  private static func numbers(_ list: JSON?) -> [Double] { (list?.arrayValue ?? []).compactMap(\.doubleValue) }

  private static func power(_ levels: [Double]) -> Double? {
    guard !levels.isEmpty else { return nil }
    return 10 * log10(levels.reduce(0) { $0 + pow(10, $1 / 10) } / Double(levels.count))
  }
}
