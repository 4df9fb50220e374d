/// The one error of the control plane, as it crosses the socket. `code` is stable; `message` is for people and may change.
public struct ControlError: Error, Sendable, Equatable {
  public enum Code: String, Sendable, CaseIterable {
    case parse
    case tooLarge = "too_large"
    case unknownOp = "unknown_op"
    case badArgs = "bad_args"
    case notFound = "not_found"
    case conflict
    case denied
    case busy
    case unavailable
    case timeout
    case `internal`
  }

  public var code: Code
  public var message: String
  /// Where in the arguments, such as `streams[0].port`; of the request itself: `id`, `op`, `args`, `batch`.
  public var path: String?
  /// What to try instead, as a full sentence or a name.
  public var hint: String?
  /// After how many milliseconds the same request may succeed.
  public var retry: Int?
  /// A finer code, stable as well, where a part of the daemon has codes of its own.
  public var detail: String?

  public init(
    _ code: Code, _ message: String, path: String? = nil, hint: String? = nil, retry: Int? = nil, detail: String? = nil
  ) {
    self.detail = detail
    self.code = code
    self.message = message
    self.path = path
    self.hint = hint
    self.retry = retry
  }
}

extension ControlError.Code {
  /// One line for `describe` and the documentation.
  public var summary: String {
    switch self {
    case .parse: "the line is not JSON, or not a request"
    case .tooLarge: "the line or its parts exceed a limit; the connection closes if the rest cannot be skipped"
    case .unknownOp: "no such operation"
    case .badArgs: "an argument is missing, unknown, of the wrong type or out of range"
    case .notFound: "the named thing does not exist"
    case .conflict: "the request contradicts the present state"
    case .denied: "the caller may not do this"
    case .busy: "a limit of simultaneous work is reached; retry later"
    case .unavailable: "something the operation needs is not there now"
    case .timeout: "something took too long"
    case .internal: "a bug of the daemon"
    }
  }
}

extension ControlError {
  public var json: JSON {
    var members: JSONObject = ["code": .string(code.rawValue), "message": .string(message)]
    if let path { members["path"] = .string(path) }
    if let hint { members["hint"] = .string(hint) }
    if let retry { members["retry"] = JSON(retry) }
    if let detail { members["detail"] = .string(detail) }
    return .object(members)
  }

  /// Reads what another daemon sent; a code this version does not know reads as `internal`.
  public init(json: JSON) {
    let name = json["code"]?.stringValue ?? ""
    self.init(
      Code(rawValue: name) ?? .internal, json["message"]?.stringValue ?? "error \(name)",
      path: json["path"]?.stringValue, hint: json["hint"]?.stringValue, retry: json["retry"]?.intValue,
      detail: json["detail"]?.stringValue)
  }
}
