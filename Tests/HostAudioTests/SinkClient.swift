import AudioCore
import AudioIO
import Synchronization

/// What arrives at a sink of ours, kept per channel up to a bound, and which cycle each block came in.
final class SinkClient: RenderClient, @unchecked Sendable {
  static let capacity = 48_000 * 20
  private let samples: [UnsafeMutablePointer<Float>]
  private let count = Atomic<Int>(0)
  private let isRecording = Atomic<Bool>(false)
  let cycles = Atomic<Int>(0)
  let meetings: Meetings?
  private let log = Mutex<[StreamEvent]>([])

  init(channels: Int, meetings: Meetings? = nil) {
    samples = (0..<channels).map { _ in
      let pointer = UnsafeMutablePointer<Float>.allocate(capacity: Self.capacity)
      pointer.initialize(repeating: 0, count: Self.capacity)
      return pointer
    }
    self.meetings = meetings
  }

  deinit { for pointer in samples { pointer.deallocate() } }

  override func render(_ cycle: Cycle) {
    cycles.add(1, ordering: .releasing)
    meetings?.received(cycle)
    guard isRecording.load(ordering: .acquiring) else { return }
    let start = count.load(ordering: .relaxed)
    let frames = min(cycle.frames, Self.capacity - start)
    for channel in 0..<min(samples.count, cycle.input.channelCount) {
      for frame in 0..<frames {
        samples[channel][start + frame] = cycle.input.channel(channel)[frame * cycle.input.stride]
      }
    }
    count.store(start + frames, ordering: .releasing)
  }

  func record() { isRecording.store(true, ordering: .releasing) }
  var frames: Int { count.load(ordering: .acquiring) }
  var recorded: [[Float]] {
    let frames = frames
    return samples.map { Array(UnsafeBufferPointer(start: $0, count: frames)) }
  }

  func heard(_ event: StreamEvent) { log.withLock { $0.append(event) } }
  var events: [StreamEvent] { log.withLock { $0 } }
  var states: [StreamState] { events.compactMap { if case .state(let state) = $0 { state } else { nil } } }
  var isRunning: Bool { if case .running = states.last { true } else { false } }
}

/// Blocks that say which cycle they were made in, and whether they arrived in it.
final class Meetings: @unchecked Sendable {
  private static let slots = 4096
  private let times: UnsafeMutablePointer<Int64>
  private let next = Atomic<Int>(1)
  let same = Atomic<Int>(0)
  let late = Atomic<Int>(0)

  init() {
    times = .allocate(capacity: Self.slots)
    times.initialize(repeating: 0, count: Self.slots)
  }

  deinit { times.deallocate() }

  /// Fills a block with its number.
  func sent(_ cycle: Cycle) {
    let number = next.load(ordering: .relaxed)
    times[number % Self.slots] = cycle.time.nanoseconds
    next.store(number + 1, ordering: .releasing)
    for channel in 0..<cycle.output.channelCount {
      for frame in 0..<cycle.frames { cycle.output.channel(channel)[frame] = Float(number) / 65_536 }
    }
  }

  func received(_ cycle: Cycle) {
    let number = Int(cycle.input.channel(0)[0] * 65_536)
    guard number > 0 else { return }
    let isSame = times[number % Self.slots] == cycle.time.nanoseconds
    if isSame { same.add(1, ordering: .relaxed) } else { late.add(1, ordering: .relaxed) }
  }
}

final class NumberPlayer: RenderClient, @unchecked Sendable {
  let meetings: Meetings
  init(_ meetings: Meetings) { self.meetings = meetings }
  override func render(_ cycle: Cycle) { meetings.sent(cycle) }
}
