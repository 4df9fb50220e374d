internal import Glibc

/// A system call that failed, with its errno.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
  public let call: String
  public let number: Int32

  init(_ call: String, _ number: Int32 = errno) {
    self.call = call
    self.number = number
  }

  public var description: String { "\(call): \(unsafe String(cString: strerror(number)))" }
}
