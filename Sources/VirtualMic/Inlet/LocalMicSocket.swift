public import AudioCore
import CLinux
import Glibc
import Wire

/// The Unix socket on which programs of this computer hand in sound. Every connection is a talker. Only its user and root
/// can reach it.
/// Thread: one owner, never the render thread.
public final class LocalMicSocket {
  /// Who wants to talk.
  public struct Peer: Hashable, Sendable {
    public let uid: UInt32
    public let pid: Int32
  }

  public struct Facts: Hashable, Sendable {
    public var accepted: UInt64 = 0
    /// Other users', too many, or not wanted.
    public var turnedAway: UInt64 = 0
  }

  /// To be watched for reading: it stands for the listener and every connection.
  public let descriptor: Int32
  public let path: String
  public private(set) var facts = Facts()
  private let listener: Int32
  private let peerLimit: Int
  private let admit: (Peer) -> TalkerID?
  private let left: (TalkerID) -> Void
  private var lines: [Int32: LocalLine] = [:]
  private let room: UnsafeMutableRawBufferPointer
  private let file: (device: UInt, inode: UInt)

  /// Messages of one connection in one go.
  static let drainLimit = 32

  /// Opens the socket at `path`, in a directory that is the user's own. `admit` gives a talker to who connects, or nil to
  /// turn it away; `left` says that a talker is gone. Both are called by `drain`.
  public init(
    path: String, peerLimit: Int = 8, admit: @escaping (Peer) -> TalkerID?, left: @escaping (TalkerID) -> Void
  ) throws(MicSocketError) {
    let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw MicSocketError("limit", String(cString: strerror(errno))) }
    do throws(MicSocketError) { listener = try UnixPacketSocket.listen(at: path, backlog: 16) } catch {
      close(epoll)
      throw error
    }
    descriptor = epoll
    self.path = path
    self.peerLimit = peerLimit
    self.admit = admit
    self.left = left
    var status = stat()
    lstat(path, &status)
    file = (UInt(status.st_dev), UInt(status.st_ino))
    room = .allocate(byteCount: LocalMicPacket.limit + 1, alignment: 16)
    room.initializeMemory(as: UInt8.self, repeating: 0)
    guard watch(listener) else { throw MicSocketError("limit", String(cString: strerror(errno))) }
  }

  deinit {
    for connection in lines.keys { close(connection) }
    close(listener)
    close(descriptor)
    room.deallocate()
    // A file that somebody else has put there since stays.
    var status = stat()
    if lstat(path, &status) == 0, UInt(status.st_dev) == file.device, UInt(status.st_ino) == file.inode { unlink(path) }
  }

  public func sessionFacts(of talker: TalkerID) -> LocalMicFacts? { lines.values.first { $0.talker == talker }?.facts }

  /// Ends a talker's connection; `left` is not called.
  public func disconnect(_ talker: TalkerID) {
    guard let entry = lines.first(where: { $0.value.talker == talker }) else { return }
    lines[entry.key] = nil
    close(entry.key)
  }

  /// Reads what there is, up to a limit, and hands on what can be heard. Returns the number of messages.
  @discardableResult public func drain(at now: HostTime, into deliver: (TalkerID, MicFrame) -> Void) -> Int {
    var ready = [epoll_event](repeating: epoll_event(), count: 16)
    let count = epoll_wait(descriptor, &ready, Int32(ready.count), 0)
    guard count > 0 else { return 0 }
    var taken = 0
    for event in ready[..<Int(count)] {
      let number = event.data.fd
      if number == listener { accept() } else { taken += read(number, now, deliver) }
    }
    return taken
  }

  private func watch(_ number: Int32) -> Bool {
    var event = epoll_event()
    event.events = UInt32(EPOLLIN.rawValue)
    event.data.fd = number
    return epoll_ctl(descriptor, EPOLL_CTL_ADD, number, &event) == 0
  }

  private func accept() {
    for _ in 0..<Self.drainLimit {
      let number = Glibc.accept(listener, nil, nil)
      guard number >= 0 else {
        if errno == EINTR || errno == ECONNABORTED { continue }
        return
      }
      guard let talker = welcome(number) else {
        facts.turnedAway += 1
        close(number)
        continue
      }
      facts.accepted += 1
      lines[number] = LocalLine(talker: talker)
    }
  }

  private func welcome(_ number: Int32) -> TalkerID? {
    var peer: (uid: UInt32, pid: Int32) = (0, 0)
    guard
      lines.count < peerLimit, fcntl(number, F_SETFD, FD_CLOEXEC) == 0,
      clinux_peer_credentials(number, &peer.uid, &peer.pid) == 0, peer.uid == geteuid() || peer.uid == 0,
      let talker = admit(Peer(uid: peer.uid, pid: peer.pid))
    else { return nil }
    guard watch(number) else {
      left(talker)
      return nil
    }
    return talker
  }

  private func read(_ number: Int32, _ now: HostTime, _ deliver: (TalkerID, MicFrame) -> Void) -> Int {
    for taken in 0..<Self.drainLimit {
      // Another event of the same round, or `deliver`, may have ended it.
      guard let line = lines[number] else { return taken }
      let length = recv(number, room.baseAddress, room.count, Int32(MSG_DONTWAIT | MSG_TRUNC))
      if length > 0 {
        let message = UnsafeRawBufferPointer(rebasing: room[..<min(length, room.count)])
        if let frame = line.take(message, at: now) { deliver(line.talker, frame) }
      } else if length < 0, errno == EAGAIN || errno == EINTR {
        return taken
      } else {
        // An empty message looks like the end, and is one.
        lines[number] = nil
        close(number)
        left(line.talker)
        return taken
      }
    }
    return Self.drainLimit
  }
}
