import Control
import Glibc
import Wording

/// Finds the command and turns how it ended into output and exit status.
enum Program {
  static var commands: [any Command.Type] {
    [
      StatusCommand.self, SessionCommand.self, WatchCommand.self, MonitorCommand.self,
      ListenCommand.self, RecordCommand.self, ReportCommand.self, MicCommand.self, PTTCommand.self, RingCommand.self,
      DevicesCommand.self, ChannelsCommand.self, TestToneCommand.self, ProfileCommand.self, RouteCommand.self,
      PerAppCommand.self,
      BypassCommand.self,
      GetCommand.self, SetCommand.self, ResetCommand.self, ReloadCommand.self, ConfigCommand.self, MeasureCommand.self,
      RenderCommand.self, ChainCommand.self, GraphCommand.self, HTTPCommand.self, TokenCommand.self,
      RawCommand.self, DescribeCommand.self,
    ]
  }

  static func main(_ arguments: [String]) -> Int32 {
    var rest = arguments
    let asJSON = rest.contains("--json")
    guard let name = rest.first else {
      print(usage)
      return ExitStatus.usage.rawValue
    }
    if ["--help", "-h", "help"].contains(name) {
      print(usage)
      return 0
    }
    rest.removeFirst()
    guard let command = commands.first(where: { $0.name == name }) else {
      let known = commands.map { $0.name }
      let near = nearestName(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
      return Failure(.usage, "usage", "unknown command \(name)\(near)").report(asJSON: asJSON)
    }
    if rest.contains("--help") || rest.contains("-h") {
      print(command.usage)
      return 0
    }
    do {
      return try command.run(Options(rest, flags: command.flags, values: command.values)).rawValue
    } catch let failure as Failure {
      return failure.report(asJSON: asJSON)
    } catch let error as ControlClientError {
      return Failure(error).report(asJSON: asJSON)
    } catch {
      return Failure(.usage, "internal", "\(error)").report(asJSON: asJSON)
    }
  }

  static var usage: String {
    var text = "streamctl: drives and observes streamd\n\nusage: streamctl COMMAND [options]\n"
    for command in commands {
      text +=
        "  " + command.name + String(repeating: " ", count: max(12 - command.name.count, 1)) + command.summary + "\n"
    }
    return text + """

      Every command takes --json, --socket PATH and --help.
      Exit status: 0 ok, 2 usage, 3 not running, 4 not found, 5 refused, 6 timeout, 7 degraded.
      """
  }
}

/// One subcommand: one file.
protocol Command {
  static var name: String { get }
  static var summary: String { get }
  static var usage: String { get }
  /// Options without and with a value, besides those every command has.
  static var flags: Set<String> { get }
  static var values: Set<String> { get }
  static func run(_ options: Options) throws -> ExitStatus
}

extension Command {
  static var flags: Set<String> { [] }
  static var values: Set<String> { [] }
}

enum ExitStatus: Int32 {
  case ok = 0
  case usage = 2
  case notRunning = 3
  case notFound = 4
  case refused = 5
  case timeout = 6
  case degraded = 7
}

/// Why a command ended without what was asked for.
struct Failure: Error {
  let status: ExitStatus
  let json: JSON
  let message: String

  init(_ status: ExitStatus, _ code: String, _ message: String) {
    self.status = status
    self.message = message
    json = ["ok": false, "error": ["code": .string(code), "message": .string(message)]]
  }

  init(_ error: ControlClientError) {
    message = error.description
    if case .refused(let refusal) = error {
      json = ["ok": false, "error": refusal.json]
      switch refusal.code {
      case .notFound: status = .notFound
      case .parse, .badArgs, .unknownOp, .tooLarge: status = .usage
      case .timeout: status = .timeout
      default: status = .refused
      }
      return
    }
    json = ["ok": false, "error": ["code": .string(error.code), "message": .string(message)]]
    switch error {
    case .notRunning: status = .notRunning
    case .timeout: status = .timeout
    default: status = .refused
    }
  }

  func report(asJSON: Bool) -> Int32 {
    if asJSON { print(json.text) } else { Console.note("streamctl: \(message)") }
    return status.rawValue
  }
}
