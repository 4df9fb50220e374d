import AudioCore
import Glibc
import OpusCodec
import Wire

@testable import streamctl

/// One tone per channel as a host sends it: encoded, encrypted if there is a key, protected.
final class GameStreamTones {
  let configuration: GameStreamConfiguration
  let duration: GameStreamPacketDuration
  let agreement: GameStreamAgreement
  private var encoder: OpusEncoder
  private var packetizer: GameStreamPacketizer
  private let room: UnsafeMutableRawBufferPointer
  private var position = 0

  static let level = Decibels(-20)

  init(
    _ configuration: GameStreamConfiguration, _ duration: GameStreamPacketDuration = .ms5, isEncrypted: Bool = false
  ) throws {
    self.configuration = configuration
    self.duration = duration
    let encryption: GameStreamAgreement.Encryption? =
      isEncrypted
      ? .init(key: try GameStreamKey(hexadecimal: "00112233445566778899aabbccddeeff"), keyID: -7) : nil
    agreement = GameStreamAgreement(
      channels: configuration.channels, quality: configuration.quality, duration: duration, encryption: encryption,
      ping: GameStreamPingPayload("0123456789ABCDEF"), description: SurroundParams.lines().joined(separator: "\n"))
    encoder = try OpusEncoder(Self.codec(configuration.surround, configuration.bitrate, duration))
    room = .allocate(byteCount: GameStreamPacketizer.roomLength, alignment: 16)
    if let encryption {
      packetizer = GameStreamPacketizer(
        duration: duration, room: room,
        encryptor: try GameStreamCipher.Encryptor(key: encryption.key, keyID: encryption.keyID))
    } else {
      packetizer = GameStreamPacketizer(duration: duration, room: room)
    }
  }

  deinit { room.deallocate() }

  static func codec(
    _ surround: SurroundParams, _ bitrate: Int, _ duration: GameStreamPacketDuration
  ) -> OpusConfiguration {
    OpusConfiguration(
      layout: ChannelLayout(channels: surround.channels)!, streams: surround.streams, coupled: surround.coupled,
      mapping: surround.mapping, bitrate: bitrate, frame: duration == .ms5 ? .ms5 : .ms10)
  }

  var tones: [ExpectedTone?] {
    (0..<configuration.channels).map { ExpectedTone(frequency: SteadyStream.frequencies[$0], level: Self.level) }
  }

  /// The datagrams of one packet's time: one, or three at a block's end.
  func next() throws -> [[UInt8]] {
    let frames = duration.rawValue * 48
    var pcm: [Float] = []
    for frame in position..<position + frames {
      for channel in 0..<configuration.channels {
        let phase = 2 * Double.pi * SteadyStream.frequencies[channel] * Double(frame) / 48_000
        pcm.append(Float(Self.level.amplitude * sin(phase)))
      }
    }
    position += frames
    var opus = [UInt8](repeating: 0, count: configuration.opusBytes(duration))
    let length = try opus.withUnsafeMutableBufferPointer { room in
      try pcm.withUnsafeBufferPointer { try encoder.encode($0, into: room) }
    }
    var sent: [[UInt8]] = []
    try opus.withUnsafeBytes {
      try packetizer.packetize(UnsafeRawBufferPointer(rebasing: $0[..<length])).inOrder { sent.append([UInt8]($0)) }
    }
    return sent
  }

  func datagrams(packets: Int) throws -> [[UInt8]] {
    var all: [[UInt8]] = []
    for _ in 0..<packets { all += try next() }
    return all
  }
}

extension Reception {
  func take(_ datagram: [UInt8], at now: HostTime) {
    datagram.withUnsafeBytes { take($0, at: now, wallOffset: 0) }
  }
}

/// Brings a stream to a client in virtual time, packets on the dot; parity comes with the fourth.
func hear(_ tones: GameStreamTones, packets: Int, by reception: any Reception) throws -> Summary {
  var now = HostTime(nanoseconds: 5_000_000_000)
  for _ in 0..<packets {
    for datagram in try tones.next() { reception.take(datagram, at: now) }
    // Whatever is due between two packets, at its time.
    let next = now + .milliseconds(Int64(tones.duration.rawValue))
    while let due = reception.play(at: now), due < next {
      now = max(due, now + .microseconds(1))
      while reception.outgoing(at: now) != nil {}
    }
    now = next
  }
  let (facts, newest) = reception.facts()
  return facts.withTones(newest)
}
