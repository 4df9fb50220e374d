/// What a request says before its body.
public struct RequestHead: Sendable, Equatable {
  public var method: String
  /// Decoded, without the query.
  public var path: String
  /// Decoded, in the order they came; a name may come twice.
  public var query: [(name: String, value: String)] = []
  /// Names in lower case.
  public var headers: [(name: String, value: String)] = []

  public init(
    _ method: String, _ path: String, query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)] = []
  ) {
    (self.method, self.path, self.query, self.headers) = (method, path, query, headers)
  }

  public func values(of header: String) -> [String] { headers.filter { $0.name == header }.map(\.value) }

  /// Nil when it is absent or came more than once.
  public func only(_ header: String) -> String? {
    let values = values(of: header)
    return values.count == 1 ? values[0] : nil
  }

  public var isReading: Bool { method == "GET" || method == "HEAD" }

  public static func == (left: RequestHead, right: RequestHead) -> Bool {
    left.method == right.method && left.path == right.path && left.query.elementsEqual(right.query, by: ==)
      && left.headers.elementsEqual(right.headers, by: ==)
  }
}
