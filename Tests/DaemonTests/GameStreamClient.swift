import AudioCore
import Control
import Glibc
import OpusCodec
import Synchronization
import TestSupport
import Wire

/// A session that a daemon has opened, as its host knows it.
struct GameStreamSession {
  var identifier: String
  var port: UInt16
  var payload: String
  var lines: String
  var channels: Int
  var quality: GameStreamQuality
  var duration: GameStreamPacketDuration
  var isEncrypted: Bool

  static let key = "000102030405060708090a0b0c0d0e0f"
  static let keyID = -123_456_789
}

extension DaemonUnderTest {
  func openGameStream(
    channels: Int = 2, _ quality: GameStreamQuality = .normal, _ duration: GameStreamPacketDuration = .ms5,
    isEncrypted: Bool = false, more: JSONObject = [:]
  ) throws -> GameStreamSession {
    var arguments: JSONObject = [
      "protocol": "gamestream", "channels": JSON(channels), "quality": quality == .high ? "high" : "normal",
      "packet_ms": JSON(duration.rawValue), "bind": "127.0.0.1",
    ]
    if isEncrypted {
      arguments["encrypt"] = true
      arguments["rikey"] = .string(GameStreamSession.key)
      arguments["rikeyid"] = JSON(GameStreamSession.keyID)
    }
    for (name, value) in more { arguments[name] = value }
    let reply = try client.request("session.open", arguments)
    guard let port = reply["port"]?.intValue, let lines = reply["sdp"]?.stringValue,
      let payload = reply["ping_payload"]?.stringValue, let identifier = reply["session"]?["session"]?.stringValue
    else { throw SupportError("session.open: \(reply)") }
    return GameStreamSession(
      identifier: identifier, port: UInt16(port), payload: payload, lines: lines, channels: channels, quality: quality,
      duration: duration, isEncrypted: isEncrypted)
  }
}

/// A client that pings twice a second from the socket on which it keeps everything that comes, in a thread of its own.
final class GameStreamClient: Sendable {
  struct Datagram {
    var bytes: [UInt8]
    /// Which of the client's sockets, counted from 0, it came to.
    var socket: Int
    /// Pings that this socket had sent before.
    var pings: Int
  }

  let session: GameStreamSession
  private let kept = Mutex<[Datagram]>([])
  private let counter = Atomic<Int>(0)
  private let wantedSocket = Atomic<Int>(0)
  private let isPinging = Atomic<Bool>(true)
  private let ending = Atomic<Bool>(false)
  private let thread: pthread_t

  init(_ session: GameStreamSession) throws(SupportError) {
    self.session = session
    let box = Box()
    var thread = pthread_t()
    pthread_create(&thread, nil, clientMain, Unmanaged.passRetained(box).toOpaque())
    self.thread = thread
    box.client.withLock { [unowned self] in $0 = Unmanaged.passUnretained(self) }
  }

  deinit {
    ending.store(true, ordering: .releasing)
    pthread_join(thread, nil)
  }

  var datagrams: [Datagram] { kept.withLock { $0 } }
  var count: Int { kept.withLock { $0.count } }
  /// Of the newest ping.
  var pings: Int { counter.load(ordering: .acquiring) }

  /// Replaces the socket, as an address translation that forgot its entry does: the next ping comes from elsewhere. The
  /// old one stays open, so that what still goes there is seen.
  func move() { wantedSocket.add(1, ordering: .releasing) }
  func fallSilent() { isPinging.store(false, ordering: .releasing) }

  fileprivate func run() {
    var sockets = [LoopbackSocket()]
    var pings = [0]
    var due = monotonicSeconds()
    while !ending.load(ordering: .acquiring) {
      while sockets.count <= wantedSocket.load(ordering: .acquiring) {
        sockets.append(LoopbackSocket())
        pings.append(0)
      }
      if monotonicSeconds() >= due, isPinging.load(ordering: .acquiring) {
        due += 0.5
        let number = counter.add(1, ordering: .acquiringAndReleasing).newValue
        sockets[sockets.count - 1].send(ping(session.payload, UInt32(number)), to: session.port)
        pings[pings.count - 1] += 1
      }
      for (index, socket) in sockets.enumerated() {
        while let bytes = socket.receive() {
          let datagram = Datagram(bytes: bytes, socket: index, pings: pings[index])
          kept.withLock { $0.append(datagram) }
        }
      }
      usleep(1000)
    }
  }
}

func ping(_ payload: String, _ counter: UInt32) -> [UInt8] {
  Array(payload.utf8) + withUnsafeBytes(of: counter.bigEndian) { Array($0) }
}

/// A UDP socket of 127.0.0.1 on a port of its own; it never blocks.
final class LoopbackSocket: Sendable {
  private let descriptor: Int32

  init() {
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    descriptor = socket(AF_INET, kind, 0)
    var room: Int32 = 4 << 20
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, 4)
    Self.withAddress(0) { bind(descriptor, $0, $1) }
  }

  deinit { close(descriptor) }

  @discardableResult
  func send(_ bytes: [UInt8], to port: UInt16) -> Bool {
    Self.withAddress(port) { sendto(descriptor, bytes, bytes.count, 0, $0, $1) } == bytes.count
  }

  func receive() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 2048)
    let length = recv(descriptor, &buffer, buffer.count, 0)
    return length >= 0 ? Array(buffer[..<length]) : nil
  }

  @discardableResult
  private static func withAddress<Result>(
    _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}

/// What a client makes of its datagrams.
struct GameStreamSound {
  var planes: [[Float]]
  var statistics: GameStreamReceiverStatistics

  /// By the client's own rules; without the drop at the start when only a part is looked at.
  init(_ session: GameStreamSession, _ datagrams: some Collection<GameStreamClient.Datagram>) throws {
    let found = try SurroundParams.client(searching: session.lines, channels: session.channels)
    let surround = session.quality == .normal ? found.normal : try found.high.orThrow("no line of high quality")
    let shape = GameStreamConfiguration(channels: session.channels, session.quality)!
    var decoder = try OpusDecoder(
      OpusConfiguration(
        layout: ChannelLayout(channels: session.channels)!, streams: surround.streams, coupled: surround.coupled,
        mapping: surround.mapping, bitrate: shape.bitrate, frame: session.duration == .ms5 ? .ms5 : .ms10))
    var decryptor: GameStreamCipher.Decryptor?
    if session.isEncrypted {
      decryptor = try GameStreamCipher.Decryptor(
        key: try GameStreamKey(hexadecimal: GameStreamSession.key), keyID: Int32(GameStreamSession.keyID))
    }
    var receiver = GameStreamReceiver(duration: session.duration, decryptor: decryptor.take(), dropsStart: false)
    let channels = session.channels
    let frames = FrameCount(session.duration.rawValue * 48)
    var planes = [[Float]](repeating: [], count: channels)
    var pcm = [Float](repeating: 0, count: frames.value * channels)
    for datagram in datagrams {
      datagram.bytes.withUnsafeBytes {
        receiver.receive($0, at: HostTime(nanoseconds: 0)) { delivery in
          switch delivery {
          case .packet(let bytes, _):
            _ = try? decoder.decode(bytes.assumingMemoryBound(to: UInt8.self), into: &pcm, capacity: frames)
          case .lost: _ = try? decoder.conceal(frames, into: &pcm)
          }
          for channel in 0..<channels {
            for frame in 0..<frames.value { planes[channel].append(pcm[frame * channels + channel]) }
          }
        }
      }
    }
    self.planes = planes
    statistics = receiver.statistics
  }
}

private final class Box: Sendable {
  let client = Mutex<Unmanaged<GameStreamClient>?>(nil)
}

private func clientMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let box = Unmanaged<Box>.fromOpaque(raw!).takeRetainedValue()
  var found: Unmanaged<GameStreamClient>?
  while found == nil { found = box.client.withLock { $0 } }
  // The owner joins this thread before it goes.
  found!._withUnsafeGuaranteedRef { $0.run() }
  return nil
}

extension Optional {
  fileprivate func orThrow(_ what: String) throws(SupportError) -> Wrapped {
    guard let self else { throw SupportError(what) }
    return self
  }
}
