import AudioCore
import AudioIO
import Glibc
import Mixer

/// A pretended device, a renderer and the reader's end of one bus.
final class MixRig {
  let backend: OfflineBackend
  let renderer = Renderer()
  let stream: any AudioStream

  init(
    device: ChannelLayout = .stereo, quantum: Int = 256, faults: FaultScript = FaultScript(),
    signal: @escaping OfflineBackend.Signal = MixRig.noise
  ) throws {
    backend = OfflineBackend(
      OfflineBackend.Domain(quantum: quantum, layout: device, faults: faults, signal: signal))
    stream = try backend.open(
      StreamRequest(role: .monitor(of: .defaultSink), name: "test", description: "test"), client: renderer,
      events: { _ in })
    try stream.start()
  }

  /// Every bit of the mantissa in use, so that any arithmetic on it shows.
  static let noise: OfflineBackend.Signal = { channel, position in
    var z = UInt64(bitPattern: position) &* 8 &+ UInt64(channel) &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float(Int32(truncatingIfNeeded: z >> 32)) / Float(1 << 31)
  }
}

/// Everything a bus holds, per channel, and the marks on the way.
struct BusContents {
  var channels: [[Float]]
  var marks: [CycleMark] = []

  init(_ reader: inout AudioRing.Reader) {
    channels = Array(repeating: [], count: reader.channels)
    while let mark = reader.mark(), let span = reader.span(FrameCount(mark.frames)) {
      marks.append(mark)
      for channel in 0..<reader.channels {
        let first = UnsafeBufferPointer(
          start: reader.pointer(channel: channel, offset: span.first), count: span.firstCount)
        let second = UnsafeBufferPointer(start: reader.pointer(channel: channel, offset: 0), count: span.secondCount)
        channels[channel] += first
        channels[channel] += second
      }
      reader.release(FrameCount(mark.frames))
    }
  }

  var frames: Int { channels[0].count }
}
