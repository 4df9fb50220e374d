import AudioCore
import Capture

/// A reframer under virtual time. Channel 0 of what is written carries the frame's own number, channel 1 is one: so every
/// sample that comes out tells where it belongs and whether it was faded.
final class ReframerRig {
  struct Packet {
    var facts: Reframer.Facts
    var sentAt: HostTime
    /// First and second channel.
    var numbers: [Float]
    var ones: [Float]
  }

  static let modulus: Int64 = 1 << 22
  let frame: Int
  let tuning: MediaTimeline.Tuning
  private(set) var now: HostTime
  private(set) var packets: [Packet] = []
  /// Most packets of one visit of the reader.
  private(set) var largestBurst = 0
  private var writer: AudioRing.Writer
  private var reframer: Reframer
  private let target: UnsafeMutablePointer<Float>
  private var flooded = false
  private(set) var floodedFrames = 0
  var keepsPackets = true
  private(set) var lastPosition: Int64?

  /// Where virtual time starts: the host has been up for a while.
  static let origin = HostTime(nanoseconds: 86_400_000_000_000)

  init(
    frame: Int = 240, block: Int = 1, capacity: Int = 48_000, start: HostTime = ReframerRig.origin,
    tuning: MediaTimeline.Tuning = MediaTimeline.Tuning()
  ) {
    self.frame = frame
    self.tuning = tuning
    now = start
    var writer = AudioRing.Writer(channels: 2, minimumCapacity: FrameCount(capacity), marks: 4096)
    reframer = Reframer(
      reader: writer.makeReader(), order: [0, 1], frame: FrameCount(frame), block: FrameCount(frame * block),
      start: start, tuning: tuning)
    self.writer = writer
    target = .allocate(capacity: frame * 2)
    target.initialize(repeating: 0, count: frame * 2)
  }

  deinit { target.deallocate() }

  var counts: Reframer.Counts { reframer.counts }
  func drain() { reframer.drain() }
  func forgetPackets() {
    packets = []
    largestBurst = 0
  }

  static func time(ofFrame frame: Int64) -> HostTime {
    let (seconds, rest) = frame.quotientAndRemainder(dividingBy: 48_000)
    return origin + HostDuration(nanoseconds: seconds * 1_000_000_000 + rest * 1_000_000_000 / 48_000)
  }

  /// The reader sleeps and wakes as it was told until `end`.
  func run(until end: HostTime) {
    while true {
      let due = visit()
      guard due < end else { break }
      now = max(due, now)
    }
    now = max(now, end)
  }

  /// Time passes and the reader does not run.
  func stallReader(until end: HostTime) { now = end }

  /// The reader runs now. Returns when it wants to run again.
  @discardableResult func visit() -> HostTime {
    var burst = 0
    while true {
      switch reframer.next(now: now, into: target) {
      case .wait(let until):
        largestBurst = max(largestBurst, burst)
        return until
      case .frame(let facts):
        burst += 1
        lastPosition = facts.position
        guard keepsPackets else { continue }
        packets.append(
          Packet(
            facts: facts, sentAt: now, numbers: (0..<frame).map { target[2 * $0] },
            ones: (0..<frame).map { target[2 * $0 + 1] }))
      }
    }
  }

  /// A block whose frames are numbered from `number`; `time` defaults to where the number belongs.
  func write(
    _ frames: Int, number: Int64, time: HostTime? = nil, position: Int64? = nil, flags: CycleFlags = .none
  ) {
    guard let span = writer.reserve(frames) else {
      flooded = true
      floodedFrames += frames
      return
    }
    for index in 0..<frames {
      let offset = index < span.firstCount ? span.first + index : index - span.firstCount
      writer.pointer(channel: 0, offset: offset).pointee = Float((number + Int64(index)) % Self.modulus)
      writer.pointer(channel: 1, offset: offset).pointee = 1
    }
    let written = writer.commit(
      frames, time: time ?? Self.time(ofFrame: number), position: position ?? number, quantum: frames,
      flags: flooded ? .discontinuity : flags)
    flooded = !written
  }

  /// Runs the reader until the block arrives, then delivers it on time.
  func deliver(_ frames: Int, number: Int64, flags: CycleFlags = .none) {
    let at = Self.time(ofFrame: number)
    run(until: at)
    write(frames, number: number, flags: flags)
    visit()
  }

  /// Blocks of one length from `first` until `end`; returns where the next one begins.
  @discardableResult func deliver(from first: Int64, to end: Int64, quantum: Int = 256) -> Int64 {
    var number = first
    while number < end {
      deliver(quantum, number: number)
      number += Int64(quantum)
    }
    return number
  }
}

extension ReframerRig.Packet {
  var isSound: Bool { ones.contains { $0 != 0 } }

  /// How far sound lies behind the place its number says, in frames: the lowest and highest in the packet.
  var misplacement: ClosedRange<Int64>? {
    var found: ClosedRange<Int64>?
    for index in numbers.indices where ones[index] == 1 {
      let modulus = ReframerRig.modulus
      var off = (facts.position + Int64(index) - Int64(numbers[index])) % modulus
      if off > modulus / 2 { off -= modulus }
      if off < -modulus / 2 { off += modulus }
      found = found.map { min($0.lowerBound, off)...max($0.upperBound, off) } ?? off...off
    }
    return found
  }

  /// Age of the packet's first sample when it was sent.
  var age: HostDuration { sentAt - facts.captureTime }
}

extension ReframerRig {
  /// The extremes over all packets.
  var misplacement: ClosedRange<Int64>? {
    packets.compactMap(\.misplacement).reduce(nil) { sum, range in
      guard let sum else { return range }
      return min(sum.lowerBound, range.lowerBound)...max(sum.upperBound, range.upperBound)
    }
  }

  /// Packets whose position is not the one before plus one frame plus what was skipped, in whole frames.
  var brokenPositions: Int {
    zip(packets, packets.dropFirst()).count { before, after in
      after.facts.position - before.facts.position - Int64(frame) != Int64(after.facts.skipped.value)
        || after.facts.skipped.value % frame != 0 || after.facts.skipped.value < 0
    }
  }

  var silentPackets: [Packet] { packets.filter(\.facts.isSilence) }
}

/// A small generator, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
