import Control

/// What is fixed in headroom's protocol, version 1.
public enum HeadroomProtocol {
  public static let version = 1
  /// What its clients expect to be talking to.
  static let daemon = "headroom"
  /// What stands for minus infinity.
  static let floor = -200.0

  /// Its topics, and which of ours tell what theirs do.
  enum Topic: String, CaseIterable {
    case meters, profile, routing, daemon

    var ours: [String] {
      switch self {
      case .meters: ["bus_meters", "app_levels"]
      case .profile: ["profile"]
      case .routing: ["routing"]
      case .daemon: []
      }
    }

    init?(ours: String) {
      guard let topic = Self.allCases.first(where: { $0.ours.contains(ours) }) else { return nil }
      self = topic
    }
  }

  enum ErrorCode: String, CaseIterable {
    case invalidFrame = "INVALID_FRAME"
    case invalidMessage = "INVALID_MESSAGE"
    case unknownOp = "UNKNOWN_OP"
    case invalidArgs = "INVALID_ARGS"
    case notFound = "NOT_FOUND"
    case conflict = "CONFLICT"
    case busy = "BUSY"
    case `internal` = "INTERNAL"

    init(_ code: ControlError.Code) {
      switch code {
      case .parse: self = .invalidMessage
      case .unknownOp: self = .unknownOp
      case .badArgs: self = .invalidArgs
      case .notFound: self = .notFound
      // Neither has a code of its own there; both mean that it cannot be as things are.
      case .conflict, .denied, .unavailable: self = .conflict
      case .busy, .timeout: self = .busy
      case .tooLarge, .internal: self = .internal
      }
    }
  }
}

/// Frames as its clients read them.
enum HeadroomFrame {
  static func event(_ name: String, _ topic: String, _ data: JSON) -> JSON {
    ["event": .string(name), "topic": .string(topic), "data": data]
  }

  static func result(_ result: JSON, id: JSON) -> JSON { ["id": id, "result": result] }

  /// What has no number of its own is number 0.
  static func error(_ code: HeadroomProtocol.ErrorCode, _ message: String, id: JSON? = nil) -> JSON {
    ["id": id ?? 0, "error": ["code": .string(code.rawValue), "message": .string(message)]]
  }

  /// Our error in one sentence.
  static func error(_ error: ControlError, id: JSON) -> JSON {
    var message = error.message
    if let path = error.path, !message.hasPrefix(path) { message = "\(path): \(message)" }
    if let hint = error.hint { message += " (\(hint))" }
    return Self.error(HeadroomProtocol.ErrorCode(error.code), message, id: id)
  }

  static func hello(version: String) -> JSON {
    [
      "daemon": .string(HeadroomProtocol.daemon), "version": .string(version),
      "protocol": JSON(HeadroomProtocol.version),
    ]
  }
}
