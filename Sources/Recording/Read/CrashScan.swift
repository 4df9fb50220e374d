import AudioCore
import Glibc
import Synchronization

/// Finds what a process left that was killed, or a machine that lost power, and brings it in order: what waits in the live
/// memory goes into chunks, and the last chunk is sealed where its sound ends. Doing it twice changes nothing.
public struct CrashScan: Sendable {
  /// What has been done to a recording.
  public struct Outcome: Sendable, Equatable {
    public var folder: String
    public var uri: String
    /// Frames that were only in the live memory.
    public var savedFrames = 0
    public var sealedChunks: [SealedChunk] = []
    /// Files with the name of a chunk that are none of this recording, or broken. They are left as they are.
    public var foreign: [String] = []
    public var frames = 0
    public var length = 0

    /// Whether there was anything to do.
    public var isNews: Bool { savedFrames > 0 || !sealedChunks.isEmpty }
  }

  private let disk: any DiskLayer

  public init(disk: any DiskLayer = Disk()) { self.disk = disk }

  /// Live memories in a folder whose process has ended, by their paths, with the recordings' folders.
  public func left(in liveFolder: String) -> [(live: String, folder: String)] {
    ((try? disk.list(liveFolder)) ?? []).filter { $0.hasSuffix(".live") }.compactMap { name in
      let path = liveFolder + "/" + name
      guard let memory = try? LiveMemory(leftAt: path) else { return nil }
      return (path, memory.folder)
    }
  }

  /// Brings one recording in order. One that is being recorded is refused.
  public func recover(_ folder: String) throws(RecordingError) -> Outcome {
    let manifest: [Manifest.Entry]
    do throws(DiskError) { manifest = try Manifest.read(in: folder, on: disk) } catch {
      throw error.cause == .missing
        ? RecordingError(.notFound, "\(folder) is no recording", field: "path", hint: "it has no manifest")
        : RecordingError(error)
    }
    guard let head = manifest.first(where: { $0.kind == "recording" }), let live = head["live"] else {
      throw RecordingError(.damaged, "\(folder): the manifest does not say what was recorded")
    }
    let memory = try memory(live, of: folder, identity: head["id"])
    guard let terms = try terms(head, folder, memory) else {
      throw RecordingError(.damaged, "\(folder): neither manifest nor chunks say what was recorded")
    }
    let series = ChunkSeries(terms, disk: disk)
    if let face = memory?.face {
      series.clock = { position in
        let time = face.time(of: position, terms.format)
        return (time == 0 ? 0 : time + Int64(face.wallOffset.pointee.load(ordering: .relaxed)), time)
      }
    }
    var outcome = Outcome(folder: folder, uri: terms.uri)
    do throws(DiskError) {
      outcome.foreign = try series.resume()
      let before = series.frame
      if let memory { try drain(memory.face, series) }
      try series.finish()
      outcome.savedFrames = series.frame - before
      outcome.sealedChunks = series.takeSealed()
      (outcome.frames, outcome.length) = (series.frame, series.position)
      if outcome.isNews || !manifest.contains(where: { $0.kind == "stopped" || $0.kind == "recovered" }) {
        let entry = Manifest.Entry(
          "recovered",
          [("frames", "\(series.frame)"), ("length", "\(series.position)"), ("saved", "\(outcome.savedFrames)")])
        // The last line may have been torn.
        try disk.append([UInt8(ascii: "\n")] + Array(entry.line.utf8), to: folder + "/" + Manifest.name)
      }
    } catch {
      throw RecordingError(error)
    }
    memory?.remove()
    return outcome
  }

  private func memory(_ path: String, of folder: String, identity: String?) throws(RecordingError) -> LiveMemory? {
    let memory: LiveMemory
    do throws(RecordingError) { memory = try LiveMemory(leftAt: path) } catch {
      switch error.code {
      case .inUse:
        throw RecordingError(.inUse, "\(folder) is being recorded", field: "path", hint: "streamctl record stop")
      // What is broken is of no use, and what is in the chunks is not worse for it.
      default: return nil
      }
    }
    return "\(memory.identity)" == identity ? memory : nil
  }

  /// A memory that holds less than what has been saved has nothing more to say.
  private func drain(_ face: LiveFace, _ series: ChunkSeries) throws(DiskError) {
    let written = face.written.pointee.load(ordering: .acquiring)
    guard series.frame < written, written - series.frame <= face.capacity else { return }
    try LiveDrain.run(face, into: series) { _, _, _ in }
  }

  private func terms(
    _ head: Manifest.Entry, _ folder: String, _ memory: LiveMemory?
  ) throws(RecordingError) -> ChunkSeries.Terms? {
    let numbers = ((try? disk.list(folder)) ?? []).compactMap { ChunkSeries.number($0) }.sorted()
    let first = numbers.lazy.compactMap { try? ChunkHeader.read(folder + "/" + ChunkSeries.name($0), on: disk) }
      .first { "\($0.recording)" == head["id"] }
    if let first {
      return ChunkSeries.Terms(
        folder: folder, uri: first.uri, device: first.device, format: first.format, identity: first.recording,
        chunkFrames: memory?.chunkFrames ?? first.capacity,
        keptFrames: head.number("keep").map { $0 * first.format.rate.hertz })
    }
    guard let memory else {
      // It was killed before its first frame was saved, and its memory has gone.
      guard let format = Self.format(head), let chunkFrames = head.number("chunk_frames"), chunkFrames > 0 else {
        return nil
      }
      return ChunkSeries.Terms(
        folder: folder, uri: head["uri"] ?? "", device: head["device"] ?? "", format: format,
        identity: RecordingIdentity(), chunkFrames: chunkFrames)
    }
    return ChunkSeries.Terms(
      folder: folder, uri: head["uri"] ?? "", device: head["device"] ?? "", format: memory.format,
      identity: memory.identity, chunkFrames: memory.chunkFrames)
  }

  static func format(_ head: Manifest.Entry) -> RecordingFormat? {
    let labels = (head["channels"] ?? "").split(separator: ",").map { ChannelLabel(name: String($0)) }
    guard let hertz = head.number("rate"), RecordingFormat.rates.contains(hertz),
      let layout = ChannelLayout(labels.compactMap { $0 }), layout.count == labels.count,
      let samples = head["format"].flatMap({ SampleFormat(name: $0) })
    else { return nil }
    return RecordingFormat(rate: SampleRate(hertz: hertz), layout: layout, samples: samples)
  }
}
