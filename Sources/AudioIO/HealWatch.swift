public import AudioCore

/// How a capture came back after an interruption, or moved to another device without one.
public struct HealRecord: Sendable, Equatable {
  /// The first trouble's code, or `device_changed` when nothing was wrong but the device is another.
  public var cause: String
  public var message: String
  public var previous: String?
  public var device: String
  /// From the last state in which it heard something; nothing for a change without an interruption.
  public var duration: HostDuration
}

/// Turns a capture's states into heals. Pure; time is an argument.
public struct HealWatch: Sendable {
  public private(set) var count = 0
  public private(set) var last: HealRecord?
  /// How many of each cause.
  public private(set) var causes: [String: Int] = [:]

  private var device: String?
  private var lostAt: HostTime?
  private var trouble: BackendError?

  public init() {}

  /// A heal when `state` completes one.
  public mutating func enter(_ state: StreamState, at now: HostTime) -> HealRecord? {
    switch state {
    case .stopped:
      (device, lostAt, trouble) = (nil, nil, nil)
      return nil
    case .waiting(let error):
      // What was never heard has not been lost.
      guard device != nil else { return nil }
      if lostAt == nil { lostAt = now }
      if trouble == nil, error.code != .starting { trouble = error }
      return nil
    case .running(let new):
      defer { (device, lostAt, trouble) = (new, nil, nil) }
      guard let device, lostAt != nil || device != new else { return nil }
      let changed = "\"\(device)\" gave way to \"\(new)\""
      let record = HealRecord(
        cause: trouble?.code.rawValue ?? (device == new ? "interrupted" : "device_changed"),
        message: trouble?.message ?? (device == new ? "the links to \"\(new)\" were made anew" : changed),
        previous: device, device: new, duration: lostAt.map { now - $0 } ?? .zero)
      count += 1
      causes[record.cause, default: 0] += 1
      last = record
      return record
    }
  }
}
