import Glibc

/// Why a ring cannot be.
public struct RingError: Error, Hashable, Sendable {
  /// Stable, for programs.
  public enum Code: String, Sendable, CaseIterable {
    case channels, rate, capacity, low, high
    /// The system gives no memory, or no descriptor.
    case memory, descriptors
    /// What a client brought is no memory of the kernel's own: a file, a device, huge pages.
    case notMemory = "not_memory"
    /// It could be shrunk under us.
    case notSealed = "not_sealed"
    /// It cannot be written to.
    case writeSealed = "write_sealed"
    case tooSmall = "too_small"
  }

  public let code: Code
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  init(_ code: Code, errno number: Int32) { self.init(code, String(cString: strerror(number))) }
}
