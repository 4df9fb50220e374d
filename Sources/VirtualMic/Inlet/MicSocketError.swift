/// Why a way in cannot be opened.
public struct MicSocketError: Error, Hashable, Sendable {
  /// `bind`, `port`, `path`, `denied`, `socket` or `limit`.
  public let code: String
  public let message: String

  init(_ code: String, _ message: String) {
    self.code = code
    self.message = message
  }
}
