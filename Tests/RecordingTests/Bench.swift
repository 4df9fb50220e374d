import AudioCore
import AudioIO
import CRenderGuard
import Glibc
import Recording
import Synchronization
import TestSupport
import Testing

/// A folder of a test's own, gone with it.
final class Scratch {
  let path: String
  init() {
    // In memory: the tests wait for a great many syncs.
    let room = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    var name = Array("\(room)/recording-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&name))
  }
  deinit { _ = try? Child.run(["rm", "-rf", path]) }
}

/// Events as they came.
final class Told: Sendable {
  private let list = Mutex<[Recording.Event]>([])
  func add(_ event: Recording.Event) { list.withLock { $0.append(event) } }
  var events: [Recording.Event] { list.withLock { $0 } }
  var chunks: [SealedChunk] {
    events.compactMap { if case .chunkFull(let chunk) = $0 { chunk } else { nil } }
  }
  var gaps: [(position: Int, length: Int, cause: GapCause)] {
    events.compactMap {
      if case .gap(let position, let length, let cause) = $0 { (position, length, cause) } else { nil }
    }
  }
  var troubles: [DiskError] { events.compactMap { if case .trouble(let error) = $0 { error } else { nil } } }
}

/// A ramp in which each frame of each channel differs from its neighbours and is whole in so many bits.
enum Ramp {
  static func step(_ channel: Int, _ position: Int, bits: Int) -> Int {
    let range = 1 << bits
    return (position * 7 + channel * 911) % range - range / 2
  }

  static func value(_ channel: Int, _ position: Int, bits: Int) -> Float {
    Float(Double(step(channel, position, bits: bits)) / Double(1 << (bits - 1)))
  }

  static func bits(_ format: SampleFormat) -> Int { format == .integer16 ? 16 : format == .integer24 ? 24 : 24 }

  /// Whether samples as recorded are the ramp's from a position on; the first frame that is not.
  static func mismatch(
    _ bytes: [UInt8], _ format: RecordingFormat, from position: Int, use silent: (Int) -> Bool = { _ in false }
  )
    -> Int?
  {
    let count = format.layout.count
    let frames = bytes.count / format.frameBytes
    return bytes.withUnsafeBytes { raw in
      for frame in 0..<frames {
        for channel in 0..<count {
          let place = frame * format.frameBytes + channel * format.samples.bytes
          let bits = bits(format.samples)
          let wanted = silent(position + frame) ? 0 : step(channel, position + frame, bits: bits)
          let found: Int
          switch format.samples {
          case .float32:
            found = Int((Double(raw.loadUnaligned(fromByteOffset: place, as: Float.self)) * 8_388_608).rounded())
          case .integer16: found = Int(raw.loadUnaligned(fromByteOffset: place, as: Int16.self))
          case .integer24:
            found = Int(
              Int32(bitPattern: UInt32(raw[place]) << 8 | UInt32(raw[place + 1]) << 16 | UInt32(raw[place + 2]) << 24)
                >> 8)
          case .integer32: found = Int(raw.loadUnaligned(fromByteOffset: place, as: Int32.self)) >> 8
          }
          if found != wanted { return position + frame }
        }
      }
      return nil
    }
  }
}

/// A recorder fed by hand: planar blocks of a ramp.
final class HandFed {
  let recording: Recording
  let told = Told()
  let format: RecordingFormat
  private let planes: UnsafeMutablePointer<Float>
  private let channels: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  /// Position and time of the next block, on the source's clock.
  var position = 0
  var now = HostTime(nanoseconds: 1_000_000_000)
  static let longest = 4096

  init(
    _ format: RecordingFormat, in folder: String, chunkBytes: Int, disk: any DiskLayer = Disk(), seconds: Double = 5,
    sourceRate: SampleRate? = nil, begins: Bool = true, keep: Int? = nil, from layout: ChannelLayout? = nil
  ) throws {
    self.format = format
    var terms = Recording.Terms(
      uri: "stream://test/ramp", device: "ramp", format: format, sourceRate: sourceRate, chunkBytes: chunkBytes,
      folder: folder + "/take", liveFolder: folder + "/live")
    terms.liveSeconds = seconds
    terms.keepSeconds = keep
    if let layout { terms.sourceLayout = layout }
    recording = try Recording(terms, disk: disk) { [told] in told.add($0) }
    let count = terms.sourceLayout.count
    planes = .allocate(capacity: count * Self.longest)
    channels = .allocate(capacity: count)
    for channel in 0..<count { (channels + channel).initialize(to: planes + channel * Self.longest) }
    if begins { recording.begin() }
  }

  deinit {
    planes.deallocate()
    channels.deallocate()
  }

  func feed(_ frames: Int, flags: CycleFlags = .none) {
    let bits = Ramp.bits(format.samples)
    feed(frames, flags: flags) { Ramp.value($0, $1, bits: bits) }
  }

  /// Whatever is to be fed, by channel and position.
  func feed(_ frames: Int, flags: CycleFlags = .none, _ value: (Int, Int) -> Float) {
    let layout = recording.terms.sourceLayout
    for channel in 0..<layout.count {
      for frame in 0..<frames { channels[channel][frame] = value(channel, position + frame) }
    }
    let block = Block(channels: channels, channelCount: layout.count, frames: frames)
    let none = Block(channels: channels, channelCount: 0, frames: frames)
    renderDispatch(
      Unmanaged.passUnretained(recording.client),
      Cycle(
        frames: frames, time: now, position: Int64(position), quantum: frames, layout: layout, flags: flags,
        input: block, output: none))
    skip(frames)
  }

  /// Frames that nobody brings.
  func skip(_ frames: Int) {
    position += frames
    now = HostTime(
      nanoseconds: 1_000_000_000 + Int64(Double(position) * 1e9 / Double(recording.terms.sourceRate.hertz)))
  }
}

/// All samples of a recording, gaps silent.
func samples(
  of folder: String, _ span: RecordingReader.Span = .all, gaps: RecordingReader.GapUse = .silence
) throws -> (RecordingReader, [UInt8]) {
  let reader = try RecordingReader(folder)
  var bytes: [UInt8] = []
  try reader.read(try reader.positions(of: span), gaps: gaps) { bytes += $0 }
  return (reader, bytes)
}

/// Faults of the calling thread so far.
func threadFaults() -> Int {
  var usage = rusage()
  getrusage(1, &usage)
  return usage.ru_minflt + usage.ru_majflt
}
