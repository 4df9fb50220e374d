import AudioCore
import CLinux
import Control
import Glibc

/// What standard output is, and how to write to it at once.
enum Terminal {
  static var style: MeterLine.Style {
    guard isatty(1) == 1 else { return .plain }
    var size = winsize()
    let known = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    let variables: [String] = ["LC_ALL", "LC_CTYPE", "LANG"]
    let locale =
      variables.lazy
      .compactMap { name in getenv(name).map { String(cString: $0) } }.first { !$0.isEmpty } ?? ""
    let unicode = locale.uppercased().hasSuffix("UTF-8") || locale.uppercased().hasSuffix("UTF8")
    return .terminal(columns: known ? Int(size.ws_col) : 80, unicode: unicode)
  }

  static func write(_ text: String) {
    _ = text.withCString { Glibc.write(1, $0, strlen($0)) }
  }
}

/// Waiting for a time or for the user, in a program that has no loop of its own.
enum Pause {
  /// Signals end the program as they usually do.
  static func sleep(_ duration: HostDuration) {
    guard duration.nanoseconds > 0 else { return }
    usleep(UInt32(clamping: duration.nanoseconds / 1000))
  }

  private static let signals: [Int32] = [SIGINT, SIGTERM, SIGHUP]

  /// Keeps the signals for `wait`. Before any thread starts: threads inherit it.
  static func takeSignals() { EventLoop.block(signals) }

  /// True when a signal ended the wait. Nil waits for the signal alone.
  @discardableResult
  static func wait(until deadline: HostTime?) -> Bool {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    var information = siginfo_t()
    guard let deadline else { return sigwaitinfo(&set, &information) > 0 }
    let left = max((deadline - renderNow()).nanoseconds, 0)
    var limit = timespec()
    limit.tv_sec = Int(left / 1_000_000_000)
    limit.tv_nsec = Int(left % 1_000_000_000)
    return sigtimedwait(&set, &information, &limit) > 0
  }
}
