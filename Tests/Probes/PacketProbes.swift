import AudioCore
import COpusSystem
import Wire

/// Our reading of Opus is libopus'.
func probeOpus(_ bytes: UnsafeRawBufferPointer) -> Probe.Finding {
  guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return .refused }
  var sizes = [Int16](repeating: 0, count: 48)
  let count = Int(opus_packet_parse(base, Int32(bytes.count), nil, nil, &sizes, nil))
  guard let shape = OpusPacketShape(of: bytes) else { return count > 0 ? .broken("refused, not by libopus") : .refused }
  guard count == shape.count else { return .broken("\(shape.count) frames, libopus: \(count)") }
  let samples = Int(opus_packet_get_nb_samples(base, Int32(bytes.count), 48_000))
  return samples == shape.frames.value ? .accepted : .broken("\(shape.frames.value) samples, libopus: \(samples)")
}

/// What is read can be written again, and samples are sound.
func probeLocal(_ bytes: UnsafeRawBufferPointer) -> Probe.Finding {
  guard let packet = try? LocalMicPacket(parsing: bytes) else { return .refused }
  let payload = bytes.from(LocalMicPacket.headerLength)
  guard let again = try? packet.message(payload), again == Array(bytes) else { return .broken("written otherwise") }
  let samples = packet.samples(of: payload)
  guard samples.allSatisfy({ (-1...1).contains($0) }) else { return .broken("samples beyond 1") }
  let expected = packet.kind.sampleBytes.map { payload.count / $0 } ?? 0
  return samples.count == expected ? .accepted : .broken("\(samples.count) samples of \(expected)")
}

func probePing(_ bytes: UnsafeRawBufferPointer) -> Probe.Finding {
  guard let ping = GameStreamPing(parsing: bytes) else { return .refused }
  var again = [UInt8](repeating: 0, count: ping.length)
  again.withUnsafeMutableBytes { ping.write(into: $0) }
  return again == Array(bytes.prefix(ping.length)) ? .accepted : .broken("written otherwise")
}

func probeRTP(_ bytes: UnsafeRawBufferPointer) -> Probe.Finding {
  guard let packet = try? RTPParser().parse(bytes) else { return .refused }
  let payload = packet.payload
  guard payload.lowerBound >= RTPHeader.length, payload.upperBound <= bytes.count, !payload.isEmpty else {
    return .broken("payload \(payload) of \(bytes.count)")
  }
  return packet.header.payloadType < 128 ? .accepted : .broken("payload type")
}
