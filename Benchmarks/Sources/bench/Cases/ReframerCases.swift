import AudioCore
import Capture

/// Blocks of every usual length into exact 5 ms frames, beside a plain loop that interleaves one frame.
func reframerCases() -> [Case] {
  [64, 128, 256, 512, 1024, 2048, 4096, 8192].map { quantum in
    let fixture = ReframerFixture(quantum: quantum)
    return Case(
      name: "reframer/\(quantum)", unit: "frame", unitsPerBatch: ReframerFixture.framesPerBatch,
      ours: { fixture.batch() }, floor: { fixture.bareBatch() })
  }
}

private final class ReframerFixture {
  static let frame = 240
  /// A whole number of blocks and of codec frames.
  static let stretch = 122_880
  static let framesPerBatch = stretch / frame
  private static let capacity = 16_384

  private let quantum: Int
  private var writer: AudioRing.Writer
  private var reframer: Reframer
  private let target: UnsafeMutablePointer<Float>
  private let planar: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private var position: Int64 = 0

  init(quantum: Int) {
    self.quantum = quantum
    var writer = AudioRing.Writer(channels: 2, minimumCapacity: FrameCount(Self.capacity))
    reframer = Reframer(
      reader: writer.makeReader(), order: [0, 1], frame: FrameCount(Self.frame), start: HostTime(nanoseconds: 0))
    self.writer = writer
    target = .allocate(capacity: 2 * Self.frame)
    target.initialize(repeating: 0, count: 2 * Self.frame)
    planar = .allocate(capacity: 2)
    for channel in 0..<2 {
      planar[channel] = .allocate(capacity: Self.capacity)
      planar[channel].initialize(repeating: 0, count: Self.capacity)
    }
  }

  deinit {
    target.deallocate()
    for channel in 0..<2 { planar[channel].deallocate() }
    planar.deallocate()
  }

  /// The blocks' samples are those already in the ring: filling it is the ring's own case.
  func batch() {
    var frames = 0
    for _ in 0..<(Self.stretch / quantum) {
      let now = HostTime(nanoseconds: position * 62_500 / 3)
      guard writer.reserve(quantum) != nil,
        writer.commit(quantum, time: now, position: position, quantum: quantum, flags: .none)
      else { preconditionFailure("the reframer lags") }
      position += Int64(quantum)
      while case .frame = reframer.next(now: now, into: target) { frames += 1 }
    }
    precondition(frames == Self.framesPerBatch && reframer.counts.silentFrames == 0)
  }

  func bareBatch() {
    var offset = 0
    for _ in 0..<Self.framesPerBatch {
      bareInterleave(target, planar, channels: 2, offset: offset, frames: Self.frame)
      offset += Self.frame
      if offset + Self.frame > Self.capacity { offset = 0 }
    }
  }
}
