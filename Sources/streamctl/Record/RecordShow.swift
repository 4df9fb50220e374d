import AudioCore
import Control
import Recording

/// What a recording holds.
enum RecordShow {
  static func run(_ options: Options) throws -> ExitStatus {
    let folder = try RecordCommand.folder(options)
    let reader = try RecordExport.open(folder)
    var wrong = reader.broken
    if options.has("--verify") {
      do throws(RecordingError) { wrong = try reader.verify() } catch { throw Failure(error) }
    }
    print(options.asJSON ? json(reader, wrong).text : text(reader, wrong, isVerified: options.has("--verify")))
    return wrong.isEmpty ? .ok : .degraded
  }

  private static func json(_ reader: RecordingReader, _ wrong: [String]) -> JSON {
    let format = reader.format
    let gaps = reader.gaps.map { gap -> JSON in
      ["position": JSON(gap.position), "frames": JSON(gap.length), "cause": .string(gap.cause.name)]
    }
    let chunks = reader.chunkFacts.map { path, header -> JSON in
      [
        "path": .string(path), "number": JSON(header.number), "position": JSON(header.position),
        "frames": JSON(header.committed), "sealed": .bool(header.isSealed),
      ]
    }
    return [
      "path": .string(reader.folder), "uri": .string(reader.uri), "device": .string(reader.device),
      "format": [
        "sample_rate": JSON(format.rate.hertz), "channels": JSON(format.layout.count),
        "sample_format": .string(format.samples.name), "labels": JSON(format.layout.names),
      ],
      "length": JSON(reader.length), "frames": JSON(reader.frames),
      "seconds": JSON(Double(reader.length) / Double(format.rate.hertz)), "growing": .bool(reader.isGrowing),
      "wall_clock": reader.startedAt.map { JSON($0) } ?? .null, "gaps": .array(gaps), "chunks": .array(chunks),
      "broken": JSON(wrong),
    ]
  }

  private static func text(_ reader: RecordingReader, _ wrong: [String], isVerified: Bool) -> String {
    let format = reader.format
    let seconds = { (frames: Int) in fixed(Double(frames) / Double(format.rate.hertz), 3) }
    var lines = [
      "\(reader.uri): \(reader.device)",
      "\(format.layout.names.joined(separator: " ")), \(format.rate.hertz) Hz, \(format.samples.name), "
        + "\(seconds(reader.length)) s in \(RecordCommand.counted(reader.chunkFacts.count, "chunk"))"
        + (reader.isGrowing ? ", growing" : ""),
    ]
    for gap in reader.gaps.prefix(100) {
      lines.append("gap at \(seconds(gap.position)) s: \(gap.length) frames, \(gap.cause.name)")
    }
    if reader.gaps.count > 100 { lines.append("and \(reader.gaps.count - 100) gaps more") }
    if isVerified, wrong.isEmpty { lines.append("every sealed chunk is as it was recorded") }
    return (lines + wrong).joined(separator: "\n")
  }
}

extension Failure {
  init(_ error: RecordingError) {
    let status: ExitStatus =
      switch error.code {
      case .badField, .gap, .empty: .usage
      case .notFound: .notFound
      case .exists, .inUse, .damaged, .disk, .memory: .refused
      }
    self.init(status, error.code.rawValue, error.description)
  }
}
