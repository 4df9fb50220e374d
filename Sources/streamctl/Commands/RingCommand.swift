import Control

/// Lists or closes the rings that applications share with the daemon. Opening one is for the application itself: a ring
/// lives as long as the connection that opened it.
enum RingCommand: Command {
  static let name = "ring"
  static let summary = "list or close the memory rings of applications"
  static let usage = """
    usage: streamctl ring list          fill, level and counters of each
           streamctl ring close ID
    """

  static func run(_ options: Options) throws -> ExitStatus {
    switch options.words.first {
    case "list": try list(options)
    case "close": try close(options)
    case let word:
      throw Failure(.usage, "usage", (word.map { "unknown action \($0)" } ?? "which action?") + ": list or close")
    }
    return .ok
  }

  private static func list(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let reply = try options.connect().request("ring.list")
    if options.asJSON { return print(reply.text) }
    let rings = reply["rings"]?.arrayValue ?? []
    if rings.isEmpty { print("no ring is open") }
    for ring in rings { print(line(ring)) }
  }

  private static func close(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    guard options.words.count == 2 else { throw Failure(.usage, "usage", "ring close needs the ring's id") }
    let reply = try options.connect().request("ring.close", ["ring": .string(options.words[1])])
    print(options.asJSON ? reply.text : line(reply["ring"] ?? .null))
  }

  static func line(_ ring: JSON) -> String {
    let word = { (key: String) in ring[key]?.plain ?? "" }
    let name = word("name").isEmpty ? "" : " \"\(word("name"))\""
    let level = ring["peak_dbfs"].map { ", peak \($0.plain) dBFS" } ?? ""
    let faults = (ring["faults"]?.objectValue ?? [:]).map { "\($0.0) \($0.1.plain)" }.joined(separator: ", ")
    return "\(word("ring"))\(name) \(word("direction")) of process \(word("pid")), \(word("channels")) ch, "
      + "\(word("rate")) Hz, \(word("fill")) of \(word("frames")) frames, \(word("xruns")) xruns, "
      + "\(word("lost_frames")) lost\(level), \(word("state"))" + (faults.isEmpty ? "" : "; " + faults)
  }
}
