import AudioCore
import Control
import GraphFiles
import Mixer

/// What chains there are, and graphs with one in them.
enum ChainCommand: Command {
  static let name = "chain"
  static let summary = "ready chains of processors: list them, show one, or make a graph of one"
  static let usage = """
    usage: streamctl chain [list] [--json]
           streamctl chain show NAME|FILE.json
           streamctl chain graph NAME|FILE.json [--from KIND] [--to KIND] [--channels LAYOUT]
    graph prints a graph with the chain between a source and a sink: desktop_capture and stream_sink, so that sessions
    hear the desktop through it, or the kinds given. Load it with: streamctl chain graph night > night.json && streamctl
    graph load night.json --start. streamctl render tries a chain on a file. The format of chains is in docs/GRAPH.md.
    """
  static let values: Set<String> = ["--from", "--to", "--channels"]

  static func run(_ options: Options) throws -> ExitStatus {
    switch options.words.first {
    case nil, "list":
      try options.refuseWords(beyond: 1)
      list(options)
    case "show":
      try options.refuseWords(beyond: 2)
      print(try chain(options).json.text)
    case "graph":
      try options.refuseWords(beyond: 2)
      print(try graph(options).json().text)
    default: throw Failure(.usage, "usage", usage)
    }
    return .ok
  }

  private static func list(_ options: Options) {
    guard options.asJSON else {
      for chain in ChainPresets.all {
        let space = String(repeating: " ", count: max(14 - chain.name.count, 1))
        print(chain.name + space + chain.summary)
      }
      return
    }
    let list = ChainPresets.all.map { chain -> JSON in
      ["name": .string(chain.name), "summary": .string(chain.summary)]
    }
    print(JSON.object(["chains": .array(list)]).text)
  }

  private static func chain(_ options: Options) throws(Failure) -> Chain {
    guard options.words.count == 2 else { throw Failure(.usage, "usage", "which chain? \(usage)") }
    return try ChainFile.chain(options.words[1])
  }

  private static func graph(_ options: Options) throws(Failure) -> GraphDocument {
    let chain = try chain(options)
    let text = options.value("--channels") ?? "stereo"
    guard let layout = ChannelLayout(title: text) else {
      throw Failure(.usage, "usage", "--channels \(text): mono, stereo, 5.1, 7.1 or positions such as \"FL FR\"")
    }
    do throws(GraphDocumentError) {
      let made = try chain.graph(
        from: (options.value("--from") ?? "desktop_capture", [:]), to: (options.value("--to") ?? "stream_sink", [:]),
        layout: layout)
      return GraphDocument(graph: made.graph)
    } catch {
      throw Failure(.refused, error.code, error.message)
    }
  }
}
