import Control
import Mixer

/// Graphs of nodes, without the daemon.
enum GraphCommand: Command {
  static let name = "graph"
  static let summary = "show, load, save, start and stop the daemon's graph; check or render one without it"
  static let usage = """
    usage: streamctl graph [show] [--watch] [--dot] [--json]
           streamctl graph load GRAPH.json [--start]
           streamctl graph save [FILE]
           streamctl graph start | stop
           streamctl graph check GRAPH.json
           streamctl graph render GRAPH.json --seconds N --out FILE [--encoding f32|s16|s24]
           streamctl graph nodes
    show, load, save, start and stop are for the graph that the daemon runs; the rest needs neither it nor PipeWire.
    render runs the graph without a device, as fast as it goes, and writes what its output nodes are given to FILE: .wav,
    .flac or .ogg. The same graph gives the same bytes every time. check says what is wrong with a graph; nodes, what it
    may be made of. The format of graphs is in docs/GRAPH.md.
    """
  static let flags: Set<String> = ["--watch", "--dot", "--start"]
  static let values: Set<String> = ["--seconds", "--out", "--encoding"]

  static func run(_ options: Options) throws -> ExitStatus {
    switch options.words.first {
    case nil, "show":
      try options.refuseWords(beyond: 1)
      return try GraphLive.show(options)
    case "load":
      try options.refuseWords(beyond: 2)
      return try GraphLive.load(options)
    case "save":
      try options.refuseWords(beyond: 2)
      return try GraphLive.save(options)
    case "start", "stop":
      try options.refuseWords(beyond: 1)
      return try GraphLive.run(options.words[0], options)
    case "check":
      try options.refuseWords(beyond: 2)
      return try GraphCheck.run(options)
    case "render":
      try options.refuseWords(beyond: 2)
      return try GraphRender.run(options)
    case "nodes":
      try options.refuseWords(beyond: 1)
      return GraphCheck.nodes(options)
    default: throw Failure(.usage, "usage", usage)
    }
  }
}
