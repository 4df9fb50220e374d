import AudioCore
import AudioIO
import Synchronization

@testable import PipeWireIO

/// Keeps what a capture heard, cycle by cycle, until the test has looked at it.
final class CycleTape: RenderClient, @unchecked Sendable {
  struct Cycle {
    /// When the sink plays it: equal for every stream of one driver.
    var time: Int64
    /// When it was heard here.
    var arrival: Int64
    var position: Int64
    var frames: Int
    var jumped: Bool
    var isRepaired: Bool
    /// Channel after channel.
    var samples: [Float]
  }

  private struct Head {
    var time: Int64 = 0
    var arrival: Int64 = 0
    var position: Int64 = 0
    var frames = 0
    var jumped = false
    var isRepaired = false
  }

  private static let longest = 1024
  private static let capacity = 4096
  let channels: Int
  private let dropped = Atomic<Int>(0)
  private let written = Atomic<Int>(0)
  private let read = Atomic<Int>(0)
  private let heads = UnsafeMutablePointer<Head>.allocate(capacity: capacity)
  private let samples: UnsafeMutablePointer<Float>

  init(channels: Int) {
    self.channels = channels
    heads.initialize(repeating: Head(), count: Self.capacity)
    samples = .allocate(capacity: Self.capacity * Self.longest * channels)
    samples.initialize(repeating: 0, count: Self.capacity * Self.longest * channels)
  }

  deinit {
    heads.deallocate()
    samples.deallocate()
  }

  /// Thread: render.
  override func render(_ cycle: AudioCore.Cycle) {
    let place = written.load(ordering: .relaxed)
    guard place - read.load(ordering: .acquiring) < Self.capacity, cycle.frames <= Self.longest,
      cycle.input.channelCount == channels
    else {
      dropped.add(1, ordering: .relaxed)
      return
    }
    let slot = place % Self.capacity
    heads[slot] = Head(
      time: cycle.time.nanoseconds, arrival: renderNow().nanoseconds, position: cycle.position, frames: cycle.frames,
      jumped: cycle.flags.contains(.discontinuity), isRepaired: cycle.flags.contains(.repaired))
    for channel in 0..<channels {
      let from = cycle.input.channel(channel)
      let to = samples + (slot * channels + channel) * Self.longest
      for frame in 0..<cycle.frames { to[frame] = from[frame * cycle.input.stride] }
    }
    written.store(place + 1, ordering: .releasing)
  }

  /// Cycles that found no place.
  var droppedCycles: Int { dropped.load(ordering: .relaxed) }
  var count: Int { written.load(ordering: .acquiring) }

  func take() -> [Cycle] {
    let end = count
    let start = read.load(ordering: .relaxed)
    let taken = (start..<end).map { place in
      let slot = place % Self.capacity
      let head = heads[slot]
      var block: [Float] = []
      block.reserveCapacity(head.frames * channels)
      for channel in 0..<channels {
        let from = samples + (slot * channels + channel) * Self.longest
        block.append(contentsOf: UnsafeBufferPointer(start: from, count: head.frames))
      }
      return Cycle(
        time: head.time, arrival: head.arrival, position: head.position, frames: head.frames, jumped: head.jumped,
        isRepaired: head.isRepaired, samples: block)
    }
    read.store(end, ordering: .releasing)
    return taken
  }
}
