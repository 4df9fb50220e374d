import AudioCore
import CNcurses
import Control
import Glibc

/// What the daemon does, on the whole screen; or its events as JSON lines.
enum MonitorCommand: Command {
  static let name = "monitor"
  static let summary = "the daemon on a full screen: meters, sessions, microphone, events"
  static let usage = """
    usage: streamctl monitor [--rate HZ] [--ascii] [--no-colour]
           streamctl monitor --json TOPIC[,TOPIC…] [--rate HZ]     events as JSON lines, meters HZ a second
    Keys: Tab and arrows choose, + - gain, m mute, d details, p pause, ? help, q end. Without colours (NO_COLOR) and on
    ASCII terminals shapes and words say the same.
    """
  static let flags: Set<String> = ["--ascii", "--no-colour"]
  static let values: Set<String> = ["--rate"]

  static func run(_ options: Options) throws -> ExitStatus {
    if options.asJSON { return try EventLines.run(options) }
    try options.refuseWords(beyond: 0)
    let rate = try options.integer("--rate", in: 1...60) ?? 25
    guard let path = options.socketPath else { throw Options.noSocket }
    guard isatty(0) == 1, isatty(1) == 1 else {
      throw Failure(.usage, "usage", "monitor needs a terminal; monitor --json meters writes lines")
    }
    let takesUnicode = cncurses_takes_unicode() != 0 && !options.has("--ascii")
    let withColours = !options.has("--no-colour") && (environmentVariable("NO_COLOR") ?? "").isEmpty
    guard let screen = Screen(withColours: withColours) else {
      throw Failure(
        .usage, "terminal", "the terminal \(environmentVariable("TERM") ?? "without TERM") cannot be drawn on")
    }
    var run = MonitorRun(path: path, screen: screen, glyphs: takesUnicode ? .unicode : .ascii, rate: rate)
    _ = run.run()
    return .ok
  }

  private static func environmentVariable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
