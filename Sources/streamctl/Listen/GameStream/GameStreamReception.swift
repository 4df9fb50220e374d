import AudioCore
import OpusCodec
import VirtualMic
import Wire

/// A GameStream client's half: pings, the start's drop, blocks, repair, decryption, concealment, sound. Sound is decoded as
/// it becomes ready, as clients do: what waits before the speaker is the renderer's.
final class GameStreamReception: Reception, @unchecked Sendable {
  private var receiver: GameStreamReceiver
  private var decoder: OpusDecoder
  private var tap: SoundTap
  private var pings: PingSchedule
  private var jitter = ArrivalJitter()
  private let frame: FrameCount
  private let pcm: UnsafeMutableBufferPointer<Float>
  private var datagrams: UInt64 = 0
  private var corrupt: UInt64 = 0
  /// Counts when the measured span began.
  private var spanStart: (statistics: GameStreamReceiverStatistics, corrupt: UInt64)?

  init(
    _ agreement: GameStreamAgreement, wav: consuming WAVWriter?, sink: (any SoundSink)?, dropsStart: Bool = true
  ) throws(ReceiverError) {
    let decoder = try Self.decoder(agreement)
    let layout = decoder.configuration.layout
    receiver = GameStreamReceiver(
      duration: agreement.duration, decryptor: try Self.decryptor(agreement), dropsStart: dropsStart)
    self.decoder = decoder
    tap = SoundTap(layout, wav: wav, sink: sink)
    pings = PingSchedule(agreement.ping)
    frame = FrameCount(agreement.duration.rawValue * 48)
    // Room for the longest packet there is: what decrypts may be anybody's bytes.
    pcm = .allocate(capacity: OpusDecoder.packetLimit.value * layout.count)
  }

  deinit { pcm.deallocate() }

  func take(_ datagram: UnsafeRawBufferPointer, at now: HostTime, wallOffset: Int64) {
    datagrams += 1
    if let sent = GameStreamPlace(datagram)?.timestamp { jitter.add(sentAt: sent, arrivedAt: now) }
    receiver.receive(datagram, at: now) { delivery in
      switch delivery {
      case .packet(let bytes, _): decode(bytes)
      case .lost: conceal()
      }
    }
    if tap.isMeasuring, spanStart == nil { spanStart = (receiver.statistics, corrupt) }
  }

  func play(at now: HostTime) -> HostTime? { pings.nextDue }

  func outgoing(at now: HostTime) -> [UInt8]? { pings.next(at: now) }

  private func decode(_ packet: UnsafeRawBufferPointer) {
    do throws(OpusError) {
      hear(
        try decoder.decode(
          packet.assumingMemoryBound(to: UInt8.self), into: pcm.baseAddress!, capacity: OpusDecoder.packetLimit))
    } catch { corrupt += 1 }
  }

  private func conceal() {
    guard let made = try? decoder.conceal(frame, into: pcm.baseAddress!) else { return }
    hear(made)
  }

  private func hear(_ frames: FrameCount) {
    tap.hear(UnsafeBufferPointer(rebasing: pcm[..<(frames.value * tap.layout.count)]), frames: frames)
  }

  func snapshot() -> ReceiverSnapshot {
    ReceiverSnapshot(
      layout: tap.layout, levels: tap.takeLevels(), packets: UInt64(receiver.statistics.received), network: network,
      jitter: jitter.value, delay: .zero, buffered: .zero, latencyP50: nil, latencyP99: nil,
      protection: protection)
  }

  func facts() -> (summary: Summary, newest: [[Float]]) {
    let now = receiver.statistics
    let start = spanStart ?? (now, corrupt)
    let concealed = now.concealed - start.statistics.concealed
    // Blocks of which nothing came leave no concealed sound, but a hole all the same.
    let skipped = (now.skippedBlocks - start.statistics.skippedBlocks) * GameStreamFormat.blockPackets
    let undecryptable = now.undecryptable - start.statistics.undecryptable
    let summary = Summary(
      channels: tap.channels, measured: tap.measured, packets: UInt64(now.received), network: network,
      malformed: UInt64(now.malformed), corrupt: corrupt, spanLost: UInt64(concealed + skipped + undecryptable),
      spanConcealed: (frame.duration(at: .codec)) * Int64(concealed), jitter: jitter.value, latencyP50: nil,
      latencyP99: nil, recordingError: tap.recordingTrouble, protection: protection)
    return (summary, tap.newest)
  }

  private var protection: ProtectionReport { ProtectionReport(receiver.statistics, pings: pings.sent) }

  /// In the words of the plain receiver.
  private var network: JitterStatistics {
    let counts = receiver.statistics
    var network = JitterStatistics()
    network.received = UInt64(counts.received)
    network.lost = UInt64(counts.lost)
    network.late = UInt64(counts.late)
    network.duplicates = UInt64(counts.duplicates)
    network.concealedFrames = UInt64(counts.concealed * frame.value)
    return network
  }

  private static func decoder(_ agreement: GameStreamAgreement) throws(ReceiverError) -> OpusDecoder {
    guard let layout = ChannelLayout(channels: agreement.channels) else {
      throw .unplayable("there is no layout of \(agreement.channels) channels")
    }
    let surround: SurroundParams
    do throws(SurroundParamsError) { surround = try agreement.decoding() } catch { throw .unplayable(error.message) }
    var codec = OpusConfiguration(
      layout: layout, streams: surround.streams, coupled: surround.coupled, mapping: surround.mapping, bitrate: 0,
      frame: agreement.duration == .ms5 ? .ms5 : .ms10)
    // A decoder needs no bitrate; the check wants a possible one.
    codec.bitrate = codec.bitrateRange.lowerBound
    do throws(OpusError) { return try OpusDecoder(codec) } catch { throw .unplayable(error.message) }
  }

  private static func decryptor(
    _ agreement: GameStreamAgreement
  ) throws(ReceiverError) -> GameStreamCipher.Decryptor? {
    guard let encryption = agreement.encryption else { return nil }
    do throws(GameStreamCipherError) {
      return try GameStreamCipher.Decryptor(key: encryption.key, keyID: encryption.keyID)
    } catch { throw .unplayable("encryption is not available (\(error.code))") }
  }
}

/// What GameStream's error protection did, and the pings that keep the session.
struct ProtectionReport: Hashable, Sendable {
  var statistics: GameStreamReceiverStatistics
  var pings: UInt32

  init(_ statistics: GameStreamReceiverStatistics, pings: UInt32) {
    self.statistics = statistics
    self.pings = pings
  }

  var text: String {
    var text =
      "recovered \(statistics.recovered), concealed \(statistics.concealed), skipped blocks \(statistics.skippedBlocks), "
      + "parity \(statistics.parity) used, \(statistics.unneededParity) unneeded, "
      + "undecryptable \(statistics.undecryptable), dropped at start \(statistics.droppedAtStart), pings \(pings)"
    if statistics.isIncompatible { text += "\nthe server's blocks are not of one size: repair is off" }
    return text
  }

  func add(to fields: inout JSONFields) {
    fields.add("recovered", statistics.recovered)
    fields.add("concealed", statistics.concealed)
    fields.add("skipped_blocks", statistics.skippedBlocks)
    fields.add("parity", statistics.parity)
    fields.add("unneeded_parity", statistics.unneededParity)
    fields.add("undecryptable", statistics.undecryptable)
    fields.add("dropped_at_start", statistics.droppedAtStart)
    fields.add("incompatible", statistics.isIncompatible)
    fields.add("pings", UInt64(pings))
  }
}

/// Interarrival jitter as RFC 3550 defines it, from timestamps in milliseconds.
struct ArrivalJitter: Sendable {
  private var last: (sent: UInt32, arrived: HostTime)?
  private var nanoseconds = 0.0

  var value: HostDuration { HostDuration(nanoseconds: Int64(nanoseconds)) }

  mutating func add(sentAt sent: UInt32, arrivedAt arrived: HostTime) {
    defer { last = (sent, arrived) }
    guard let last else { return }
    let step = Int64(Int32(bitPattern: sent &- last.sent))
    // A stranger's timestamp is no transit time.
    guard abs(step) < 10_000 else { return }
    let difference = abs((arrived - last.arrived).nanoseconds - step * 1_000_000)
    nanoseconds += (Double(difference) - nanoseconds) / 16
  }
}
