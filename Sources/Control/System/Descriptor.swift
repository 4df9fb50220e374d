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
