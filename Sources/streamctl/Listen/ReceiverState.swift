import AudioCore
import Glibc
import OpusCodec
import VirtualMic
import Wire

/// Takes decoded sound: a player or a test.
protocol SoundSink: AnyObject, Sendable {
  /// One block of interleaved 48 kHz floats in the layout's order. Called in order, from the receiver's thread.
  func receive(_ pcm: UnsafeBufferPointer<Float>, frames: FrameCount, layout: ChannelLayout)
}

/// What the receiver's thread works on: datagrams in, sound and counts out. Reads no socket and no clock.
/// Sendable because nobody else has its sample memory.
struct ReceiverState: ~Copyable, @unchecked Sendable {
  private let parser: RTPParser
  private let payloadType: UInt8
  private var buffer: JitterBuffer
  private var decoder: FrameDecoder
  private var meters: [ChannelMeter]
  private var latency = LatencyHistogram()
  private var wav: WAVWriter?
  private var recordingError: WAVError?
  private let sink: (any SoundSink)?
  private var payload: [UInt8] = []
  private let pcm: UnsafeMutableBufferPointer<Float>
  private var packets: UInt64 = 0
  private var malformed: UInt64 = 0
  /// Frames of sound since the first packet was played.
  private var heardFrames = 0
  /// Counts when the measured span began.
  private var spanStart: JitterStatistics?

  /// Encoder and decoder start up within this; it is not measured.
  static let settle: FrameCount = 24_000

  init(
    _ description: SessionDescription, wav: consuming WAVWriter?, sink: (any SoundSink)?
  ) throws(ReceiverError) {
    let audio = description.audio
    let configuration = OpusConfiguration(
      layout: audio.layout, streams: audio.streams, coupled: audio.coupled, mapping: audio.mapping,
      bitrate: 0, frame: FrameDuration(frames: audio.packet) ?? .ms5)
    let decoder = try Self.decoder(configuration)
    let samples = decoder.samplesNeeded
    self.decoder = decoder
    buffer = JitterBuffer(JitterSettings(packet: audio.packet))
    parser = RTPParser(captureTimeID: description.captureTimeID)
    payloadType = description.payloadType
    meters = [ChannelMeter](repeating: ChannelMeter(), count: audio.layout.count)
    self.wav = wav
    self.sink = sink
    pcm = .allocate(capacity: samples)
  }

  deinit { pcm.deallocate() }

  private static func decoder(_ configuration: OpusConfiguration) throws(ReceiverError) -> FrameDecoder {
    // A decoder needs no bitrate; the check wants a possible one.
    var configuration = configuration
    configuration.bitrate = configuration.bitrateRange.lowerBound
    do throws(OpusError) { return try FrameDecoder(configuration) } catch { throw .unplayable(error.message) }
  }

  /// Takes one datagram. `wallOffset` leads from the host's time to nanoseconds since 1970.
  mutating func take(_ datagram: UnsafeRawBufferPointer, at now: HostTime, wallOffset: Int64) {
    guard let packet = try? parser.parse(datagram), packet.header.payloadType == payloadType else {
      malformed += 1
      return
    }
    let bytes = UnsafeRawBufferPointer(rebasing: datagram[packet.payload])
    guard let frames = OpusPacket.frames(of: bytes.assumingMemoryBound(to: UInt8.self)) else {
      malformed += 1
      return
    }
    let insertion = buffer.insert(packet.header, payload: bytes, frames: frames, at: now)
    if insertion == .foreign { return }
    packets += 1
    if insertion != .duplicate, let captured = packet.captureTime {
      let arrived = now.nanoseconds + wallOffset
      latency.record(HostDuration(nanoseconds: arrived - captured.unixNanoseconds))
    }
  }

  /// Plays everything due. Returns when to be called again at the latest; nil: when a packet comes.
  mutating func play(at now: HostTime) -> HostTime? {
    while true {
      let playout = buffer.pull(at: now, into: &payload)
      switch playout {
      case .early(let until): return until
      case .idle: return nil
      default: emit(playout)
      }
    }
  }

  private mutating func emit(_ playout: Playout) {
    let frames = decoder.play(playout, payload: payload, into: pcm)
    let block = UnsafeBufferPointer(rebasing: pcm[..<(frames.value * meters.count)])
    heardFrames += frames.value
    let measuring = heardFrames > Self.settle.value
    if measuring, spanStart == nil { spanStart = buffer.statistics }
    for channel in meters.indices {
      meters[channel].feed(block, channel: channel, channels: meters.count, measuring: measuring)
    }
    sink?.receive(block, frames: frames, layout: decoder.layout)
    record(block)
  }

  private mutating func record(_ block: UnsafeBufferPointer<Float>) {
    guard wav != nil else { return }
    do throws(WAVError) { try wav?.append(block) } catch {
      recordingError = error
      wav = nil
    }
  }

  /// Levels are those since the snapshot before.
  mutating func snapshot() -> ReceiverSnapshot {
    var levels: [LevelReading] = []
    for channel in meters.indices { levels.append(meters[channel].takeRecent()) }
    return ReceiverSnapshot(
      layout: decoder.layout, levels: levels, packets: packets, network: buffer.statistics, jitter: buffer.jitter,
      delay: buffer.targetDelay, buffered: buffer.buffered.duration(at: .codec),
      latencyP50: latency.percentile(0.5), latencyP99: latency.percentile(0.99))
  }

  /// Facts for the summary, and each channel's newest samples: the spectrum is worked out elsewhere.
  func facts() -> (summary: Summary, newest: [[Float]]) {
    let now = buffer.statistics
    let start = spanStart ?? now
    let channels = zip(decoder.layout.names, meters).map {
      Summary.Channel(name: $0, level: $1.spanReading, frequency: nil, tone: nil, breaks: $1.tracker.breaks)
    }
    let concealed = now.concealedFrames - start.concealedFrames + now.silentFrames - start.silentFrames
    let summary = Summary(
      channels: channels, measured: FrameCount(max(heardFrames - Self.settle.value, 0)).duration(at: .codec),
      packets: packets, network: now, malformed: malformed, corrupt: decoder.statistics.corruptPackets,
      spanLost: now.lost - min(start.lost, now.lost) + now.late - start.late + now.skipped - start.skipped,
      spanConcealed: FrameCount(Int(concealed)).duration(at: .codec), jitter: buffer.jitter,
      latencyP50: latency.percentile(0.5), latencyP99: latency.percentile(0.99),
      recordingError: recordingError?.message)
    return (summary, meters.map(\.newest))
  }
}
