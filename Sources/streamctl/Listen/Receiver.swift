import AudioCore
import CLinux
import Glibc
import Synchronization
import Wire

/// A network client of a session: a socket, and the reception of what it brings.
///
/// Bind first, so that the port is known when the session is opened; start when the session's description has come.
/// Thread: one of its own; the functions here may be called from any one thread.
final class Receiver: Sendable {
  /// Where packets are awaited.
  var port: UInt16 { socket.port }

  private let socket: ReceiverSocket
  private let state = Mutex<(any Reception)?>(nil)
  private let peer = Mutex<SocketPeer?>(nil)
  private let thread = Mutex<pthread_t?>(nil)
  private let stopping = Atomic<Bool>(false)

  init(address: String, port: UInt16 = 0) throws(ReceiverError) {
    socket = try ReceiverSocket(address: address, port: port)
  }

  deinit { stop() }

  /// Begins to receive. Only once. What the reception has to send goes to the peer.
  func start(_ reception: any Reception, peer: SocketPeer? = nil) throws(ReceiverError) {
    let isFirst = state.withLock { running in
      guard running == nil else { return false }
      running = reception
      return true
    }
    guard isFirst else { throw .alreadyStarted }
    if let peer { self.peer.withLock { $0 = peer } }
    var created = pthread_t()
    let failure = pthread_create(&created, nil, receiverMain, Unmanaged.passRetained(self).toOpaque())
    guard failure == 0 else {
      Unmanaged.passUnretained(self).release()
      throw .socket(operation: "pthread_create", errno: failure)
    }
    let handle = created
    thread.withLock { $0 = handle }
  }

  /// Begins to receive plain RTP.
  func start(
    _ description: SessionDescription, wav: consuming WAVWriter? = nil, sink: (any SoundSink)? = nil
  ) throws(ReceiverError) {
    try start(try ReceiverState(description, wav: wav, sink: sink))
  }

  /// Ends the thread. What was counted stays readable.
  func stop() {
    stopping.store(true, ordering: .releasing)
    socket.wake()
    let joinable = thread.withLock { handle in
      defer { handle = nil }
      return handle
    }
    if let joinable { pthread_join(joinable, nil) }
  }

  /// Nil before the start.
  func snapshot() -> ReceiverSnapshot? { state.withLock { $0?.snapshot() } }

  /// What was heard so far. Nil before the start.
  func summary() -> Summary? {
    // Only copied under the lock: a spectrum takes longer than a packet.
    guard let (facts, newest) = state.withLock({ $0?.facts() }) else { return nil }
    return facts.withTones(newest)
  }

  /// The thread's loop: sleeps until a datagram or the next due time.
  fileprivate func run() {
    _ = clinux_thread_setup("listen", 0)
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    defer { bytes.deallocate() }
    let peer = peer.withLock { $0 }
    while !stopping.load(ordering: .acquiring) {
      // Bounded, so that a flood does not keep the sound from being played.
      for _ in 0..<256 {
        guard let (length, at) = socket.receive(into: bytes) else { break }
        nonisolated(unsafe) let datagram = UnsafeRawBufferPointer(rebasing: bytes[..<length])
        let offset = wallOffset()
        state.withLock { $0?.take(datagram, at: at, wallOffset: offset) }
      }
      while let peer, let datagram = state.withLock({ $0?.outgoing(at: renderNow()) }) {
        socket.send(datagram, to: peer)
      }
      let due = state.withLock { $0?.play(at: renderNow()) }
      let limit = HostDuration.milliseconds(200)
      let wait = due.flatMap { $0 }.map { min($0 - renderNow(), limit) } ?? limit
      if wait > .zero { socket.wait(wait) }
    }
  }

  private func wallOffset() -> Int64 {
    var wall = timespec()
    clock_gettime(CLOCK_REALTIME, &wall)
    return Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - renderNow().nanoseconds
  }
}

/// Thread: the receiver's own, from its start to its end.
private func receiverMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<Receiver>.fromOpaque(context).takeRetainedValue().run()
  return nil
}
