import AudioCore
import Glibc
import OpusCodec

@testable import Wire

/// Small reproducible randomness.
struct PacketDice {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }
  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

/// What a client's microphone sends: mono, 20 ms, tuned for voice.
func voicePackets(
  _ count: Int, bitrate: Int = 64_000, variable: Bool = true, seed: UInt64 = 1, each body: ([UInt8]) throws -> Void
) throws {
  var configuration = OpusConfiguration.standard(layout: .mono, bitrate: bitrate, frame: .ms20)
  configuration.application = .voip
  configuration.variableBitrate = variable
  configuration.complexity = 1
  var encoder = try OpusEncoder(configuration)
  let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1400)
  defer { packet.deallocate() }
  var dice = PacketDice(state: seed)
  var phase = 0.0
  var samples = [Float](repeating: 0, count: 960)
  for _ in 0..<count {
    // A tone that wanders in pitch and level, with breath.
    let pitch = 100 + Double(dice.below(300))
    let level = Float(dice.below(1000)) / 2500
    for index in samples.indices {
      phase += 2 * .pi * pitch / 48_000
      samples[index] = level * Float(sin(phase) + 0.3 * sin(3 * phase)) + Float(dice.below(200) - 100) / 20_000
    }
    let size = try samples.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
    try body(Array(packet[..<size]))
  }
}

func voicePackets(_ count: Int, bitrate: Int = 64_000, variable: Bool = true, seed: UInt64 = 1) throws -> [[UInt8]] {
  var packets: [[UInt8]] = []
  try voicePackets(count, bitrate: bitrate, variable: variable, seed: seed) { packets.append($0) }
  return packets
}

extension GameStreamKey {
  static func test(_ byte: UInt8 = 0) -> GameStreamKey {
    let secret = (0..<16).map { UInt8($0) ^ byte }
    return try! secret.withUnsafeBytes { try GameStreamKey($0) }
  }
}

extension MicKey {
  static func test(_ session: UInt32, byte: UInt8 = 0) -> MicKey { try! MicKey(from: .test(byte), session: session) }
}
