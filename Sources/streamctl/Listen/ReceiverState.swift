import AudioCore
import Glibc
import OpusCodec
import VirtualMic
import Wire

/// Plain RTP, by way of the jitter buffer.
final class ReceiverState: Reception, @unchecked Sendable {
  private let parser: RTPParser
  private let payloadType: UInt8
  private var buffer: JitterBuffer
  private var decoder: FrameDecoder
  private var tap: SoundTap
  private var latency = LatencyHistogram()
  private var payload: [UInt8] = []
  private let pcm: UnsafeMutableBufferPointer<Float>
  private var packets: UInt64 = 0
  private var malformed: UInt64 = 0
  /// Counts when the measured span began.
  private var spanStart: JitterStatistics?

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
    // Somebody who judges a stream is no player who wants it soon: what comes a little late is not to count as lost.
    buffer = JitterBuffer(
      JitterSettings(packet: audio.packet, leastDelay: .milliseconds(20), lateShare: 0.0005))
    parser = RTPParser(captureTimeID: description.captureTimeID)
    payloadType = description.payloadType
    tap = SoundTap(audio.layout, wav: wav, sink: sink)
    pcm = .allocate(capacity: samples)
  }

  deinit { pcm.deallocate() }

  private static func decoder(_ configuration: OpusConfiguration) throws(ReceiverError) -> FrameDecoder {
    // A decoder needs no bitrate; the check wants a possible one.
    var configuration = configuration
    configuration.bitrate = configuration.bitrateRange.lowerBound
    do throws(OpusError) { return try FrameDecoder(configuration) } catch { throw .unplayable(error.message) }
  }

  func take(_ datagram: UnsafeRawBufferPointer, at now: HostTime, wallOffset: Int64) {
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

  func play(at now: HostTime) -> HostTime? {
    while true {
      let playout = buffer.pull(at: now, into: &payload)
      switch playout {
      case .early(let until): return until
      case .idle: return nil
      default: emit(playout)
      }
    }
  }

  private func emit(_ playout: Playout) {
    let frames = decoder.play(playout, payload: payload, into: pcm)
    tap.hear(UnsafeBufferPointer(rebasing: pcm[..<(frames.value * tap.layout.count)]), frames: frames)
    if tap.isMeasuring, spanStart == nil { spanStart = buffer.statistics }
  }

  func snapshot() -> ReceiverSnapshot {
    ReceiverSnapshot(
      layout: decoder.layout, levels: tap.takeLevels(), packets: packets, network: buffer.statistics,
      jitter: buffer.jitter, delay: buffer.targetDelay, buffered: buffer.buffered.duration(at: .codec),
      latencyP50: latency.percentile(0.5), latencyP99: latency.percentile(0.99))
  }

  func facts() -> (summary: Summary, newest: [[Float]]) {
    let now = buffer.statistics
    let start = spanStart ?? now
    let concealed = now.concealedFrames - start.concealedFrames + now.silentFrames - start.silentFrames
    let summary = Summary(
      channels: tap.channels, measured: tap.measured, packets: packets, network: now, malformed: malformed,
      corrupt: decoder.statistics.corruptPackets,
      spanLost: now.lost - min(start.lost, now.lost) + now.late - start.late + now.skipped - start.skipped,
      spanConcealed: FrameCount(Int(concealed)).duration(at: .codec), jitter: buffer.jitter,
      latencyP50: latency.percentile(0.5), latencyP99: latency.percentile(0.99),
      recordingError: tap.recordingTrouble)
    return (summary, tap.newest)
  }
}
