import Glibc

/// The talking end of a local microphone, for the command line and for tests.
/// Thread: any one at a time.
public final class LocalMicConnection {
  public enum Outcome: Hashable, Sendable {
    case sent
    /// The other end is behind: this message is lost, the connection is not.
    case full
    case gone
  }

  public let descriptor: Int32

  public init(path: String) throws(MicSocketError) { descriptor = try UnixPacketSocket.connect(to: path) }

  deinit { close(descriptor) }

  /// Never blocks.
  @discardableResult public func send(_ message: [UInt8]) -> Outcome {
    while true {
      if Glibc.send(descriptor, message, message.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) >= 0 {
        return .sent
      }
      switch errno {
      case EINTR: continue
      case EAGAIN, ENOBUFS, EMSGSIZE: return .full
      default: return .gone
      }
    }
  }
}
