public import AudioCore
public import OpusCodec
import Synchronization

/// One bus encoded once, for all the clients that want it that way: reframe, pace, encode, hand out. Passive: its thread
/// calls `step`.
public final class FrameEncoder: @unchecked Sendable {
  public struct Statistics: Sendable, Equatable {
    public var encodeErrors: UInt64 = 0
    public var reframed = Reframer.Counts()
    /// Highest sample and mean power since the last reading, per channel of the codec's order.
    public var peaks: [Float] = []
    public var powers: [Double] = []
    /// Frames since that reading.
    public var measuredFrames = 0
    /// Where the media clock stands and when that was: the stream's A/V reference.
    public var position: Int64 = 0
    public var positionTime = HostTime(nanoseconds: 0)
    public var isSilent = true
    /// Packets are spread over the graph's cycle.
    public var isEven = false
    /// What encoding took, and how long after the sink played its first sample a packet with sound had been sent.
    public var encodeTimes = TimeTally()
    public var delays = TimeTally()
  }

  /// How the packets of one encoder are cut and sent.
  public struct Shape: Hashable, Sendable {
    /// Packets that belong together: the position jumps over whole blocks only.
    public var block: Int
    public var pacing: Pacer.Mode
    public var tuning: MediaTimeline.Tuning

    public init(block: Int = 1, pacing: Pacer.Mode = .ready, tuning: MediaTimeline.Tuning = MediaTimeline.Tuning()) {
      self.block = block
      self.pacing = pacing
      self.tuning = tuning
    }
  }

  private struct Levels {
    var peaks: [Float]
    var squares: [Double]
    var frames = 0
  }

  private struct Shared {
    var statistics = Statistics()
    var levels: Levels
    var slots: [OutletSlot] = []
    /// Asked for, and in force from the next block on.
    var bitrate: Int?
  }

  /// Tells encoders apart at an `OutletSlot`.
  public let identity: Int
  private var reframer: Reframer
  private var pacer: Pacer
  private var encoder: OpusEncoder
  private let pcm: UnsafeMutableBufferPointer<Float>
  private let packet: UnsafeMutableBufferPointer<UInt8>
  private var meter: LevelMeter
  private let channels: Int
  private let layout: ChannelLayout
  private let frame: FrameCount
  private let blockFrames: Int64
  private var lastLength: Int?
  /// Assembled, and waiting for its time to leave.
  private var held: (facts: Reframer.Facts, release: HostTime)?
  private let shared: Mutex<Shared>

  private static let identities = Atomic<Int>(0)

  public init(
    reader: consuming AudioRing.Reader, busLayout: ChannelLayout, configuration: OpusConfiguration,
    shape: Shape = Shape(), start: HostTime
  ) throws(OpusError) {
    guard let order = SurroundMap.order(from: busLayout, to: configuration.layout) else {
      throw .badConfiguration(field: .mapping, allowed: busLayout.names.joined(separator: " "))
    }
    identity = Self.identities.add(1, ordering: .relaxed).newValue
    encoder = try OpusEncoder(configuration)
    frame = configuration.frame.frames
    let block = FrameCount(frame.value * shape.block)
    blockFrames = Int64(block.value)
    reframer = Reframer(
      reader: reader, order: order, frame: frame, block: block, start: start, tuning: shape.tuning)
    pacer = Pacer(mode: shape.pacing, frame: frame)
    channels = configuration.layout.count
    layout = configuration.layout
    meter = LevelMeter(channels: channels)
    pcm = .allocate(capacity: frame.value * channels)
    pcm.initialize(repeating: 0)
    packet = .allocate(capacity: Self.payloadLimit(configuration))
    packet.initialize(repeating: 0)
    let levels = Levels(peaks: .init(repeating: 0, count: channels), squares: .init(repeating: 0, count: channels))
    shared = Mutex(Shared(levels: levels))
  }

  deinit {
    pcm.deallocate()
    packet.deallocate()
  }

  /// The longest packet that configuration can make.
  public static func payloadLimit(_ configuration: OpusConfiguration) -> Int { 1500 * configuration.streams }

  // MARK: Control

  /// Thread: control.
  public func add(_ slot: OutletSlot) {
    slot.follow(identity)
    shared.withLock { state in
      // One that comes back before it was let go is there already.
      if !state.slots.contains(where: { $0 === slot }) { state.slots.append(slot) }
    }
  }

  /// After this nothing more is delivered to it, but what is under way. Thread: control.
  public func remove(_ slot: OutletSlot) { shared.withLock { $0.slots.removeAll { $0 === slot } } }

  /// From the next block on. Thread: control.
  public func setBitrate(_ bitrate: Int) { shared.withLock { $0.bitrate = bitrate } }

  // MARK: The encoder's thread

  /// Sends one packet, or says when to come back at the latest. Nil when a packet went: look at the clock and ask again,
  /// since sending may have taken any time. Thread: the encoder's.
  public func step(now: HostTime) -> HostTime? {
    if let held {
      guard now >= held.release else { return held.release }
      self.held = nil
      encodeAndSend(held.facts)
      return nil
    }
    switch reframer.next(now: now, into: pcm.baseAddress!) {
    case .wait(let until): return until
    case .frame(let facts):
      let release = pacer.release(capturedAt: facts.captureTime, cycle: reframer.cycle, now: now)
      if release > now {
        held = (facts, release)
        return release
      }
      encodeAndSend(facts)
      return nil
    }
  }

  private func encodeAndSend(_ facts: Reframer.Facts) {
    let (slots, bitrate) = shared.withLock { state in
      guard facts.position % blockFrames == 0 else { return (state.slots, Int?.none) }
      defer { state.bitrate = nil }
      return (state.slots, state.bitrate)
    }
    if let bitrate { try? encoder.setBitrate(bitrate) }
    let began = renderNow()
    let length = try? encoder.encode(UnsafePointer(pcm.baseAddress!), into: packet)
    let encoding = renderNow() - began
    // What cannot be encoded is the last packet again: a block must be whole.
    lastLength = length ?? lastLength
    let payload = lastLength.map { UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: packet[..<$0])) }
    let sound = OutletSlot.Sound(samples: UnsafePointer(pcm.baseAddress!), layout: layout)
    for slot in slots { slot.deliver(payload, facts, of: sound, from: identity) }
    account(facts, encoding, sentAt: renderNow(), failed: length == nil)
  }

  private func account(_ facts: Reframer.Facts, _ encoding: HostDuration, sentAt sent: HostTime, failed: Bool) {
    let counts = reframer.counts
    meter.measure(UnsafePointer(pcm.baseAddress!), count: pcm.count)
    shared.withLock { state in
      if failed { state.statistics.encodeErrors += 1 }
      state.statistics.reframed = counts
      state.statistics.position = facts.position
      state.statistics.positionTime = facts.captureTime
      state.statistics.isSilent = facts.isSilence
      state.statistics.isEven = pacer.isEven
      state.statistics.encodeTimes.add(encoding)
      if !facts.isSilence { state.statistics.delays.add(sent - facts.captureTime) }
      state.levels.frames += frame.value
      meter.take(peaks: &state.levels.peaks, squares: &state.levels.squares)
    }
  }

  /// Counters so far, and levels since `reset` was last asked for. Thread: any.
  public func statistics(resetLevels reset: Bool = false) -> Statistics {
    shared.withLock { state in
      var result = state.statistics
      result.peaks = state.levels.peaks
      result.powers = state.levels.squares.map { state.levels.frames > 0 ? $0 / Double(state.levels.frames) : 0 }
      result.measuredFrames = state.levels.frames
      if reset {
        state.levels.frames = 0
        for channel in 0..<channels {
          state.levels.peaks[channel] = 0
          state.levels.squares[channel] = 0
        }
      }
      return result
    }
  }
}
