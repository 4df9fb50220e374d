import AudioCore
import CLinux
import Glibc
import Testing

@testable import VirtualMic
@testable import Wire

/// A UDP socket of a client on loopback.
final class UDPClient {
  private let descriptor: Int32
  private let port: UInt16

  init(to port: UInt16) {
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    self.port = port
  }

  deinit { close(descriptor) }

  @discardableResult func send(_ datagram: [UInt8]) -> Bool {
    var to = sockaddr_in()
    to.sin_family = sa_family_t(AF_INET)
    to.sin_port = port.bigEndian
    to.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &to) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, datagram, datagram.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    } == datagram.count
  }
}

private func isReadable(_ descriptor: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  return poll(&entry, 1, 2000) == 1
}

@Suite struct MicSocketTests {
  private let now = HostTime(nanoseconds: 5_000_000_000)

  @Test func framesArrive() throws {
    let socket = try MicSocket(bind: "127.0.0.1", port: 0)
    try socket.door.open(MicTerms(talker: TalkerID(1), kind: .ours(7)))
    try socket.door.open(MicTerms(talker: TalkerID(2), kind: .game(2), hosts: [MicHost(literal: "127.0.0.1")!]))
    let clients = [UDPClient(to: socket.localPort), UDPClient(to: socket.localPort)]
    var sealer = try SealedMicSealer(key: .test(7), session: 7)
    var sender = try GameStreamMicSender.test(2)
    let packets = try voicePackets(20)
    for (index, packet) in packets.enumerated() {
      clients[0].send(try sealer.seal(.opus, packet, timestamp: UInt32(index) * 960))
      clients[1].send(try sender.next(packet))
      // Bigger than any datagram of ours, and than our room for one.
      if index == 10 { #expect(clients[0].send([UInt8](repeating: 0xC5, count: 65_507))) }
    }
    #expect(isReadable(socket.descriptor))
    var heard: [UInt32: [[UInt8]]] = [:]
    let taken = socket.drain(at: now) { talker, frame in
      if case .opus(let bytes) = frame.body { heard[talker.number, default: []].append(bytes) }
    }
    #expect(taken == 41)
    #expect(heard[1] == packets && heard[2] == Array(packets[2...]))
    #expect(socket.door.facts.refused[.oversize] == 1 && socket.door.facts.refused.total == 1)
    #expect(socket.drain(at: now) { _, _ in } == 0 && socket.dropped == 0)
  }

  /// A flood is read in portions, and what the kernel has no room for is counted.
  @Test func floodsAreBounded() throws {
    let socket = try MicSocket(bind: "127.0.0.1", port: 0)
    let client = UDPClient(to: socket.localPort)
    for _ in 0..<4000 { client.send([UInt8](repeating: 0xAA, count: 1000)) }
    var taken = 0
    while isReadable(socket.descriptor), taken < 5000 {
      let portion = socket.drain(at: now) { _, _ in }
      #expect(portion <= MicSocket.drainLimit && portion > 0)
      taken += portion
      if taken > 128, socket.dropped == 0 { client.send([0xAA]) }
      if portion < MicSocket.drainLimit { break }
    }
    #expect(taken > MicSocket.drainLimit && taken < 4000)
    // The next to arrive brings the count.
    client.send([0xAA])
    #expect(isReadable(socket.descriptor))
    socket.drain(at: now) { _, _ in }
    #expect(socket.dropped > 0)
    #expect(socket.door.facts.refused[.notOurs] == socket.door.facts.datagrams - socket.door.facts.refused[.truncated])
  }

  @Test func portsThatCannotBeHad() throws {
    let socket = try MicSocket(bind: "127.0.0.1", port: 0)
    #expect { try MicSocket(bind: "127.0.0.1", port: socket.localPort) } throws: {
      ($0 as? MicSocketError)?.code == "port"
    }
    #expect { try MicSocket(bind: "host", port: 0) } throws: { ($0 as? MicSocketError)?.code == "bind" }
    // Every address, of both families.
    let every = try MicSocket(port: 0)
    UDPClient(to: every.localPort).send([0xAA, 1, 2])
    #expect(isReadable(every.descriptor) && every.drain(at: now) { _, _ in } == 1)
  }
}

@Suite struct LocalMicSocketTests {
  private let now = HostTime(nanoseconds: 5_000_000_000)

  /// A socket whose talkers are numbered in order, and what became of them.
  private final class Rig {
    let path: String
    var next: UInt32 = 1
    var left: [UInt32] = []
    var heard: [(talker: UInt32, frame: MicFrame)] = []
    var peers: [LocalMicSocket.Peer] = []
    private let folder: String

    init() {
      var name = Array("/tmp/streamd-mic-XXXXXX".utf8CString)
      folder = String(cString: mkdtemp(&name))
      path = folder + "/mic.sock"
    }

    deinit { rmdir(folder) }

    func open(limit: Int = 8, admits: Bool = true) throws -> LocalMicSocket {
      try LocalMicSocket(path: path, peerLimit: limit) { [unowned self] peer in
        peers.append(peer)
        guard admits else { return nil }
        defer { next += 1 }
        return TalkerID(next)
      } left: { [unowned self] in
        left.append($0.number)
      }
    }

    func drain(_ socket: LocalMicSocket, _ now: HostTime) {
      // The listener first, then what its connections say.
      for _ in 0..<2 { socket.drain(at: now) { heard.append(($0.number, $1)) } }
    }
  }

  private func message(
    _ kind: LocalMicPacket.Kind, _ payload: [UInt8], channels: Int = 0, _ sequence: UInt16 = 0
  ) throws -> [UInt8] {
    try payload.withUnsafeBytes {
      try LocalMicPacket(kind: kind, channels: channels, sequence: sequence, timestamp: UInt32(sequence) * 960).message(
        $0)
    }
  }

  @Test func soundArrives() throws {
    let rig = Rig()
    let socket = try rig.open()
    var status = stat()
    #expect(lstat(rig.path, &status) == 0 && status.st_mode & 0o7777 == 0o600)
    let first = try LocalMicConnection(path: rig.path)
    let second = try LocalMicConnection(path: rig.path)
    #expect(first.send(try message(.s16, [0, 0x40, 0, 0xC0], channels: 2, 7)) == .sent)
    #expect(second.send(try message(.opus, [0x48, 1])) == .sent)
    #expect(first.send(try message(.pause, [], 8)) == .sent)
    #expect(isReadable(socket.descriptor))
    rig.drain(socket, now)
    #expect(rig.peers.map(\.pid) == [getpid(), getpid()])
    let of = { (talker: UInt32) in rig.heard.filter { $0.talker == talker }.map(\.frame) }
    #expect(
      of(1) == [
        MicFrame(sequence: 7, timestamp: 6720, body: .pcm([0.5, -0.5], channels: 2)),
        MicFrame(sequence: 8, timestamp: 7680, body: .pause),
      ])
    #expect(of(2) == [MicFrame(sequence: 0, timestamp: 0, body: .opus([0x48, 1]))])
    #expect(socket.sessionFacts(of: TalkerID(1))?.frames == 1 && socket.facts.accepted == 2)
  }

  @Test func talkersLeave() throws {
    let rig = Rig()
    let socket = try rig.open()
    var connection: LocalMicConnection? = try LocalMicConnection(path: rig.path)
    #expect(connection?.send(try message(.pause, [])) == .sent)
    connection = nil
    rig.drain(socket, now)
    // What was said before is heard.
    #expect(rig.heard.count == 1 && rig.left == [1])
    let kept = try LocalMicConnection(path: rig.path)
    rig.drain(socket, now)
    socket.disconnect(TalkerID(2))
    #expect(kept.send(try message(.pause, [])) == .gone && rig.left == [1])
  }

  @Test func wrongMessagesAreCounted() throws {
    let rig = Rig()
    let socket = try rig.open()
    let connection = try LocalMicConnection(path: rig.path)
    var future = try message(.pause, [])
    future[4] = 2
    for bytes in [[1], Array("hello".utf8), future, try message(.opus, [0x48]) + [0xFF]] { connection.send(bytes) }
    connection.send([UInt8](repeating: 1, count: 65_536))
    rig.drain(socket, now)
    let facts = try #require(socket.sessionFacts(of: TalkerID(1)))
    #expect(facts.refused[.truncated] == 2 && facts.refused[.badVersion] == 1 && facts.refused[.oversize] == 1)
    #expect(facts.frames == 1 && rig.heard.count == 1)
  }

  @Test func onlySoMuch() throws {
    let rig = Rig()
    let socket = try rig.open(limit: 2)
    let connections = try (0..<4).map { _ in try LocalMicConnection(path: rig.path) }
    rig.drain(socket, now)
    #expect(socket.facts.accepted == 2 && socket.facts.turnedAway == 2 && rig.peers.count == 2)
    // Ten times too much.
    let second = [UInt8](repeating: 0, count: 960 * 2)
    for index in 0..<500 {
      connections[0].send(try message(.s16, second, channels: 1, UInt16(index)))
      if index % 10 == 0 { connections[1].send(try message(.s16, second, channels: 1, UInt16(index))) }
      rig.drain(socket, now + .milliseconds(Int64(index) * 2))
    }
    let heard = [1, 2].map { talker in rig.heard.filter { $0.talker == talker }.count }
    #expect((105...115).contains(heard[0]) && heard[1] == 50, "\(heard)")
  }

  @Test func nobodyIsAdmitted() throws {
    let rig = Rig()
    let socket = try rig.open(admits: false)
    let connection = try LocalMicConnection(path: rig.path)
    rig.drain(socket, now)
    #expect(connection.send(try message(.pause, [])) == .gone && socket.facts.turnedAway == 1)
  }

  @Test func theFile() throws {
    let rig = Rig()
    do {
      let socket = try rig.open()
      #expect { try rig.open() } throws: { ($0 as? MicSocketError)?.code == "path" }
      _ = socket
    }
    #expect(access(rig.path, F_OK) != 0)
    // What a dead process left is replaced; what is no socket stays.
    let old = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: rig.path.utf8) }
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(old, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    close(old)
    #expect(access(rig.path, F_OK) == 0)
    do { _ = try rig.open() }
    close(open(rig.path, O_CREAT | O_WRONLY, 0o600))
    #expect { try rig.open() } throws: { ($0 as? MicSocketError)?.code == "path" }
    #expect(access(rig.path, F_OK) == 0)
    unlink(rig.path)
    #expect { try LocalMicConnection(path: rig.path) } throws: { ($0 as? MicSocketError)?.code == "path" }
  }
}
