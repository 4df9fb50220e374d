internal import Glibc

/// An owned file descriptor, closed exactly once.
struct Descriptor: ~Copyable {
  let number: Int32

  init(owning number: Int32) { self.number = number }

  /// Takes what a system call returned; -1 throws its errno.
  init(opened number: Int32, by call: String) throws(SystemError) {
    guard number >= 0 else { throw SystemError(call) }
    self.number = number
  }

  deinit { close(number) }
}

/// What a non-blocking read or write did.
enum Transfer: Equatable {
  case bytes(Int)
  case end
  case wouldBlock
  case failed(Int32)
}

extension Descriptor {
  /// Reads what is there, at most the buffer's length.
  func receive(into buffer: inout [UInt8]) -> Transfer { Self.receive(number, into: &buffer, flags: 0) }

  /// Writes `bytes` from `start` on, as far as the peer takes them. Never raises SIGPIPE.
  func send(_ bytes: [UInt8], from start: Int) -> Transfer {
    while true {
      let sent = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.send(number, $0.baseAddress! + start, $0.count - start, Int32(MSG_NOSIGNAL))
      }
      if sent >= 0 { return .bytes(sent) }
      if errno == EINTR { continue }
      return errno == EAGAIN ? .wouldBlock : .failed(errno)
    }
  }

  private static func receive(_ number: Int32, into buffer: inout [UInt8], flags: Int32) -> Transfer {
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(number, $0.baseAddress, $0.count, flags) }
      if count > 0 { return .bytes(count) }
      if count == 0 { return .end }
      if errno == EINTR { continue }
      return errno == EAGAIN ? .wouldBlock : .failed(errno)
    }
  }

  /// Not inherited by programs the process starts, and never blocking.
  func makeNonblocking() throws(SystemError) {
    guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { throw SystemError("fcntl") }
    guard fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0 else { throw SystemError("fcntl") }
  }

  /// Waits until `events` (POLLIN, POLLOUT) or the deadline; false at the deadline. Thread: any but the control thread.
  func wait(for events: Int32, until deadline: Monotonic?) throws(SystemError) -> Bool {
    var entry = pollfd(fd: number, events: Int16(events), revents: 0)
    while true {
      var milliseconds: Int32 = -1
      if let deadline {
        let left = max(0, (deadline.nanoseconds - Monotonic.now.nanoseconds + 999_999) / 1_000_000)
        milliseconds = Int32(clamping: left)
      }
      let count = unsafe poll(&entry, 1, milliseconds)
      if count > 0 { return true }
      if count == 0 { return false }
      guard errno == EINTR else { throw SystemError("poll") }
    }
  }
}
