/// Why something cannot be recorded or read.
public struct RecordingError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Stable, for programs.
  public enum Code: String, Sendable, CaseIterable {
    /// An argument is not possible; `field` says which.
    case badField = "bad_field"
    /// There is a recording already.
    case exists
    case notFound = "not_found"
    /// The file is none of ours, or broken.
    case damaged
    /// Someone records into it now.
    case inUse = "in_use"
    /// The disk says no.
    case disk
    /// There is no sound in the span that was asked for.
    case empty
    /// The span has gaps, and none was wanted.
    case gap
    case memory
  }

  public var code: Code
  public var message: String
  /// The argument that is to blame.
  public var field: String?
  public var hint: String?

  public init(_ code: Code, _ message: String, field: String? = nil, hint: String? = nil) {
    self.code = code
    self.message = message
    self.field = field
    self.hint = hint
  }

  public var description: String { hint.map { "\(message) (\($0))" } ?? message }
}
