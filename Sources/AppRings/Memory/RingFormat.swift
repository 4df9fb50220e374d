public import AudioCore

/// Which way sound goes, in the words of a graph.
public enum RingDirection: String, Sendable, CaseIterable {
  /// The application writes, the graph reads.
  case source
  /// The graph writes, the application reads.
  case sink
}

/// What is agreed about a ring when it is made. It never changes.
public struct RingFormat: Hashable, Sendable {
  public let direction: RingDirection
  public let channels: Int
  public let rate: SampleRate
  /// A power of two.
  public let capacity: FrameCount
  /// See `streamd_ring.h`.
  public let low: FrameCount
  public let high: FrameCount

  public static let channelRange = 1...8
  public static let rateRange = 8000...192_000
  public static let capacityRange = 64...1_048_576

  /// The capacity is rounded up to a power of two; watermarks left out are half of it.
  public init(
    _ direction: RingDirection, channels: Int, rate: SampleRate = .codec, capacity wanted: FrameCount,
    low: FrameCount? = nil, high: FrameCount? = nil
  ) throws(RingError) {
    guard Self.channelRange.contains(channels) else { throw RingError(.channels, "\(channels) channels") }
    guard Self.rateRange.contains(rate.hertz) else { throw RingError(.rate, "\(rate.hertz) Hz") }
    guard Self.capacityRange.contains(wanted.value) else { throw RingError(.capacity, "\(wanted.value) frames") }
    var capacity = 64
    while capacity < wanted.value { capacity *= 2 }
    self.direction = direction
    self.channels = channels
    self.rate = rate
    self.capacity = FrameCount(capacity)
    self.low = low ?? FrameCount(capacity / 2)
    self.high = high ?? FrameCount(capacity / 2)
    guard (0..<capacity).contains(self.low.value) else {
      throw RingError(.low, "\(self.low.value) of \(capacity) frames")
    }
    guard (1...capacity).contains(self.high.value) else {
      throw RingError(.high, "\(self.high.value) of \(capacity) frames")
    }
  }

  /// All of the memory, header included.
  public var bytes: Int { RingLayout.dataOffset + channels * capacity.value * MemoryLayout<Float>.stride }
}
