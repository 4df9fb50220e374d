/// Which of the user's default devices.
public enum DefaultDevice: String, Hashable, Sendable, CaseIterable {
  case sink, source
}

/// The user's choice of default sink or source, as a backend can read and change it.
///
/// Reading and changing are two steps and somebody else may choose in between: whoever changes the choice looks at
/// `state` until it says what was asked for.
public protocol DefaultDeviceChoice: AnyObject, Sendable {
  var device: DefaultDevice { get }
  /// The server this choice lives on, so that a record of it is never held against another server.
  var place: String { get }
  /// Thread: any but the backend's.
  var state: DefaultDeviceState { get }
  /// Names a device by its node name, or leaves the choice to the session manager. It need not exist.
  /// Thread: any but the backend's.
  func choose(_ name: String?) throws(BackendError)
  /// Called with every new state, on the backend's thread, until replaced by another or by nil.
  /// Thread: any but the backend's.
  func observe(_ changed: (@Sendable (DefaultDeviceState) -> Void)?)
}

public struct DefaultDeviceState: Sendable, Equatable {
  public enum Choice: Sendable, Hashable {
    /// No server, no session manager, or its listing is not complete.
    case unknown
    case unset
    case named(String)
    /// Something is set that names no device.
    case unreadable
  }

  /// What the user has chosen.
  public var configured: Choice
  /// What is used now: the choice where it exists, else the session manager's. For a source this may be the name of a
  /// sink, whose monitor stands in where there is no microphone.
  public var effective: String?

  public init(configured: Choice = .unknown, effective: String? = nil) {
    self.configured = configured
    self.effective = effective
  }
}
