/// Why frames of a recording's time are not there.
public enum GapCause: UInt32, Sendable, CaseIterable {
  /// The device had gone, or stood still.
  case device = 1
  /// The sound server did not deliver them.
  case missed
  /// The disk did not take what waited in memory, and that was full.
  case disk
  /// The device began after the time that was agreed for a start in common.
  case lateStart
  /// Sound came in other channels than those that are recorded.
  case format
  /// The process that recorded ended without a word.
  case crash

  /// The number it has in files. Render safe.
  var code: Int {
    @_noLocks get {
      switch self {
      case .device: 1
      case .missed: 2
      case .disk: 3
      case .lateStart: 4
      case .format: 5
      case .crash: 6
      }
    }
  }

  public var name: String {
    switch self {
    case .device: "device"
    case .missed: "missed"
    case .disk: "disk"
    case .lateStart: "late_start"
    case .format: "format"
    case .crash: "crash"
    }
  }

  public init?(name: String) {
    guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }
}
