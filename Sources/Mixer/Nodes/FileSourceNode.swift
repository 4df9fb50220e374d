import AudioCore

/// Plays a sound file. A worker reads ahead, at the graph's rate and in its channels, into a ring that render empties.
enum FileSourceNode: NodeKind {
  static let kind = "file_source"
  static let summary = "Plays a sound file: WAV, FLAC, Ogg and what else libsndfile reads, of any rate."
  static let settings: [SettingSpec] = [
    SettingSpec("path", "the file", .text, initial: nil), .layout("channels", "that come out; the file's are mapped"),
    SettingSpec(
      "start", "where to begin: another value seeks", .number(0...1_000_000), unit: .seconds, initial: .number(0)),
  ]
  static let parameters: [ParameterSpec] = [.toggle("loop", "begins again at the end")]
  static let readings = [ReadingSpec("starved", "frames that were not read in time", unit: .frames)]

  static func shape(_ settings: Settings) -> NodeShape { .source(settings.layout()) }

  static func memory(_ settings: Settings, _ rate: SampleRate) -> Int {
    65_536 * settings.layout().count * MemoryLayout<Float>.size
  }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    guard let files = context.files else {
      throw NodeRefusal(code: "unavailable", message: "files are not at hand here")
    }
    let settings = context.settings
    let layout = settings.layout()
    let file = try NodeRefusal.opening { () throws(SoundFileError) in
      let file = try files.reader(path: settings.text("path"))
      let first = Int(settings.number("start") * Double(file.rate.hertz))
      if first > 0 { try file.seek(to: min(first, file.length?.value ?? first)) }
      return file
    }
    var writer = AudioRing.Writer(
      channels: layout.count, minimumCapacity: FrameCount(max(32_768, 4 * context.block.value)))
    let ring = writer.makeReader()
    let feeder = FileFeeder(file, ring: writer, layout: layout, rate: context.rate, parameters: context.parameters)
    while feeder.step() {}
    return FileSourceProcessor(
      context, worker: feeder,
      FileSourceState(ring: ring, ended: feeder.ended.flag, starved: context.readings.cells))
  }
}

struct FileSourceState: ~Copyable {
  private var ring: AudioRing.Reader
  /// Of the worker, which lives as long as the processor.
  private let ended: UnsafeMutablePointer<SharedFlag>
  private let reading: UnsafeMutablePointer<ParameterCell>
  private var starved = 0

  init(
    ring: consuming AudioRing.Reader, ended: UnsafeMutablePointer<SharedFlag>,
    starved: UnsafeMutablePointer<ParameterCell>
  ) {
    self.ring = ring
    self.ended = ended
    reading = starved
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let to = block.output(0)
    let available = ring.available.value
    let frames = available < block.frames ? available : block.frames
    let isEnded = ended.pointee.isRaised
    var channel = 0
    while channel < to.count {
      let out = to[channel]
      if let span = ring.span(FrameCount(frames)) {
        let first = ring.pointer(channel: channel, offset: span.first)
        let second = ring.pointer(channel: channel, offset: 0)
        for frame in 0..<span.firstCount { out[frame] = finite(first[frame]) }
        for frame in 0..<span.secondCount { out[span.firstCount &+ frame] = finite(second[frame]) }
      }
      renderZero(out + frames, floats: block.frames &- frames)
      channel += 1
    }
    ring.release(FrameCount(frames))
    guard frames < block.frames, !isEnded else { return }
    starved &+= block.frames &- frames
    reading.pointee.set(Float(starved))
  }
}

private final class FileSourceProcessor: StateProcessor<FileSourceState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: FileSourceState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let fileSourceNodeRecord: NodeRecord = (1, { exportNode(FileSourceNode.self) })
