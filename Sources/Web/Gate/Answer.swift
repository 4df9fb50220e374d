public import Control

/// What goes back.
public struct Answer: Sendable {
  public var status: Int
  public var type: String
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  public init(
    _ status: Int, type: String = "application/json", headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) {
    (self.status, self.type, self.headers, self.body) = (status, type, headers, body)
  }

  public static func json(_ json: JSON, status: Int = 200) -> Answer { Answer(status, body: json.bytes + [0x0A]) }

  /// An error of the control plane, in its own form.
  public static func failure(_ error: ControlError, status: Int? = nil) -> Answer {
    var answer = Answer.json(["error": error.json], status: status ?? error.httpStatus)
    if let retry = error.retry { answer.headers.append(("Retry-After", String((retry + 999) / 1000))) }
    return answer
  }
}

/// A request that is not carried out.
struct Refusal: Error {
  var status: Int
  var error: ControlError
  var headers: [(name: String, value: String)] = []

  init(_ status: Int, _ code: ControlError.Code, _ message: String, hint: String? = nil, detail: String? = nil) {
    self.status = status
    error = ControlError(code, message, hint: hint, detail: detail)
  }

  init(_ error: ControlError) {
    status = error.httpStatus
    self.error = error
  }

  var answer: Answer {
    var answer = Answer.failure(error, status: status)
    answer.headers += headers
    return answer
  }
}

extension ControlError {
  /// Which status says the same.
  public var httpStatus: Int {
    if detail == "stale" { return 412 }
    return switch code {
    case .parse, .badArgs: 400
    case .unknownOp, .notFound: 404
    case .tooLarge: 413
    case .conflict: 409
    case .denied: 403
    case .busy, .unavailable: 503
    case .timeout: 504
    case .internal: 500
    }
  }
}
