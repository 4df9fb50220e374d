import Control
import Glibc

/// Files checked without a daemon, and what a daemon makes of them.
enum ConfigCommand: Command {
  static let name = "config"
  static let summary = "check files of profiles and settings; show or compare what holds"
  static let usage = """
    usage: streamctl config check [FILE...]    without FILE, everything the daemon would read
           streamctl config show [--origin]    every value of the profile in use, and who said so
           streamctl config diff [FROM] TO     what would change from one profile to another
    `check` needs no daemon. It names every mistake with file, line and column; its status is 2 if there is any.
    A file is a profile or the daemon's configuration, whichever it is more like; --profile or --settings says so.
    """
  static let flags: Set<String> = ["--origin", "--profile", "--settings"]

  static func run(_ options: Options) throws -> ExitStatus {
    switch options.words.first {
    case "check": return try check(options)
    case "show": try show(options)
    case "diff": try ProfileCommand.diff(options)
    default: throw Failure(.usage, "usage", usage)
    }
    return .ok
  }

  private static func check(_ options: Options) throws -> ExitStatus {
    let kind: ConfigCheck.Kind? = options.has("--profile") ? .profile : options.has("--settings") ? .settings : nil
    let files = options.words.dropFirst().map { absolute($0) }
    let findings = files.isEmpty ? ConfigCheck.everything() : ConfigCheck.check(files, as: kind)
    let isGood = findings.allSatisfy(\.errors.isEmpty)
    if options.asJSON {
      print(JSON.object(["ok": .bool(isGood), "files": .array(findings.map(\.json))]).text)
    } else {
      for finding in findings {
        for line in finding.lines { Console.note(line) }
        if finding.errors.isEmpty { print("\(finding.title): good") }
      }
    }
    return isGood ? .ok : .usage
  }

  private static func show(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let reply = try options.connect().request("setting.list")
    if options.asJSON { return print(reply.text) }
    if options.has("--origin") { return SettingText.origins(reply) }
    for setting in reply["origins"]?.arrayValue ?? [] {
      print("\(setting["key"]?.plain ?? "") = \(setting["value"]?.text ?? "")")
    }
  }

  /// Messages and folders name a file the same way from everywhere.
  private static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
    defer { free(here) }
    return String(cString: here) + "/" + path
  }
}
