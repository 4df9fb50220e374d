public import AudioCore
import Synchronization

/// The level of what a feed gave, from render to whoever looks: no lock, no queue.
public struct FeedMeter: ~Copyable {
  public struct Reading: Hashable, Sendable {
    /// The highest sample since the last reading.
    public var peak: Decibels
    /// Root mean square of the last tenths of a second.
    public var level: Decibels
  }

  /// The bits of a float that is not negative are in the order of its value.
  private let peak = Atomic<UInt32>(0)
  private let power = Atomic<UInt32>(0)
  private var smoothed: Float = 0

  /// About 200 ms.
  private static var memory: Float { @_noLocks get { 9600 } }

  /// Thread: render.
  @_noLocks
  mutating func measure(_ block: Block) {
    guard block.frames > 0 && block.channelCount > 0 else { return }
    var highest: Float = 0
    var sum: Float = 0
    var channel = 0
    while channel < block.channelCount {
      let samples = block.channel(channel)
      for frame in 0..<block.frames {
        let size = samples[frame] < 0 ? 0 - samples[frame] : samples[frame]
        highest = size > highest ? size : highest
        sum += size * size
      }
      channel += 1
    }
    let share = Float(block.frames) / (Self.memory + Float(block.frames))
    smoothed += share * (sum / Float(block.frames &* block.channelCount) - smoothed)
    peak.max(highest.bitPattern, ordering: .relaxed)
    power.store(smoothed.bitPattern, ordering: .relaxed)
  }

  /// Thread: any but render.
  func take() -> Reading {
    let highest = Float(bitPattern: peak.exchange(0, ordering: .relaxed))
    let mean = Float(bitPattern: power.load(ordering: .relaxed))
    return Reading(
      peak: Decibels(amplitude: Double(highest)), level: Decibels(amplitude: Double(mean).squareRoot()))
  }
}
