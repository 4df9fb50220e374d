import Glibc
import Synchronization
import TestSupport

/// What `pw-record` hears, sample by sample, and when it had it: its file is read while it grows.
/// Thread: any; one at a time.
final class RecordedTail: @unchecked Sendable {
  struct Block: Sendable {
    /// First frame of the recording in it.
    var start: Int
    var count: Int
    /// When it was there, in seconds of CLOCK_MONOTONIC, at most half a millisecond late.
    var seconds: Double
  }

  private let child: Child
  private let path: String
  private let directory: TemporaryDirectory
  private let state = Mutex<(samples: [Float], blocks: [Block], isEnding: Bool)>(([], [], false))
  private var thread = pthread_t()

  /// Records one channel, in cycles of `quantum` frames if nobody wants shorter ones.
  init(_ server: PrivatePipeWire, source: String = MicField.source, quantum: Int = 256) throws {
    directory = try TemporaryDirectory()
    path = directory.path + "/tail.wav"
    child = try server.start([
      "pw-record", "--target", source, "--channels", "1", "--format", "f32", "--latency", "\(quantum)", path,
    ])
    pthread_create(&thread, nil, tailMain, Unmanaged.passUnretained(self).toOpaque())
    guard waitUntil(timeout: 15, { count > 0 }) else {
      throw SupportError("pw-record hears nothing of \(source): \(child.standardError)")
    }
  }

  deinit { stop() }

  /// Ends the recorder.
  func stop() {
    guard
      !state.withLock({ state in
        defer { state.isEnding = true }
        return state.isEnding
      })
    else { return }
    pthread_join(thread, nil)
    child.stop()
  }

  var samples: [Float] { state.withLock { $0.samples } }
  var blocks: [Block] { state.withLock { $0.blocks } }
  var count: Int { state.withLock { $0.samples.count } }

  /// The next seconds of the recording.
  func next(seconds: Double) -> [Float] {
    let start = count
    let length = Int(seconds * 48_000)
    guard waitUntil(timeout: seconds * 3 + 10, { count >= start + length }) else { return [] }
    return Array(samples[start..<start + length])
  }

  /// How the tone sounds once the delay has found its place, while which the pitch is off by a little: the first half
  /// second that is whole, of at most five seconds. After those the last one.
  func settled(frequency: Double) -> ToneVerdict? {
    var verdict: ToneVerdict?
    for _ in 0..<10 {
      verdict = ToneVerdict(bestOf: next(seconds: 0.5), frequency: frequency)
      if let verdict, verdict.residual < -40 { break }
    }
    return verdict
  }

  fileprivate func run() {
    var file = open(path, O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    var (offset, rest): (Int, [UInt8]) = (-1, [])
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while !state.withLock({ $0.isEnding }) {
      if file < 0 { file = open(path, O_RDONLY | O_CLOEXEC) }
      if offset < 0 { offset = Self.start(of: file) ?? -1 }
      let length = offset < 0 ? 0 : pread(file, &buffer, buffer.count, offset)
      guard length > 0 else {
        usleep(500)
        continue
      }
      let now = monotonicSeconds()
      offset += length
      rest += buffer[..<length]
      let whole = rest.count / 4
      let samples = (0..<whole).map { frame in
        Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(rest[frame * 4 + $1]) << (8 * $1) })
      }
      rest.removeFirst(whole * 4)
      state.withLock { state in
        state.blocks.append(Block(start: state.samples.count, count: whole, seconds: now))
        state.samples += samples
      }
    }
  }

  /// Where the samples begin.
  private static func start(of file: Int32) -> Int? {
    var head = [UInt8](repeating: 0, count: 256)
    let length = pread(file, &head, head.count, 0)
    guard length > 44 else { return nil }
    return (12..<length - 8).first { head[$0..<$0 + 4].elementsEqual("data".utf8) }.map { $0 + 8 }
  }
}

private func tailMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<RecordedTail>.fromOpaque(raw!).takeUnretainedValue().run()
  return nil
}
