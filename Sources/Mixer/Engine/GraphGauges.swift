public import AudioCore
import Synchronization

/// How a graph fares, as of its last cycle.
public struct GraphFacts: Hashable, Sendable {
  public var cycles = 0
  /// Frames rendered when the last cycle began, and when the device plays the first of that cycle.
  public var position: Int64 = 0
  public var time = HostTime(nanoseconds: 0)
  /// Of the last cycle.
  public var frames: FrameCount = 0
  /// The share of its period that a cycle takes: the mean of a second, and the longest with slow decay.
  public var meanLoad = 0.0
  public var peakLoad = 0.0
  /// How late the last wake-up was, against their usual times.
  public var lateness = HostDuration.zero
  /// How far the driver's clock runs from the host's, and how far the wake-ups scatter about it.
  public var driftPPM = 0.0
  public var jitter = HostDuration.zero
  public var relief = Relief.none

  public init() {}
}

/// Figures that belong together, from render to anybody: a sequence lock of atomic words, so that the writer never waits and
/// a reader tries again.
final class GraphGauges: @unchecked Sendable {
  enum Word: Int, CaseIterable {
    case cycles, position, time, frames, meanLoad, peakLoad, lateness, drift, jitter, relief
  }

  private let words: UnsafeMutablePointer<Atomic<Int>>
  private static let count = Word.allCases.count + 1

  init() {
    words = .allocate(capacity: Self.count)
    for index in 0..<Self.count { (words + index).initialize(to: Atomic(0)) }
  }

  deinit {
    words.deinitialize(count: Self.count)
    words.deallocate()
  }

  var face: Face { Face(words: words) }

  /// The writer's end; it must not outlive the gauges. Thread: render.
  struct Face {
    fileprivate let words: UnsafeMutablePointer<Atomic<Int>>

    @_noLocks func begin() {
      words.pointee.store(words.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
      atomicMemoryFence(ordering: .releasing)
    }

    @_noLocks func set(_ word: Word, _ value: Int) { words[1 &+ word.rawValue].store(value, ordering: .relaxed) }

    @_noLocks func end() {
      words.pointee.store(words.pointee.load(ordering: .relaxed) &+ 1, ordering: .releasing)
    }
  }

  /// After a thousand tries against a writer that never rests, the figures may be of neighbouring cycles. Thread: any but
  /// render.
  var facts: GraphFacts {
    var values = [Int](repeating: 0, count: Word.allCases.count)
    for _ in 0..<1000 {
      let before = words.pointee.load(ordering: .acquiring)
      for word in values.indices { values[word] = words[1 + word].load(ordering: .relaxed) }
      atomicMemoryFence(ordering: .acquiring)
      if before % 2 == 0, words.pointee.load(ordering: .relaxed) == before { break }
    }
    func value(_ word: Word) -> Int { values[word.rawValue] }
    var facts = GraphFacts()
    facts.cycles = value(.cycles)
    facts.position = Int64(value(.position))
    facts.time = HostTime(nanoseconds: Int64(value(.time)))
    facts.frames = FrameCount(value(.frames))
    facts.meanLoad = Double(value(.meanLoad)) / 1e6
    facts.peakLoad = Double(value(.peakLoad)) / 1e6
    facts.lateness = HostDuration(nanoseconds: Int64(value(.lateness)))
    facts.driftPPM = Double(value(.drift)) / 1e3
    facts.jitter = HostDuration(nanoseconds: Int64(value(.jitter)))
    facts.relief = Relief(rawValue: value(.relief)) ?? .none
    return facts
  }
}
