import Glibc
import TestSupport

/// What is told of a campaign; how often it repeats is the matter of `Breadth`.
enum Campaign {
  /// Figures of a series, printed.
  static func report(_ what: String, _ values: [Double], _ unit: String) {
    let sorted = values.sorted()
    guard let last = sorted.last else { return }
    func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
    print(
      "\(what): median \(rounded(sorted[sorted.count / 2])), worst \(rounded(last)) \(unit) of \(sorted.count)")
  }

  /// Resident memory in megabytes.
  static func memory(of pid: pid_t) -> Double {
    guard let file = fopen("/proc/\(pid)/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 128, file) != nil else { return 0 }
    let fields = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(
      separator: " ")
    return fields.count > 1 ? (Double(fields[1]) ?? 0) * 4096 / 1_048_576 : 0
  }
}
