import AudioCore
import CLinux
import Glibc

/// Blocks of stereo through the ring beside plain copies of the same bytes, in and out.
func ringCases() -> [Case] {
  var cases: [Case] = []
  for frames in [128, 512] {
    let ring = RingFixture(frames: frames)
    let blocks = RingFixture.capacity / frames
    cases.append(
      Case(
        name: "ring/planar/\(frames)", unit: "block", unitsPerBatch: blocks,
        ours: { for _ in 0..<blocks { ring.planar() } },
        floor: { for block in 0..<blocks { ring.barePlanar(block) } }))
    cases.append(
      Case(
        name: "ring/interleaved/\(frames)", unit: "block", unitsPerBatch: blocks,
        ours: { for _ in 0..<blocks { ring.interleaved() } },
        floor: { for block in 0..<blocks { ring.bareInterleaved(block) } }))
    cases.append(
      Case(
        name: "ring/two-threads/\(frames)", unit: "block", unitsPerBatch: RingFixture.threadedBlocks, batches: 2,
        clock: .wall, ours: { ring.threaded() },
        floor: { for block in 0..<RingFixture.threadedBlocks { ring.barePlanar(block % blocks) } }))
  }
  return cases
}

/// One ring, and storage of the same size for the floor.
private final class RingFixture: @unchecked Sendable {
  static let capacity = 4096
  static let threadedBlocks = 50_000

  private let frames: Int
  private var writer: AudioRing.Writer
  private var reader: AudioRing.Reader
  private let source: UnsafeMutablePointer<Float>
  private let target: UnsafeMutablePointer<Float>
  private let middle: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private var time: Int64 = 0

  init(frames: Int) {
    self.frames = frames
    var writer = AudioRing.Writer(channels: 2, minimumCapacity: FrameCount(Self.capacity))
    reader = writer.makeReader()
    self.writer = writer
    source = .allocate(capacity: 2 * frames)
    source.initialize(repeating: 0.5, count: 2 * frames)
    target = .allocate(capacity: 2 * frames)
    target.initialize(repeating: 0, count: 2 * frames)
    middle = .allocate(capacity: 2)
    for channel in 0..<2 {
      middle[channel] = .allocate(capacity: Self.capacity)
      middle[channel].initialize(repeating: 0, count: Self.capacity)
    }
  }

  deinit {
    source.deallocate()
    target.deallocate()
    for channel in 0..<2 { middle[channel].deallocate() }
    middle.deallocate()
  }

  @inline(never) func planar() {
    _ = write()
    _ = read()
  }

  @inline(never) func interleaved() {
    _ = write()
    _ = reader.mark()
    _ = reader.readInterleaved(FrameCount(frames), order: [0, 1], into: target)
  }

  @inline(never) func barePlanar(_ block: Int) {
    for channel in 0..<2 { bareCopy(middle[channel] + block * frames, source + channel * frames, frames) }
    for channel in 0..<2 { bareCopy(target + channel * frames, middle[channel] + block * frames, frames) }
  }

  @inline(never) func bareInterleaved(_ block: Int) {
    for channel in 0..<2 { bareCopy(middle[channel] + block * frames, source + channel * frames, frames) }
    bareInterleave(target, middle, channels: 2, offset: block * frames, frames: frames)
  }

  /// The writer on a thread of its own, the reader here.
  func threaded() {
    var thread = pthread_t()
    let raw = Unmanaged.passUnretained(self).toOpaque()
    precondition(pthread_create(&thread, nil, ringWriterMain, raw) == 0, "no thread")
    for _ in 0..<Self.threadedBlocks { spin { read() } }
    pthread_join(thread, nil)
  }

  fileprivate func writeAll() {
    for _ in 0..<Self.threadedBlocks { spin { write() } }
  }

  /// Gives way after a while, so that one core is enough.
  private func spin(_ attempt: () -> Bool) {
    var tries = 0
    while !attempt() {
      tries += 1
      if tries % 256 == 0 { sched_yield() } else { render_pause() }
    }
  }

  private func write() -> Bool {
    guard let span = writer.reserve(frames) else { return false }
    for channel in 0..<2 {
      let from = source + channel * frames
      renderCopy(writer.pointer(channel: channel, offset: span.first), from: from, floats: span.firstCount)
      guard span.secondCount > 0 else { continue }
      renderCopy(writer.pointer(channel: channel, offset: 0), from: from + span.firstCount, floats: span.secondCount)
    }
    time += 1
    return writer.commit(
      frames, time: HostTime(nanoseconds: time), position: time, quantum: frames, flags: .none)
  }

  private func read() -> Bool {
    guard reader.mark() != nil, let span = reader.span(FrameCount(frames)) else { return false }
    for channel in 0..<2 {
      let to = target + channel * frames
      renderCopy(to, from: reader.pointer(channel: channel, offset: span.first), floats: span.firstCount)
      guard span.secondCount > 0 else { continue }
      renderCopy(to + span.firstCount, from: reader.pointer(channel: channel, offset: 0), floats: span.secondCount)
    }
    reader.release(FrameCount(frames))
    return true
  }
}

private func ringWriterMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<RingFixture>.fromOpaque(raw!).takeUnretainedValue().writeAll()
  return nil
}
