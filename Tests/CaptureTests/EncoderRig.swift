import AudioCore
import AudioIO
import Capture
import Glibc
import Mixer
import OpusCodec
import Synchronization
import Wire

/// Keeps what was sent.
final class MemorySink: PacketSink {
  private let kept = Mutex<[[UInt8]]>([])
  let failure: Int32

  init(failure: Int32 = 0) { self.failure = failure }

  func send(_ packet: UnsafeRawBufferPointer) -> SendOutcome {
    kept.withLock { $0.append(Array(packet)) }
    return failure == 0 ? .sent : .failed(errno: failure)
  }

  var packets: [[UInt8]] { kept.withLock { $0 } }
}

/// The whole path without a server: pretended device, renderer, bus, encoder, packets.
final class EncoderRig {
  let backend: OfflineBackend
  let renderer = Renderer()
  let bus: BusOutput
  let sink: MemorySink
  let encoder: FrameEncoder
  let outlet: RTPOutlet
  let stream: any AudioStream

  static let amplitude = 0.1
  static func frequency(_ channel: Int) -> Double { [997, 1511, 443, 2239, 3347, 701, 1873, 2791][channel] }

  init(
    device: ChannelLayout, bus layout: ChannelLayout, configuration: OpusConfiguration, quantum: Int = 256,
    faults: FaultScript = FaultScript(), sink: MemorySink = MemorySink(), carriesCaptureTime: Bool = false,
    shape: FrameEncoder.Shape = FrameEncoder.Shape()
  ) throws {
    self.sink = sink
    backend = OfflineBackend(
      OfflineBackend.Domain(quantum: quantum, layout: device, faults: faults) { channel, position in
        let turns = Self.frequency(channel) * Double(position) / 48_000
        return Float(Self.amplitude * sin(2 * Double.pi * (turns - turns.rounded(.down))))
      })
    bus = BusOutput(layout: layout, capacity: 48_000)
    encoder = try FrameEncoder(
      reader: bus.makeReader(), busLayout: layout, configuration: configuration, shape: shape,
      start: HostTime(nanoseconds: 0))
    outlet = RTPOutlet(
      packetizer: RTPPacketizer(
        source: 0xABCD, sequence: 65_530, timestamp: UInt32.max - 1000, carriesCaptureTime: carriesCaptureTime),
      sink: sink, frame: configuration.frame.frames, payloadLimit: FrameEncoder.payloadLimit(configuration),
      wallOffset: { 1_700_000_000_000_000_000 })
    encoder.add(OutletSlot(outlet, frame: configuration.frame.frames))
    renderer.publish(RenderPlan(input: device, buses: [bus]))
    stream = try backend.open(
      StreamRequest(role: .monitor(of: .defaultSink), name: "test", description: "test"), client: renderer,
      events: { _ in })
    try stream.start()
  }

  /// Runs the device and, whenever it is due, the encoder.
  func run(_ duration: HostDuration) {
    let end = backend.now + duration
    var due = HostTime(nanoseconds: 0)
    while backend.now < end {
      let before = backend.now
      backend.advance()
      // The block is there at the start of its cycle; the encoder sleeps until it is told.
      due = drain(at: before)
      while due < backend.now {
        let next = drain(at: due)
        guard next > due else { break }
        due = next
      }
    }
    renderer.reclaim()
  }

  /// Sends what is ready; returns when to come back. Encoding takes no time here.
  private func drain(at time: HostTime) -> HostTime {
    while true { if let due = encoder.step(now: time) { return due } }
  }

  /// Decodes everything sent; interleaved.
  func decoded(_ configuration: OpusConfiguration) throws -> [Float] {
    var decoder = try OpusDecoder(configuration)
    var pcm: [Float] = []
    let frames = configuration.frame.frames
    let room = UnsafeMutablePointer<Float>.allocate(capacity: configuration.samplesPerFrame)
    defer { room.deallocate() }
    for packet in sink.packets {
      let payload = try packet.withUnsafeBytes { Array(packet[try RTPParser().parse($0).payload]) }
      _ = try payload.withUnsafeBufferPointer { try decoder.decode($0, into: room, capacity: frames) }
      pcm.append(contentsOf: UnsafeBufferPointer(start: room, count: configuration.samplesPerFrame))
    }
    return pcm
  }

  func headers() throws -> [RTPPacket] {
    try sink.packets.map { packet in try packet.withUnsafeBytes { try RTPParser().parse($0) } }
  }

  /// Peak amplitude of a frequency in one channel, in decibels.
  static func level(_ pcm: ArraySlice<Float>, channel: Int, channels: Int, frequency: Double) -> Double {
    let samples = stride(from: pcm.startIndex + channel, to: pcm.endIndex, by: channels).map { Double(pcm[$0]) }
    var (real, imaginary, weight) = (0.0, 0.0, 0.0)
    for (n, sample) in samples.enumerated() {
      let window = 0.5 - 0.5 * cos(2 * Double.pi * Double(n) / Double(samples.count))
      let phase = 2 * Double.pi * frequency * Double(n) / 48_000
      real += window * sample * cos(phase)
      imaginary += window * sample * sin(phase)
      weight += window
    }
    return 20 * log10(max(2 * (real * real + imaginary * imaginary).squareRoot() / weight, 1e-9))
  }
}
