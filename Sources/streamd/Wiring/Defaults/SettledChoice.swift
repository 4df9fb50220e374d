public import AudioCore
public import AudioIO

/// A choice that has stood for a while. A session manager that has just started publishes an empty choice first and what
/// it remembers after: deciding in between would take the one for the user's will. Pure; time is an argument.
public struct SettledChoice: Sendable {
  public let patience: HostDuration
  private var last: DefaultDeviceState?
  private var since = HostTime(nanoseconds: 0)

  public init(patience: HostDuration = .milliseconds(400)) { self.patience = patience }

  /// The state, once it has stood for `patience`.
  public mutating func look(_ state: DefaultDeviceState, at now: HostTime) -> DefaultDeviceState? {
    if state.configured != last?.configured {
      last = state
      since = now
    }
    guard state.configured != .unknown, now - since >= patience else { return nil }
    return state
  }
}
