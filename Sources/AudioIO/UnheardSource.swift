/// A node that plays into the followed sink and that a capture linked beside it cannot hear.
public struct UnheardSource: Hashable, Sendable, CustomStringConvertible {
  public enum Reason: String, Sendable, CaseIterable {
    /// Its port carries no plain samples: a compressed stream passed through.
    case encoded
    /// The server would not make, or ended, the link.
    case refused
    /// The server has not made the link in good time.
    case late
    /// It may be moved to another sink any moment, and must have no link of ours when it is.
    case leaving
  }

  /// Node name.
  public var node: String
  public var reason: Reason
  /// The server's own words, where it gave any.
  public var detail: String?

  public init(node: String, reason: Reason, detail: String? = nil) {
    self.node = node
    self.reason = reason
    self.detail = detail
  }

  public var description: String { "\(node): \(reason.rawValue)" + (detail.map { " (\($0))" } ?? "") }
}
