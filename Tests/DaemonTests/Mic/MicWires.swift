import AudioCore
import Glibc
import TestSupport
import VirtualMic
import Wire

/// One of the ways a client's sound comes to the daemon.
protocol MicWire: AnyObject {
  /// The next packet; nil when it cannot be made.
  func pack(_ samples: [Float], opus: [UInt8], _ timestamp: UInt32) -> [UInt8]?
  /// That nothing follows, where there is a way to say so.
  func pause(_ timestamp: UInt32) -> [UInt8]?
  func send(_ message: [UInt8])
}

/// Datagrams of our own protocol.
final class SealedWire: MicWire {
  let port: UInt16
  let session: UInt32
  let socket = LoopbackSocket()
  private var sealer: SealedMicSealer

  init(port: UInt16, session: UInt32, secret: String = MicField.secret) throws {
    self.port = port
    self.session = session
    let key = try MicKey(from: GameStreamKey(hexadecimal: secret), session: session)
    sealer = try SealedMicSealer(key: key, session: session)
  }

  func pack(_ samples: [Float], opus: [UInt8], _ timestamp: UInt32) -> [UInt8]? {
    try? sealer.seal(.opus, opus, timestamp: timestamp)
  }

  func pause(_ timestamp: UInt32) -> [UInt8]? { try? sealer.seal(.pause, timestamp: timestamp) }
  func keepalive(_ timestamp: UInt32) -> [UInt8]? { try? sealer.seal(.keepalive, timestamp: timestamp) }
  func send(_ message: [UInt8]) { socket.send(message, to: port) }
}

/// What GameStream clients send.
final class GameStreamWire: MicWire {
  let port: UInt16
  let socket = LoopbackSocket()
  private var sender: GameStreamMicSender

  init(
    port: UInt16, secret: String? = MicField.secret, form: GameStreamMicHeader.Form = .plain,
    padding: GameStreamMicSender.Padding = .single
  ) throws {
    self.port = port
    let key = try secret.map { try GameStreamKey(hexadecimal: $0) }
    sender = try GameStreamMicSender(key: key, keyID: MicField.keyID, form: form, padding: padding)
  }

  func pack(_ samples: [Float], opus: [UInt8], _ timestamp: UInt32) -> [UInt8]? {
    try? sender.send(opus, milliseconds: timestamp / 48)
  }

  func pause(_ timestamp: UInt32) -> [UInt8]? { nil }
  func send(_ message: [UInt8]) { socket.send(message, to: port) }
}

/// A program of this computer.
final class LocalWire: MicWire {
  private let connection: LocalMicConnection
  private let kind: LocalMicPacket.Kind
  private var sequence: UInt16 = 0

  init(path: String, kind: LocalMicPacket.Kind) throws {
    connection = try LocalMicConnection(path: path)
    self.kind = kind
  }

  func pack(_ samples: [Float], opus: [UInt8], _ timestamp: UInt32) -> [UInt8]? {
    switch kind {
    case .pause: pause(timestamp)
    case .opus: message(kind, 0, opus, timestamp)
    case .s16:
      samples.map { Int16($0 * 32_767) }.withUnsafeBytes { message(kind, 1, Array($0), timestamp) }
    case .f32: samples.withUnsafeBytes { message(kind, 1, Array($0), timestamp) }
    }
  }

  func pause(_ timestamp: UInt32) -> [UInt8]? { message(.pause, 0, [], timestamp) }
  func send(_ message: [UInt8]) { connection.send(message) }

  private func message(
    _ kind: LocalMicPacket.Kind, _ channels: Int, _ payload: [UInt8], _ timestamp: UInt32
  ) -> [UInt8]? {
    let packet = LocalMicPacket(kind: kind, channels: channels, sequence: sequence, timestamp: timestamp)
    sequence &+= 1
    return payload.withUnsafeBytes { try? packet.message($0) }
  }
}
