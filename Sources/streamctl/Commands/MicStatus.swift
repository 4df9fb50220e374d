import AudioCore
import Control

/// `mic status`: what the daemon's microphone does, once or every second. Exit status 7 when it is degraded.
enum MicStatus {
  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 1)
    let isWatching = options.has("--watch")
    if isWatching { Pause.takeSignals() }
    let client = try options.connect()
    var drawn = 0
    var due = renderNow()
    while true {
      let status = try client.request("status")
      guard let mic = status["mic"], !mic.isNull else {
        throw Failure(.refused, "no_mic", "this daemon has no microphone; is it older than this program?")
      }
      if options.asJSON {
        Terminal.write(mic.text + "\n")
      } else {
        let lines = MicStatusTable.lines(mic)
        if case .terminal = Terminal.style, drawn > 0 { Terminal.write("\u{1B}[\(drawn)A\u{1B}[J") }
        drawn = lines.count
        Terminal.write(lines.joined(separator: "\n") + "\n")
      }
      due = max(due + .seconds(1), renderNow())
      guard isWatching, !Pause.wait(until: due) else { return mic["state"] == "degraded" ? .degraded : .ok }
    }
  }
}
