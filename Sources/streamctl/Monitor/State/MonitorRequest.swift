import Control

/// An operation that a key asks for.
struct MonitorRequest: Equatable {
  /// What becomes of the answer.
  enum Purpose: Equatable {
    /// Said in the footer.
    case change(String)
    /// The profiles there are, to choose among.
    case profiles
    case status, streams, description, subscription
  }

  var op: String
  var arguments: JSONObject = [:]
  var purpose: Purpose
}
