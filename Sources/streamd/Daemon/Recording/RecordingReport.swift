import AudioCore
import AudioIO
import Control
import Glibc
import Recording
import Wiring

/// Recordings as people and programs are told of them.
@ControlActor
enum RecordingReport {
  static func declareTopics(on bus: EventBus) {
    bus.declare("stream_started", .log, summary: "a recording has begun: what stream_list says of it")
    bus.declare("stream_stopped", .log, summary: "a recording has ended: its last figures, and whether all is saved")
    bus.declare("stream_chunk_full", .log, summary: "a chunk of a recording was sealed: path, frames, SHA-256")
    bus.declare("stream_head_position", .state, summary: "how far each recording has come, twice a second")
    bus.declare("stream_gap", .log, summary: "frames of a recording that are missing: where, how many, why")
    bus.declare(
      "stream_error", .log, summary: "what keeps a recording from the disk or from its device; with recovered when over"
    )
  }

  static func of(_ entry: Recordings.Entry) -> JSONObject {
    let recording = entry.stream.recording
    let facts = recording.facts
    var report: JSONObject = [
      "uri": .string(entry.request.uri), "device": .string(entry.request.device), "state": .string(state(entry, facts)),
      "path": .string(recording.terms.folder), "format": .object(format(entry.format)),
      "chunk_bytes": JSON(recording.terms.chunkBytes), "position": JSON(facts.position), "frames": JSON(facts.frames),
      "seconds": JSON(seconds(facts.position, entry.format)), "bytes": JSON(facts.savedBytes),
      "chunks": JSON(facts.chunks),
    ]
    if let path = facts.chunkPath {
      report["chunk"] = ["path": .string(path), "frames": JSON(facts.chunkFrames)]
    }
    if entry.stream.source.format.rate != entry.format.rate {
      report["source_rate"] = JSON(entry.stream.source.format.rate.hertz)
    }
    if let start = facts.startedAt { report["wall_clock"] = JSON(start) }
    if let absence = entry.stream.absence, absence.code != .starting {
      report["trouble"] = .string(absence.description)
    }
    if let trouble = facts.trouble {
      report["disk_trouble"] = ["code": .string(trouble.cause.rawValue), "message": .string(trouble.reason)]
    }
    return report
  }

  private static func state(_ entry: Recordings.Entry, _ facts: Recording.Facts) -> String {
    if entry.isEnding { return "stopping" }
    if let absence = entry.stream.absence, absence.code != .starting { return "waiting" }
    return facts.startedAt == nil ? "starting" : "recording"
  }

  private static func seconds(_ frames: Int, _ format: RecordingFormat) -> Double {
    (Double(frames) / Double(format.rate.hertz) * 1000).rounded() / 1000
  }

  static func format(_ format: RecordingFormat) -> JSONObject {
    [
      "type": "audio", "sample_rate": JSON(format.rate.hertz), "channels": JSON(format.layout.count),
      "sample_format": .string(format.samples.name), "labels": JSON(format.layout.names),
    ]
  }

  /// All that is counted.
  static func stats(_ entry: Recordings.Entry) -> JSONObject {
    let facts = entry.stream.recording.facts
    let source = entry.stream.source.report
    let peak = entry.stream.recording.takePeak()
    var report: JSONObject = [
      "uri": .string(entry.request.uri), "callbacks": JSON(facts.callbacks), "frames": JSON(facts.frames),
      "saved_frames": JSON(facts.savedFrames), "position": JSON(facts.position), "bytes": JSON(facts.savedBytes),
      "write_errors": JSON(facts.writeErrors), "gaps": JSON(facts.gaps), "gap_frames": JSON(facts.gapFrames),
      "dropped_frames": JSON(facts.droppedFrames), "chunks": JSON(facts.chunks),
      "waiting_frames": JSON(facts.frames - facts.savedFrames), "memory_frames": JSON(facts.liveFrames),
      "memory_locked": .bool(facts.isLocked), "xruns": JSON(source.xruns), "quantum": JSON(source.quantum),
      "scheduling": .string(source.scheduling),
    ]
    report["peak_dbfs"] = peak > 0 ? JSON((Double(log10(peak)) * 200).rounded() / 10) : .null
    if let faults = entry.pageFaults(facts) { report["page_faults"] = JSON(faults) }
    return report
  }

  static func chunk(_ chunk: SealedChunk, uri: String, _ format: RecordingFormat) -> JSON {
    var report: JSONObject = [
      "uri": .string(uri), "number": JSON(chunk.number), "path": .string(chunk.path), "bytes": JSON(chunk.bytes),
      "frames": JSON(chunk.frames), "samples": JSON(chunk.frames * format.layout.count),
      "position": JSON(chunk.position),
      "length": JSON(chunk.length), "wall_clock": JSON(chunk.wallTime), "sha256": .string(chunk.digest),
    ]
    if let stored = chunk.stored { report["stored"] = .string(stored) }
    return .object(report)
  }

  static func head(_ facts: Recording.Facts, uri: String, _ format: RecordingFormat) -> JSON {
    [
      "uri": .string(uri), "position": JSON(facts.position), "frames": JSON(facts.frames),
      "samples": JSON(facts.frames * format.layout.count), "bytes": JSON(facts.frames * format.frameBytes),
      "saved_bytes": JSON(facts.savedBytes), "wall_clock": facts.startedAt.map { JSON($0) } ?? .null,
    ]
  }

  /// Page faults of a thread that renders, as the kernel counts them; those of others that it renders are among them. Nil of
  /// one that has ended.
  static func faults(of thread: UInt) -> Int? {
    guard thread != 0, let file = fopen("/proc/self/task/\(thread)/stat", "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 1024)
    guard fgets(&line, Int32(line.count), file) != nil else { return nil }
    // Behind the name, which may have anything in it.
    let text = line.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    guard let end = text.lastIndex(of: ")") else { return nil }
    let words = text[text.index(after: end)...].split(separator: " ")
    guard words.count > 9, let minor = Int(words[7]), let major = Int(words[9]) else { return nil }
    return minor + major
  }
}
