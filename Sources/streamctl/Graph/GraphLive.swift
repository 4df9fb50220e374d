import AudioCore
import Control
import Glibc
import GraphFiles

/// The graph of the daemon that runs: shows it, brings another, keeps it in a file, starts and stops it.
enum GraphLive {
  static func show(_ options: Options) throws -> ExitStatus {
    let client = try options.connect()
    Pause.takeSignals()
    repeat {
      let reply = try client.request("graph")
      let picture = GraphShow(reply)
      if options.asJSON {
        print(reply.text)
      } else if options.has("--dot") {
        print(picture.dot())
      } else {
        if options.has("--watch"), isatty(1) != 0 { print("\u{1B}[H\u{1B}[2J", terminator: "") }
        print(picture.lines().joined(separator: "\n"))
      }
      fflush(nil)
      guard options.has("--watch") else { break }
    } while !Pause.wait(until: renderNow() + .milliseconds(500))
    return .ok
  }

  /// Checked here first, so that what is wrong is said with its place in the file.
  static func load(_ options: Options) throws -> ExitStatus {
    let document = try GraphCheck.document(options)
    let client = try options.connect()
    let reply = try client.request("load", ["document": document.json()])
    if options.has("--start") { _ = try client.request("start") }
    if options.asJSON {
      print(reply.text)
    } else {
      Console.note(
        "graph: \(reply["nodes"]?.intValue ?? 0) nodes, latency \(reply["latency"]?.intValue ?? 0) frames, "
          + "generation \(reply["generation"]?.intValue ?? 0)")
    }
    return .ok
  }

  static func save(_ options: Options) throws -> ExitStatus {
    let document = try options.connect().request("save")["document"] ?? .null
    guard options.words.count == 2 else {
      print(document.text)
      return .ok
    }
    let path = options.words[1]
    guard let file = fopen(path, "we") else {
      throw Failure(.refused, "file_error", "\(path): \(String(cString: strerror(errno)))")
    }
    fputs(document.text + "\n", file)
    guard fclose(file) == 0 else {
      throw Failure(.refused, "file_error", "\(path): \(String(cString: strerror(errno)))")
    }
    return .ok
  }

  static func run(_ verb: String, _ options: Options) throws -> ExitStatus {
    let reply = try options.connect().request(verb)
    if options.asJSON {
      print(reply.text)
    } else {
      Console.note("graph: \(reply["state"]?["value"]?.stringValue ?? "")")
    }
    return .ok
  }
}
