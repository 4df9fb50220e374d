import AudioCore
import Glibc
import OpusCodec
import Wire

@testable import streamctl

/// Encoded tones as a sender would send them, with faults on demand.
struct SteadyStream {
  static let frequencies = [997.0, 1499, 443, 2239, 3347, 701, 1873, 2791]
  let layout: ChannelLayout
  let level: Decibels
  var packetizer: RTPPacketizer
  var position = 0
  /// Input frames left out once at these positions, and muted there for that long.
  var cuts: [Int: Int] = [:]
  var mutes: [Range<Int>] = []
  var phaseInversion = true
  var bitrate: Int?

  init(_ layout: ChannelLayout, level: Decibels = Decibels(-20), captureTime: Bool = false) {
    self.layout = layout
    self.level = level
    packetizer = RTPPacketizer(source: 3, sequence: 65_000, timestamp: 12, carriesCaptureTime: captureTime)
  }

  var configuration: OpusConfiguration {
    var made = OpusConfiguration.standard(layout: layout, bitrate: bitrate ?? 96_000 * layout.count)
    made.phaseInversion = phaseInversion
    return made
  }

  var description: SessionDescription {
    let shape = configuration
    return SessionDescription(
      identifier: 1, origin: "127.0.0.1", address: "127.0.0.1", port: 5004,
      audio: AudioDescription(
        layout: layout, streams: shape.streams, coupled: shape.coupled, mapping: shape.mapping, packet: 240),
      captureTimeID: packetizer.carriesCaptureTime ? 1 : nil)
  }

  var tones: [ExpectedTone?] { (0..<layout.count).map { ExpectedTone(frequency: Self.frequencies[$0], level: level) } }

  func makeEncoder() throws -> OpusEncoder { try OpusEncoder(configuration) }

  mutating func next(_ encoder: inout OpusEncoder, capturedAt: NTPTime? = nil) throws -> [UInt8] {
    var input: [Float] = []
    for _ in 0..<240 {
      if let cut = cuts.removeValue(forKey: position) { position += cut }
      let muted = mutes.contains { $0.contains(position) }
      for channel in 0..<layout.count {
        let phase = 2 * Double.pi * Self.frequencies[channel] * Double(position) / 48_000
        input.append(muted ? 0 : Float(level.amplitude * sin(phase)))
      }
      position += 1
    }
    var packet = [UInt8](repeating: 0, count: packetizer.headerLength + encoder.configuration.packetBytes)
    let start = packetizer.headerLength
    try packet.withUnsafeMutableBufferPointer { bytes in
      _ = try input.withUnsafeBufferPointer { pcm in
        try encoder.encode(pcm, into: UnsafeMutableBufferPointer(rebasing: bytes[start...]))
      }
      packetizer.writeHeader(into: UnsafeMutableRawBufferPointer(bytes), frames: 240, capturedAt: capturedAt)
    }
    return packet
  }
}

/// Brings a stream to a receiver's state in virtual time, one packet every 5 ms, without the packets in `lost`.
func hear(
  _ stream: inout SteadyStream, seconds: Double, losing lost: Set<Int> = [], wav: consuming WAVWriter? = nil,
  sink: (any SoundSink)? = nil
) throws -> Summary {
  let state = try ReceiverState(stream.description, wav: wav, sink: sink)
  var encoder = try stream.makeEncoder()
  for index in 0..<Int(seconds * 200) {
    let now = HostTime(nanoseconds: 1_000_000_000) + .milliseconds(5) * Int64(index)
    let packet = try stream.next(&encoder)
    if !lost.contains(index) { packet.withUnsafeBytes { state.take($0, at: now, wallOffset: 0) } }
    _ = state.play(at: now)
  }
  let (facts, newest) = state.facts()
  return facts.withTones(newest)
}
