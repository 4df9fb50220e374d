internal import CLinux
internal import Glibc

/// Signals as readable events instead of interruptions.
enum SignalDescriptor {
  /// Blocks `signals` for the calling thread and the threads it starts afterwards.
  static func block(_ signals: [Int32]) {
    var set = set(of: signals)
    unsafe _ = pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  static func open(_ signals: [Int32]) throws(SystemError) -> Descriptor {
    var set = set(of: signals)
    let number = unsafe signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
    guard number >= 0 else { throw SystemError("signalfd") }
    return Descriptor(owning: number)
  }

  /// The next pending signal, if any.
  static func next(from descriptor: borrowing Descriptor) -> Int32? {
    var record = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    guard unsafe read(descriptor.number, &record, size) == size else { return nil }
    return Int32(record.ssi_signo)
  }

  private static func set(of signals: [Int32]) -> sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for signal in signals { unsafe sigaddset(&set, signal) }
    return set
  }
}
