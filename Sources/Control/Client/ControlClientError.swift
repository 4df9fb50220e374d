/// What can go wrong between a client and the daemon.
public enum ControlClientError: Error, Sendable, Equatable {
  /// Nobody listens at the path.
  case notRunning(path: String)
  /// The socket belongs to somebody else.
  case denied(path: String)
  /// The daemon speaks another major version.
  case incompatible(major: Int)
  case timeout
  /// The daemon has closed the connection, with its reason if it gave one.
  case closed(reason: String?)
  /// What came is no message of the protocol.
  case malformed(String)
  /// The daemon refused the request, or the whole connection.
  case refused(ControlError)
  case system(SystemError)

  /// Stable, for machine output.
  public var code: String {
    switch self {
    case .notRunning: "not_running"
    case .denied: "denied"
    case .incompatible: "incompatible"
    case .timeout: "timeout"
    case .closed: "closed"
    case .malformed: "malformed"
    case .refused(let error): error.code.rawValue
    case .system: "system"
    }
  }
}

extension ControlClientError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notRunning(let path): "no daemon is running on \(path)"
    case .denied(let path): "no permission to use \(path)"
    case .incompatible(let major):
      "the daemon speaks protocol \(major), this program speaks \(ControlProtocol.major)"
    case .timeout: "no answer in time"
    case .closed(let reason): "the daemon closed the connection" + (reason.map { ": \($0)" } ?? "")
    case .malformed(let what): "the answer makes no sense: \(what)"
    case .refused(let error): error.message + (error.hint.map { " (\($0))" } ?? "")
    case .system(let error): error.description
    }
  }
}
