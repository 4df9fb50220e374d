import AudioCore
import CLinux
import Glibc
import Synchronization
import VirtualMic

/// The thread on which microphones arrive: sleeps until a socket has something, hands it to the pump.
///
/// The sockets belong to whoever holds the lock: this thread while it drains, control while it opens, closes or asks. A
/// drain is bounded, so nobody waits long.
final class MicReceiver: @unchecked Sendable {
  struct Doors: ~Copyable {
    var sockets: [MicSocket] = []
    var local: LocalMicSocket?
  }

  private let doors = Mutex(Doors())
  private let sender: MicSender
  private let bell: Int32
  private let ending = Atomic<Bool>(false)
  private var thread: WorkerThread?

  /// Before the pump, which has nothing to do before this.
  private static let realTimePriority: Int32 = 4

  /// Thread: control.
  init(sender: MicSender) throws(SessionError) {
    self.sender = sender
    bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard bell >= 0 else { throw SessionError(code: "limit", message: String(cString: strerror(errno))) }
    thread = try WorkerThread("streamd-mic-in", realTimePriority: Self.realTimePriority) { [self] in run() }
  }

  deinit { close(bell) }

  /// Waits until the thread is gone and closes every socket. Thread: control.
  func stop() {
    ending.store(true, ordering: .releasing)
    ring()
    thread?.join()
    doors.withLock { doors in
      doors.sockets = []
      doors.local = nil
    }
  }

  /// Works on the sockets. Thread: control.
  func with<Result: Sendable, Failure: Error>(
    _ body: (inout Doors) throws(Failure) -> sending Result
  ) throws(Failure) -> Result {
    defer { ring() }
    return try doors.withLock { (doors) throws(Failure) in try body(&doors) }
  }

  /// The same for a look that changes nothing, which needs no bell.
  func read<Result: Sendable>(_ body: (borrowing Doors) -> sending Result) -> Result {
    doors.withLock { body($0) }
  }

  private func ring() {
    var one: UInt64 = 1
    _ = write(bell, &one, 8)
  }

  private func run() {
    while !ending.load(ordering: .acquiring) {
      var waiting = doors.withLock { doors in
        ([bell] + doors.sockets.map(\.descriptor) + (doors.local.map { [$0.descriptor] } ?? [])).map {
          pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
      }
      guard poll(&waiting, nfds_t(waiting.count), -1) > 0 else { continue }
      if waiting[0].revents != 0 {
        var count: UInt64 = 0
        _ = Glibc.read(bell, &count, 8)
      }
      let ready = waiting.dropFirst().filter { $0.revents != 0 }.map(\.fd)
      if !ready.isEmpty { drain(ready) }
    }
  }

  private func drain(_ ready: [Int32]) {
    let now = renderNow()
    doors.withLock { [sender] doors in
      for socket in doors.sockets where ready.contains(socket.descriptor) {
        socket.drain(at: now) { _ = sender.offer($1, of: $0, at: now) }
      }
      if let local = doors.local, ready.contains(local.descriptor) {
        local.drain(at: now) { _ = sender.offer($1, of: $0, at: now) }
      }
    }
  }
}
