/// The user's choice of default sink, as a backend can read and change it.
///
/// Reading and changing are two steps and somebody else may choose in between: whoever changes the choice looks at
/// `state` until it says what was asked for.
public protocol DefaultSinkChoice: AnyObject, Sendable {
  /// The server this choice lives on, so that a record of it is never held against another server.
  var place: String { get }
  /// Thread: any but the backend's.
  var state: DefaultSinkState { get }
  /// Names a sink by its node name, or leaves the choice to the session manager. It need not exist.
  /// Thread: any but the backend's.
  func choose(_ sink: String?) throws(BackendError)
  /// Called with every new state, on the backend's thread, until replaced by another or by nil.
  /// Thread: any but the backend's.
  func observe(_ changed: (@Sendable (DefaultSinkState) -> Void)?)
}

public struct DefaultSinkState: Sendable, Equatable {
  public enum Choice: Sendable, Equatable {
    /// No server, no session manager, or its listing is not complete.
    case unknown
    case unset
    case sink(String)
    /// Something is set that names no sink.
    case unreadable
  }

  /// What the user has chosen.
  public var configured: Choice
  /// What plays now: the choice where it exists, else the session manager's.
  public var effective: String?

  public init(configured: Choice = .unknown, effective: String? = nil) {
    self.configured = configured
    self.effective = effective
  }
}
