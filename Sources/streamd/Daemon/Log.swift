import Glibc
import Settings
import Synchronization

/// Lines on standard error, in the form journald reads priorities from. Bounded: past a burst, lines are dropped and
/// their number is said.
final class Log: Sendable {
  private struct Budget {
    var second: Int = 0
    var used = 0
    var suppressed = 0
  }

  private let threshold: Int
  private let toJournal: Bool
  private let budget = Mutex(Budget())
  private static let linesPerSecond = 40

  init(level: Settings.LogLevel) {
    threshold = Self.priority(level)
    toJournal = getenv("JOURNAL_STREAM") != nil
  }

  /// Thread: any but render.
  func error(_ message: @autoclosure () -> String) { write(.error, message) }
  func warning(_ message: @autoclosure () -> String) { write(.warning, message) }
  func info(_ message: @autoclosure () -> String) { write(.info, message) }
  func debug(_ message: @autoclosure () -> String) { write(.debug, message) }

  private static func priority(_ level: Settings.LogLevel) -> Int {
    switch level {
    case .error: 3
    case .warning: 4
    case .info: 6
    case .debug: 7
    }
  }

  private func write(_ level: Settings.LogLevel, _ message: () -> String) {
    guard Self.priority(level) <= threshold else { return }
    let now = time(nil)
    let (allowed, suppressed) = budget.withLock { budget in
      if budget.second != now {
        budget.second = now
        budget.used = 0
      }
      budget.used += 1
      guard budget.used <= Self.linesPerSecond else {
        budget.suppressed += 1
        return (false, 0)
      }
      defer { budget.suppressed = 0 }
      return (true, budget.suppressed)
    }
    guard allowed else { return }
    if suppressed > 0 { emit(.warning, "\(suppressed) log lines were suppressed") }
    emit(level, message())
  }

  private func emit(_ level: Settings.LogLevel, _ message: String) {
    let prefix = toJournal ? "<\(Self.priority(level))>" : "streamd: \(level == .info ? "" : "\(level.rawValue): ")"
    // What came from outside may not forge a second line.
    let line = prefix + String(message.map { $0.isNewline ? " " : $0 }) + "\n"
    _ = line.withCString { Glibc.write(2, $0, strlen($0)) }
  }
}
