import AudioCore

/// Records into a sound file: render fills a ring that a worker writes out.
enum FileSinkNode: NodeKind {
  static let kind = "file_sink"
  static let summary = "Records into a sound file. The file is complete when the node is gone."
  static let settings: [SettingSpec] = [
    SettingSpec("path", "the file; one that is there is replaced", .text, initial: nil), .layout(),
    SettingSpec(
      "format", "what kind of file", .choice(SoundFileKind.allCases.map(\.rawValue)), initial: .text("wav")),
    SettingSpec(
      "encoding", "how samples are kept, whole numbers with dither; f32 is s24 in FLAC",
      .choice(SampleEncoding.allCases.map(\.rawValue)),
      initial: .text("f32")),
  ]
  static let readings = [ReadingSpec("lost", "frames the disk was too slow for", unit: .frames)]

  static func shape(_ settings: Settings) -> NodeShape { .sink(settings.layout()) }

  static func memory(_ settings: Settings, _ rate: SampleRate) -> Int {
    4 * rate.hertz * settings.layout().count * MemoryLayout<Float>.size
  }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    guard let files = context.files else {
      throw NodeRefusal(code: "unavailable", message: "files are not at hand here")
    }
    let settings = context.settings
    let channels = settings.layout().count
    let kind = SoundFileKind(rawValue: settings.text("format")) ?? .wav
    let asked = SampleEncoding(rawValue: settings.text("encoding")) ?? .float32
    let encoding = kind == .flac && asked == .float32 ? .integer24 : asked
    let file = try NodeRefusal.opening { () throws(SoundFileError) in
      try files.writer(
        path: settings.text("path"), kind: kind, encoding: encoding, rate: context.rate, channels: channels)
    }
    var writer = AudioRing.Writer(
      channels: channels, minimumCapacity: FrameCount(max(2 * context.rate.hertz, 4 * context.block.value)),
      marks: 16_384)
    let drain = FileDrain(
      DitheredWriter.around(file, kind: kind, encoding: encoding, rate: context.rate, channels: channels),
      ring: writer.makeReader())
    return FileSinkProcessor(context, worker: drain, FileSinkState(ring: writer, lost: context.readings.cells))
  }
}

struct FileSinkState: ~Copyable {
  private var ring: AudioRing.Writer
  private let reading: UnsafeMutablePointer<ParameterCell>
  private var lost = 0

  init(ring: consuming AudioRing.Writer, lost: UnsafeMutablePointer<ParameterCell>) {
    self.ring = ring
    reading = lost
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let from = block.input(0)
    var isWritten = false
    if let span = ring.reserve(block.frames) {
      var channel = 0
      while channel < from.count {
        let source = from[channel]
        let first = ring.pointer(channel: channel, offset: span.first)
        let second = ring.pointer(channel: channel, offset: 0)
        for frame in 0..<span.firstCount { first[frame] = finite(source[frame]) }
        for frame in 0..<span.secondCount { second[frame] = finite(source[span.firstCount &+ frame]) }
        channel += 1
      }
      isWritten = ring.commit(
        block.frames, time: HostTime(nanoseconds: 0), position: block.position, quantum: block.frames, flags: .none)
    }
    guard !isWritten else { return }
    lost &+= block.frames
    reading.pointee.set(Float(lost))
  }
}

private final class FileSinkProcessor: StateProcessor<FileSinkState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: FileSinkState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let fileSinkNodeRecord: NodeRecord = (1, { exportNode(FileSinkNode.self) })
