import Control

/// Whether sound goes where it should, for whoever watches over services.
enum Readiness {
  static func answer(to status: Result<JSON, ControlError>?) -> Answer {
    switch status {
    case .success(let status):
      let state = status["state"]?.stringValue ?? "unknown"
      let isReady = state == "ok" || state == "idle"
      return .json(
        ["ready": .bool(isReady), "state": .string(state), "problems": status["problems"] ?? []],
        status: isReady ? 200 : 503)
    case .failure(let error): return .failure(error)
    case nil: return .failure(ControlError(.internal, "no reply"))
    }
  }
}
