import Control

/// Clients' microphones: talks into one, shows them, opens and closes them.
enum MicCommand: Command {
  static let name = "mic"
  static let summary = "talk into the host's microphone; show, open, mute, close"
  static let usage = """
    usage: streamctl mic send [--tone HZ [--level DBFS] | --wav FILE | --source [NAME]] [--seconds N] [--json]
             --protocol sealed|gamestream|local   opens a microphone of its own over the control socket, or with
             --to HOST:PORT --rikey 32DIGITS --session-id N (sealed) | --rikeyid N (gamestream), --to PATH (local)
                                                  talks into one that is open
             --bitrate N  --frame 2.5|5|10|20  --channels 1|2  --dtx  --fec|--no-fec  --double-padding  --name NAME
             --lose PERCENT [--lose-burst N]  --jitter MS  --reorder PERCENT  --duplicate PERCENT  --seed N
             --ppm X  --mute-after S  --remote NAME
           Without a sound of its own it sends the default microphone. 64 kbit/s, 20 ms, mono, with in-band FEC.
           streamctl mic status [--watch] [--json]
           streamctl mic list
           streamctl mic open [--protocol P] [--name NAME] [--bind ADDRESS] [--port N] [--channels 1|2] [--own-source]
             [--rikey 32DIGITS] [--rikeyid N] [--allow-plaintext] [--ping-payload 16CHARACTERS] [--client-ip A]
             [--muted]
           streamctl mic mute|unmute [ID]     without ID the whole microphone
           streamctl mic close ID
           streamctl mic judge FILE.wav [--expect-tone HZ] [--expect-level DBFS]
                                              pitch, level and breaks of what a program recorded
    """
  static let flags: Set<String> = MicSendPlan.flags.union(MicOpen.flags).union(["--watch"])
  static let values: Set<String> = MicSendPlan.values.union(MicOpen.values).union(MicJudge.values)

  /// What each action understands.
  private static let actions: [String: Set<String>] = [
    "send": MicSendPlan.flags.union(MicSendPlan.values), "status": ["--watch"], "list": [],
    "open": MicOpen.flags.union(MicOpen.values), "mute": [], "unmute": [], "close": [],
    "judge": MicJudge.values,
  ]

  static func run(_ options: Options) throws -> ExitStatus {
    let action = options.words.first
    guard let action, let known = actions[action] else {
      let wrong = action.map { "unknown action \($0)" } ?? "which action?"
      throw Failure(.usage, "usage", wrong + ": send, status, list, open, mute, unmute, close or judge")
    }
    if let stranger = options.names.subtracting(known).sorted().first {
      throw Failure(.usage, "usage", "mic \(action) does not know \(stranger)")
    }
    switch action {
    case "send": return try MicSend.run(options)
    case "status": return try MicStatus.run(options)
    case "open": try MicOpen.run(options)
    case "judge": return try MicJudge.run(options)
    case "list": try list(options)
    case "close": try close(options)
    default: try mute(options, action == "mute")
    }
    return .ok
  }

  private static func list(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let reply = try options.connect().request("mic.list")
    if options.asJSON { return print(reply.text) }
    for line in MicStatusTable.table(reply["mic"]?["mics"]?.arrayValue ?? []) { print(line) }
  }

  private static func close(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    guard options.words.count == 2 else { throw Failure(.usage, "usage", "mic close needs the microphone's id") }
    let reply = try options.connect().request("mic.close", ["mic": .string(options.words[1])])
    print(options.asJSON ? reply.text : "closed \(options.words[1])")
  }

  private static func mute(_ options: Options, _ isMuted: Bool) throws {
    try options.refuseWords(beyond: 2)
    var arguments: JSONObject = ["muted": .bool(isMuted)]
    if options.words.count == 2 { arguments["mic"] = .string(options.words[1]) }
    let reply = try options.connect().request("mic.update", arguments)
    let what = options.words.count == 2 ? options.words[1] : "the microphone"
    print(options.asJSON ? reply.text : "\(what) is \(isMuted ? "muted" : "no longer muted")")
  }
}
