import AudioCore
import COpus
import COpusSystem
import Capture
import Glibc
import Mixer
import OpusCodec
import Wire

/// From a captured block to a finished packet, beside libopus alone on the same PCM with the same settings.
///
/// Both run on one thread and make no system call, so the difference is what the rooms between cost: mixing, ring,
/// reframing, levels, RTP. Sleeping, waking and sending are left out on both sides.
func wholePathCases() throws(BenchError) -> [Case] {
  let shapes: [(String, OpusConfiguration)] = [
    ("stereo-96k", .gameStreamStereo), ("5.1-256k", .gameStreamSurround51), ("7.1-450k", .gameStreamSurround71),
  ]
  var cases: [Case] = []
  for (name, preset) in shapes {
    var configuration = preset
    configuration.complexity = 10
    let programme = Programme(configuration.layout)
    for quantum in [128, 256, 1024] {
      try proveEqual(configuration, programme, quantum: quantum)
      let path = try WholePath(configuration, programme, quantum: quantum, sink: NullSink())
      let bare = try BareOpus(configuration, programme)
      cases.append(
        Case(
          name: "path/\(name)/\(quantum)", unit: "packet",
          unitsPerBatch: Programme.stretch / configuration.frame.rawValue, batches: Programme.stretches,
          ours: { path.stretch() }, floor: { bare.stretch { _ in } }))
    }
  }
  return cases
}

/// A benchmark that compares unlike things is worthless: every payload of both sides must be the same.
private func proveEqual(
  _ configuration: OpusConfiguration, _ programme: Programme, quantum: Int
) throws(BenchError) {
  let sink = DigestSink()
  let path = try WholePath(configuration, programme, quantum: quantum, sink: sink)
  let bare = try BareOpus(configuration, programme)
  var digest = Digest()
  for _ in 0..<Programme.stretches {
    path.stretch()
    bare.stretch { digest.add($0) }
  }
  guard digest == sink.digest, path.isWhole else {
    throw BenchError("our packets are not those of libopus: \(configuration.layout.names) at \(quantum)")
  }
}

private final class WholePath {
  private let quantum: Int
  private let renderer = Renderer()
  private let bus: BusOutput
  private let encoder: FrameEncoder
  private let player: Player
  private var ticket: UInt32

  init(
    _ configuration: OpusConfiguration, _ programme: Programme, quantum: Int, sink: any PacketSink
  ) throws(BenchError) {
    self.quantum = quantum
    bus = BusOutput(layout: programme.layout, capacity: 32_768)
    do {
      encoder = try FrameEncoder(
        reader: bus.makeReader(), busLayout: programme.layout, configuration: configuration,
        start: HostTime(nanoseconds: 0))
    } catch { throw BenchError(error.message) }
    let outlet = RTPOutlet(
      packetizer: RTPPacketizer(source: 1, sequence: 0, timestamp: 0, carriesCaptureTime: true), sink: sink,
      frame: configuration.frame.frames, payloadLimit: FrameEncoder.payloadLimit(configuration),
      wallOffset: wallClockOffset)
    encoder.add(OutletSlot(outlet, frame: configuration.frame.frames))
    renderer.publish(RenderPlan(input: programme.layout, buses: [bus]))
    player = Player(programme, quantum: quantum, client: renderer)
    ticket = bus.signal.ticket
  }

  /// The encoder steps when the bus wakes it, as its thread would.
  func stretch() {
    for _ in 0..<(Programme.stretch / quantum) {
      let time = player.cycle()
      guard bus.signal.ticket != ticket else { continue }
      ticket = bus.signal.ticket
      while encoder.step(now: time) == nil {}
    }
  }

  /// Nothing was lost, skipped or filled in.
  var isWhole: Bool {
    let counts = encoder.statistics().reframed
    return counts.silentFrames == 0 && counts.gaps == 0 && counts.staleFrames == 0 && counts.lateFrames == 0
      && counts.frames > 0 && bus.floodedFrames == 0
  }
}

/// What the daemon does for each packet's capture time.
@Sendable private func wallClockOffset() -> Int64 {
  var wall = timespec()
  clock_gettime(CLOCK_REALTIME, &wall)
  return Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - renderNow().nanoseconds
}

/// The floor: libopus in a loop.
private final class BareOpus {
  private let state: OpaquePointer
  private let programme: Programme
  private let frame: Int
  private let bytes: Int
  private let packet: UnsafeMutableBufferPointer<UInt8>
  private var offset = 0

  init(_ configuration: OpusConfiguration, _ programme: Programme) throws(BenchError) {
    self.programme = programme
    frame = configuration.frame.rawValue
    bytes = 1500 * configuration.streams
    packet = .allocate(capacity: bytes)
    var error: Int32 = 0
    let made = opus_multistream_encoder_create(
      48_000, Int32(configuration.layout.count), Int32(configuration.streams), Int32(configuration.coupled),
      configuration.mapping, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &error)
    guard let made, error == OPUS_OK else { throw BenchError("libopus error \(error)") }
    state = made
    for (request, value) in [
      (OPUS_SET_BITRATE_REQUEST, Int32(configuration.bitrate)), (OPUS_SET_VBR_REQUEST, 0),
      (OPUS_SET_COMPLEXITY_REQUEST, Int32(configuration.complexity)),
      (OPUS_SET_BANDWIDTH_REQUEST, OPUS_BANDWIDTH_FULLBAND),
    ] {
      _ = copus_encoder_set(made, request, value)
    }
  }

  deinit {
    opus_multistream_encoder_destroy(state)
    packet.deallocate()
  }

  func stretch(_ done: (UnsafeRawBufferPointer) -> Void) {
    for _ in 0..<(Programme.stretch / frame) {
      let length = opus_multistream_encode_float(
        state, programme.interleaved + offset * programme.layout.count, Int32(frame), packet.baseAddress!, Int32(bytes))
      done(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(packet)[..<Int(max(length, 0))]))
      offset = (offset + frame) % Programme.frames
    }
  }
}

private struct NullSink: PacketSink {
  func send(_ packet: UnsafeRawBufferPointer) -> SendOutcome { .sent }
}

private struct Digest: Equatable {
  private var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  private var bytes = 0

  mutating func add(_ payload: UnsafeRawBufferPointer) {
    bytes += payload.count
    for byte in payload { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }
}

/// Sees one thread only.
private final class DigestSink: PacketSink, @unchecked Sendable {
  private(set) var digest = Digest()
  private static let header = 28

  func send(_ packet: UnsafeRawBufferPointer) -> SendOutcome {
    digest.add(UnsafeRawBufferPointer(rebasing: packet[Self.header...]))
    return .sent
  }
}
