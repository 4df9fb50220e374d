import TestSupport
import Testing

/// The real daemon and the real command line against a PipeWire of their own. One test at a time: they measure time on
/// graphs that run in real time.
@Suite(.serialized) struct DaemonTests {}

/// The programs that were built beside these tests.
enum Products {
  static let streamd = BuiltProgram.path("streamd")
  static let streamctl = BuiltProgram.path("streamctl")
}

/// What a test measured, for whoever reads its output.
func measured(_ what: String, _ value: Double, _ unit: String) {
  print("measured: \(what) \((value * 1000).rounded() / 1000) \(unit)")
}
