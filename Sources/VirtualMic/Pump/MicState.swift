public import AudioCore
public import AudioIO

/// What a user should know about a microphone device.
public enum MicState: Hashable, Sendable {
  /// Everything for it is dropped before it is decoded.
  case muted
  case idle
  case live
  /// It cannot be recorded now, and why.
  case degraded(Reason)

  public enum Reason: Hashable, Sendable {
    /// Not yet tried to open.
    case starting
    case unavailable(BackendError.Code)
    /// It went away; another is on its way.
    case died
  }

  /// Stable word for protocols and logs.
  public var code: String {
    switch self {
    case .muted: "muted"
    case .idle: "idle"
    case .live: "live"
    case .degraded: "degraded"
    }
  }
}

extension MicState.Reason {
  public var code: String {
    switch self {
    case .starting: "starting"
    case .unavailable(let code): code.rawValue
    case .died: "device_lost"
    }
  }
}

/// What decides the state of a device. Pure: what happened goes in, and the state at a time comes out.
public struct MicCondition: Hashable, Sendable {
  public private(set) var isMuted = false
  public private(set) var trouble: MicState.Reason? = .starting
  public private(set) var lastSound: HostTime?
  private let quietAfter: HostDuration

  public init(quietAfter: HostDuration) { self.quietAfter = quietAfter }

  public mutating func mute(_ muted: Bool) {
    if muted { lastSound = nil }
    isMuted = muted
  }
  public mutating func opened() { (trouble, lastSound) = (nil, nil) }
  public mutating func failed(_ code: BackendError.Code) { (trouble, lastSound) = (.unavailable(code), nil) }
  public mutating func died() { (trouble, lastSound) = (.died, nil) }
  public mutating func sounded(at now: HostTime) { lastSound = now }

  /// Muted goes first: that nobody is heard is what a user relies on.
  public func state(at now: HostTime) -> MicState {
    if isMuted { return .muted }
    if let trouble { return .degraded(trouble) }
    guard let lastSound, now - lastSound <= quietAfter else { return .idle }
    return .live
  }
}
