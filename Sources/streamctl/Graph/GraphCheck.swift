import AudioCore
import Control
import GraphFiles
import Mixer
import SoundFiles

/// Reads graphs and says what they are.
enum GraphCheck {
  /// A file larger than this is no graph.
  private static let longest = 4 << 20

  static func document(_ options: Options) throws(Failure) -> GraphDocument {
    guard options.words.count == 2 else { throw Failure(.usage, "usage", "which graph? \(GraphCommand.usage)") }
    let path = options.words[1]
    let json = try JSONFile.read(path, longest: longest, noun: "graph")
    do throws(GraphDocumentError) { return try GraphDocument(json) } catch {
      throw Failure(.refused, error.code, "\(path): \(error.message)")
    }
  }

  /// An engine with the graph in it. `files` nil leaves files alone.
  static func engine(
    _ document: GraphDocument, files: (any SoundFileAccess)?
  ) throws(Failure) -> (engine: Engine, report: CommitReport) {
    var settings = EngineSettings(rate: document.rate)
    settings.files = files
    let engine = Engine(settings)
    do throws(GraphError) { return (engine, try engine.commit(document.graph)) } catch {
      throw Failure(.refused, error.code, error.message)
    }
  }

  /// Everything but the files, which a check must not write.
  static func run(_ options: Options) throws(Failure) -> ExitStatus {
    let document = try document(options)
    let report: CommitReport
    do throws(GraphError) { report = try Engine.check(document.graph, rate: document.rate) } catch {
      throw Failure(.refused, error.code, error.message)
    }
    if options.asJSON {
      let json: JSON = [
        "ok": true, "nodes": JSON(report.nodes), "connections": JSON(report.connections),
        "rate": JSON(document.rate.hertz),
        "latency_frames": JSON(report.latency.value),
      ]
      print(json.text)
    } else {
      let milliseconds = report.latency.duration(at: document.rate).milliseconds
      print(
        "ok: \(report.nodes) nodes, \(report.connections) connections, \(document.rate.hertz) Hz, latency "
          + "\(report.latency.value) frames (\(milliseconds) ms)")
    }
    return .ok
  }

  static func nodes(_ options: Options) -> ExitStatus {
    if options.asJSON {
      print(CatalogText.json(.linked).text)
    } else {
      for line in CatalogText.lines(.linked) { print(line) }
    }
    return .ok
  }
}
