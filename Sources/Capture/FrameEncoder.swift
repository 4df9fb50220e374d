public import AudioCore
import CLinux
public import OpusCodec
import Synchronization
public import Wire

/// One bus encoded once: reframe, encode, packetise, send. Passive: its thread calls `step`.
public final class FrameEncoder: @unchecked Sendable {
  public struct Statistics: Sendable, Equatable {
    public var packets: UInt64 = 0
    public var bytes: UInt64 = 0
    public var sendErrors: UInt64 = 0
    public var lastSendError: Int32 = 0
    public var encodeErrors: UInt64 = 0
    public var reframed = Reframer.Counts()
    /// Highest sample and mean power since the last reading, per channel of the codec's order.
    public var peaks: [Float] = []
    public var powers: [Double] = []
    /// Where the media clock stands and when that was: the stream's A/V reference.
    public var position: Int64 = 0
    public var positionTime = HostTime(nanoseconds: 0)
    public var isSilent = true
  }

  private struct Levels {
    var peaks: [Float]
    var squares: [Double]
    var frames = 0
  }

  private var reframer: Reframer
  private var encoder: OpusEncoder
  private var packetizer: RTPPacketizer
  private let sink: any PacketSink
  private let pcm: UnsafeMutableBufferPointer<Float>
  private let packet: UnsafeMutableRawBufferPointer
  private var meter: LevelMeter
  private let channels: Int
  private let frame: FrameCount
  private let wallOffset: @Sendable () -> Int64
  private let shared: Mutex<(statistics: Statistics, levels: Levels)>

  /// `wallOffset` is what turns a host time into Unix nanoseconds, for the capture-time extension.
  public init(
    reader: consuming AudioRing.Reader, busLayout: ChannelLayout, configuration: OpusConfiguration,
    packetizer: RTPPacketizer, sink: any PacketSink, start: HostTime,
    tuning: MediaTimeline.Tuning = MediaTimeline.Tuning(),
    wallOffset: @escaping @Sendable () -> Int64
  ) throws(OpusError) {
    guard let order = SurroundMap.order(from: busLayout, to: configuration.layout) else {
      throw .badConfiguration(field: .mapping, allowed: busLayout.names.joined(separator: " "))
    }
    encoder = try OpusEncoder(configuration)
    reframer = Reframer(
      reader: reader, order: order, frame: configuration.frame.frames, start: start, tuning: tuning)
    self.packetizer = packetizer
    self.sink = sink
    self.wallOffset = wallOffset
    channels = configuration.layout.count
    meter = LevelMeter(channels: channels)
    frame = configuration.frame.frames
    pcm = .allocate(capacity: frame.value * channels)
    pcm.initialize(repeating: 0)
    packet = .allocate(byteCount: packetizer.headerLength + 1500 * configuration.streams, alignment: 16)
    shared = Mutex(
      (Statistics(), Levels(peaks: .init(repeating: 0, count: channels), squares: .init(repeating: 0, count: channels)))
    )
  }

  deinit {
    pcm.deallocate()
    packet.deallocate()
  }

  /// Sends one packet, or says when to come back at the latest. Nil when a packet went: look at the clock and ask again,
  /// since sending may have taken any time. Thread: the encoder's.
  public func step(now: HostTime) -> HostTime? {
    switch reframer.next(now: now, into: pcm.baseAddress!) {
    case .wait(let until): return until
    case .frame(let facts):
      encodeAndSend(facts)
      return nil
    }
  }

  private func encodeAndSend(_ facts: Reframer.Facts) {
    if facts.skipped.value > 0 { packetizer.skip(facts.skipped) }
    let header = packetizer.headerLength
    let room = UnsafeMutableRawBufferPointer(rebasing: packet[header...])
    let length: Int
    do {
      length = try encoder.encode(UnsafePointer(pcm.baseAddress!), into: room.bindMemory(to: UInt8.self))
    } catch {
      // The time passes all the same, so that what follows is on time.
      packetizer.skip(frame)
      shared.withLock { $0.statistics.encodeErrors += 1 }
      return
    }
    let time = NTPTime(unixNanoseconds: facts.captureTime.nanoseconds + wallOffset())
    packetizer.writeHeader(into: packet, frames: frame, capturedAt: time)
    let outcome = sink.send(UnsafeRawBufferPointer(rebasing: packet[..<(header + length)]))
    account(facts, bytes: header + length, outcome)
  }

  private func account(_ facts: Reframer.Facts, bytes: Int, _ outcome: SendOutcome) {
    let counts = reframer.counts
    meter.measure(UnsafePointer(pcm.baseAddress!), count: pcm.count)
    shared.withLock { state in
      switch outcome {
      case .sent:
        state.statistics.packets += 1
        state.statistics.bytes += UInt64(bytes)
      case .failed(let errno):
        state.statistics.sendErrors += 1
        state.statistics.lastSendError = errno
      }
      state.statistics.reframed = counts
      state.statistics.position = facts.position
      state.statistics.positionTime = facts.captureTime
      state.statistics.isSilent = facts.isSilence
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
