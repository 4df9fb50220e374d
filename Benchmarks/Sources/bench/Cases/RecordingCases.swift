import AudioCore
import CCryptoSystem
import Glibc
import Recording

/// Sixteen stereo streams at once: what render does for a recording beside a copy of the same bytes, and what the disk's threads
/// do beside hashing and writing them.
func recordingCases() throws(BenchError) -> [Case] {
  var cases: [Case] = []
  for (samples, quantum) in [(SampleFormat.float32, 128), (.float32, 1024), (.integer24, 1024)] {
    let fixture = try RecordingFixture(samples)
    cases.append(
      Case(
        name: "recording/render/\(samples.name)/\(quantum)", unit: "frame",
        unitsPerBatch: RecordingFixture.streams * RecordingFixture.stretch, batches: 8, before: { fixture.save() },
        ours: { fixture.render(quantum) }, floor: { fixture.copy(quantum) }))
  }
  let fixture = try RecordingFixture(.float32)
  cases.append(
    Case(
      name: "recording/save/f32", unit: "frame", unitsPerBatch: RecordingFixture.streams * RecordingFixture.stretch,
      batches: 8, before: { fixture.render(1024) }, ours: { fixture.save() }, floor: { fixture.bareSave() }))
  return cases
}

private final class RecordingFixture {
  static let streams = 16
  /// Of every quantum, and a chunk of it in four batches.
  static let stretch = 15_360
  static let chunkBytes = 8 * 61_440

  private let ground: RecordingGround
  private let recordings: [Recording]
  private let programme = Programme(.stereo)
  private let rings = BareRings(streams: streams, frames: stretch * 16)
  private let channels: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let bytes: UnsafeMutableRawBufferPointer
  private let files: [Int32]
  private var hashes: [OpaquePointer?]
  private var position: Int64 = 0
  private var written = 0

  init(_ samples: SampleFormat) throws(BenchError) {
    let ground = try RecordingGround()
    self.ground = ground
    let format = RecordingFormat(rate: .codec, layout: .stereo, samples: samples)
    do {
      recordings = try (0..<Self.streams).map {
        try Recording(ground.terms($0, format, chunkBytes: Self.chunkBytes)) { _ in }
      }
    } catch {
      throw BenchError("a recording: \(error)")
    }
    for recording in recordings { recording.begin() }
    channels = .allocate(capacity: 2)
    bytes = .allocate(byteCount: Self.stretch * 8, alignment: 64)
    memset(bytes.baseAddress!, 1, bytes.count)
    files = (0..<Self.streams).map { open(ground.disk + "/bare-\($0)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
    hashes = (0..<Self.streams).map { _ in EVP_MD_CTX_new() }
    for hash in hashes { EVP_DigestInit_ex(hash, EVP_sha256(), nil) }
  }

  deinit {
    for recording in recordings { _ = recording.finish(at: HostTime(nanoseconds: Callbacks.now())) }
    for file in files { close(file) }
    for hash in hashes { EVP_MD_CTX_free(hash) }
    channels.deallocate()
    bytes.deallocate()
  }

  /// A stretch into every recording, in cycles, as a device's thread with that many streams goes through them.
  func render(_ quantum: Int) {
    for _ in 0..<(Self.stretch / quantum) {
      let offset = Int(position % Int64(Programme.frames))
      for channel in 0..<2 { (channels + channel).initialize(to: programme.planar[channel] + offset) }
      let cycle = Cycle(
        frames: quantum, time: HostTime(nanoseconds: 1_000_000_000 + position * 62_500 / 3), position: position,
        quantum: quantum, layout: .stereo, flags: .none,
        input: Block(channels: channels, channelCount: 2, frames: quantum),
        output: Block(channels: channels, channelCount: 0, frames: quantum))
      for recording in recordings { renderDispatch(Unmanaged.passUnretained(recording.client), cycle) }
      position += Int64(quantum)
    }
  }

  func copy(_ quantum: Int) {
    for turn in 0..<(Self.stretch / quantum) { rings.take(programme, at: turn * quantum, frames: quantum) }
  }

  func save() {
    let now = HostTime(nanoseconds: Callbacks.now())
    for recording in recordings {
      guard recording.step(at: now) else { preconditionFailure("the disk refuses") }
      precondition(recording.facts.droppedFrames == 0)
    }
  }

  /// Hashes and writes as many bytes, and begins anew where ours begins a chunk.
  func bareSave() {
    for stream in 0..<Self.streams {
      EVP_DigestUpdate(hashes[stream], bytes.baseAddress, bytes.count)
      guard pwrite(files[stream], bytes.baseAddress, bytes.count, off_t(written)) == bytes.count else {
        preconditionFailure("the disk refuses")
      }
    }
    written += bytes.count
    guard written >= Self.chunkBytes else { return }
    written = 0
    for stream in 0..<Self.streams {
      var digest = [UInt8](repeating: 0, count: 32)
      var count: UInt32 = 32
      EVP_DigestFinal_ex(hashes[stream], &digest, &count)
      EVP_DigestInit_ex(hashes[stream], EVP_sha256(), nil)
      fdatasync(files[stream])
      ftruncate(files[stream], 0)
    }
  }
}
