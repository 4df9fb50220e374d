import Control

/// How applications' sound is treated and where it goes.
enum ProfileCommand: Command {
  static let name = "profile"
  static let summary = "list, use, show or switch off profiles"
  static let usage = """
    usage: streamctl profile [list]            what there is; * marks the one in use
           streamctl profile use NAME          from now on, and after a restart
           streamctl profile off               routes nothing; every application plays where it did before
           streamctl profile show [NAME] [--origin]
           streamctl profile diff [FROM] TO    what would change
           streamctl profile reload            reads the files again; a saved file is noticed without it
    docs/PROFILES.md says what a profile is made of. `streamctl config check FILE` checks one.
    """
  static let flags: Set<String> = ["--origin"]

  static func run(_ options: Options) throws -> ExitStatus {
    switch options.words.first {
    case nil, "list": try list(options)
    case "use": try use(options)
    case "off": try off(options)
    case "show": try show(options)
    case "diff": try diff(options)
    case "reload": try ReloadCommand.reload(options, words: 1)
    default: throw Failure(.usage, "usage", usage)
    }
    return .ok
  }

  private static func list(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let reply = try options.connect().request("profile.list")
    if options.asJSON { return print(reply.text) }
    for profile in reply["profiles"]?.arrayValue ?? [] {
      let mark = profile["active"] == true ? "*" : " "
      let name = profile["name"]?.plain ?? ""
      print("\(mark) \(name.padded(to: 18)) \(profile["description"]?.plain ?? "")")
    }
    for warning in reply["warnings"]?.arrayValue ?? [] { Console.note(warning.plain) }
  }

  private static func use(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    guard options.words.count == 2 else { throw Failure(.usage, "usage", "profile use needs a profile's name") }
    let reply = try options.connect().request("profile.use", ["name": .string(options.words[1])])
    if options.asJSON { return print(reply.text) }
    print("profile \(reply["name"]?.plain ?? "") in use")
    for warning in reply["warnings"]?.arrayValue ?? [] { Console.note(warning.plain) }
  }

  private static func off(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let reply = try options.connect().request("profile.off")
    print(options.asJSON ? reply.text : "no profile in use: nothing is routed")
  }

  private static func show(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    var arguments = JSONObject()
    if options.words.count == 2 { arguments["name"] = .string(options.words[1]) }
    if options.has("--origin") {
      let reply = try options.connect().request("setting.list", arguments)
      return options.asJSON ? print(reply.text) : SettingText.origins(reply)
    }
    print(try options.connect().request("profile.show", arguments).text)
  }

  /// Also what `config diff` does.
  static func diff(_ options: Options) throws {
    try options.refuseWords(beyond: 3)
    let names = options.words.dropFirst()
    guard let to = names.last else { throw Failure(.usage, "usage", "profile diff needs a profile's name") }
    var arguments: JSONObject = ["to": .string(to)]
    if names.count == 2, let from = names.first { arguments["from"] = .string(from) }
    let reply = try options.connect().request("profile.diff", arguments)
    options.asJSON ? print(reply.text) : SettingText.changes(reply)
  }
}
