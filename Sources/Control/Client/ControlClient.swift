internal import Glibc

/// What the daemon said unasked.
public struct ControlEvent: Sendable, Equatable {
  public let topic: String
  /// Rises within a topic; 0 on `hello` and `bye`.
  public let revision: Int
  public let data: JSON
  /// Older events of the topic that were dropped or replaced because this client read too slowly.
  public let lost: Int
  /// The whole line.
  public let line: JSONObject

  /// Nil for a line that is no event.
  public init?(_ line: JSONObject) {
    guard let topic = line["event"]?.stringValue else { return nil }
    self.topic = topic
    revision = line["rev"]?.intValue ?? 0
    data = line["data"] ?? .null
    lost = (line["dropped"]?.intValue ?? 0) + (line["coalesced"]?.intValue ?? 0)
    self.line = line
  }
}

/// A blocking connection to the daemon, for command lines and tests. One thread at a time uses it.
public final class ControlClient {
  public let path: String
  /// The daemon's first line.
  public private(set) var hello: JSONObject = [:]
  let descriptor: Descriptor
  private var input = LineBuffer(maximumBytes: ControlProtocol.maximumLineBytes)
  private var scratch = [UInt8](repeating: 0, count: 65_536)
  /// Events that came while a reply was awaited; the oldest give way.
  private var events: [ControlEvent] = []
  private var lastID: Int64 = 0
  private var parcels: [DescriptorParcel] = []

  private static let maximumStoredEvents = 1024

  /// `STREAMD_SOCKET`, or `streamd/control.sock` in the user's runtime directory; nil without either.
  public static var defaultPath: String? {
    if let path = environmentVariable("STREAMD_SOCKET"), !path.isEmpty { return path }
    guard let directory = environmentVariable("XDG_RUNTIME_DIR"), !directory.isEmpty else { return nil }
    return directory + "/streamd/control.sock"
  }

  /// Connects and reads `hello`.
  public convenience init(path: String, timeout: Duration = .seconds(2)) throws(ControlClientError) {
    let descriptor: Descriptor
    do throws(SystemError) {
      descriptor = try UnixSocket.connected(to: path, until: .now + timeout)
    } catch {
      throw Self.connectionError(error, path: path)
    }
    try self.init(adopting: descriptor, path: path, timeout: timeout)
  }

  /// Reads `hello` from a connection made already.
  init(
    adopting descriptor: consuming Descriptor, path: String, timeout: Duration = .seconds(2)
  ) throws(ControlClientError) {
    self.descriptor = descriptor
    self.path = path
    try readHello(until: .now + timeout)
  }

  private static func connectionError(_ error: SystemError, path: String) -> ControlClientError {
    switch error.number {
    case ENOENT, ECONNREFUSED, ENOTDIR: .notRunning(path: path)
    case EACCES, EPERM: .denied(path: path)
    case EAGAIN: .timeout
    default: .system(error)
    }
  }

  private func readHello(until deadline: Monotonic) throws(ControlClientError) {
    guard let line = try receiveObject(until: deadline) else { throw .timeout }
    if let error = line["error"] { throw .refused(ControlError(json: error)) }
    guard line["event"]?.stringValue == "hello", let major = line["protocol"]?["major"]?.intValue else {
      throw .malformed("the first line is no hello")
    }
    guard major == ControlProtocol.major else { throw .incompatible(major: major) }
    hello = line
  }

  /// Sends a request and waits for its reply; events in between are kept for `nextEvent`.
  public func request(
    _ op: String, _ arguments: JSONObject = [:], passing parcels: [DescriptorParcel] = [],
    timeout: Duration = .seconds(10)
  ) throws(ControlClientError) -> JSON {
    let deadline = Monotonic.now + timeout
    lastID += 1
    let id = lastID
    try send(.object(["id": .int(id), "op": .string(op), "args": .object(arguments)]), parcels, until: deadline)
    while true {
      guard let line = try receiveObject(until: deadline) else { throw .timeout }
      if let event = ControlEvent(line) {
        if event.topic == "bye" { throw .closed(reason: event.line["reason"]?.stringValue) }
        keep(event)
      } else if line["id"] == .int(id) {
        if line["ok"] == true { return line["result"] ?? .null }
        throw .refused(ControlError(json: line["error"] ?? .null))
      } else if line["id"] == nil, let error = line["error"] {
        // The daemon could not tell what it refused; only this request is under way.
        throw .refused(ControlError(json: error))
      }
      // Anything else is the late answer to a request that was given up.
    }
  }

  /// The next event, `bye` included; nil when none came in time. Without a timeout it waits for ever.
  public func nextEvent(timeout: Duration? = nil) throws(ControlClientError) -> ControlEvent? {
    if !events.isEmpty { return events.removeFirst() }
    let deadline = timeout.map { Monotonic.now + $0 }
    while let line = try receiveObject(until: deadline) {
      if let event = ControlEvent(line) { return event }
    }
    return nil
  }

  private func keep(_ event: ControlEvent) {
    if events.count == Self.maximumStoredEvents { events.removeFirst() }
    events.append(event)
  }

  /// The descriptors that replies have brought since the last call, in their order.
  public func takeDescriptors() -> [DescriptorParcel] {
    defer { parcels = [] }
    return parcels
  }

  // MARK: lines

  /// Sends one line as it is; the newline is added.
  public func send(line: String, timeout: Duration = .seconds(10)) throws(ControlClientError) {
    try send(bytes: Array(line.utf8) + [0x0A], until: .now + timeout)
  }

  /// Sends bytes as they are, not even a newline added.
  public func send(bytes: [UInt8], timeout: Duration = .seconds(10)) throws(ControlClientError) {
    try send(bytes: bytes, until: .now + timeout)
  }

  /// The next line of any kind without its newline; nil when none came in time.
  public func receiveLine(timeout: Duration? = nil) throws(ControlClientError) -> String? {
    try receive(until: timeout.map { .now + $0 }).map { String(decoding: $0, as: UTF8.self) }
  }

  private func send(
    _ json: JSON, _ parcels: [DescriptorParcel], until deadline: Monotonic
  ) throws(ControlClientError) {
    try send(bytes: json.bytes + [0x0A], parcels, until: deadline)
  }

  private func send(
    bytes: [UInt8], _ parcels: [DescriptorParcel] = [], until deadline: Monotonic
  ) throws(ControlClientError) {
    var sent = 0
    while sent < bytes.count {
      switch descriptor.send(bytes, from: sent, with: sent == 0 ? parcels : []) {
      case .bytes(let count): sent += count
      case .wouldBlock: guard try wait(POLLOUT, until: deadline) else { throw .timeout }
      case .end, .failed(EPIPE), .failed(ECONNRESET): throw farewell()
      case .failed(let number): throw .system(SystemError("send", number))
      }
    }
  }

  /// Why the daemon closed, as far as what it sent before tells.
  private func farewell() -> ControlClientError {
    var refusal: ControlError?
    var reason: String?
    do throws(ControlClientError) {
      while let line = try receiveObject(until: .now) {
        if line["id"] == nil, let error = line["error"] { refusal = ControlError(json: error) }
        if line["event"] == "bye" { reason = line["reason"]?.stringValue }
      }
    } catch {
      // The connection is over; what was read until here counts.
    }
    return refusal.map { .refused($0) } ?? .closed(reason: reason)
  }

  private func receiveObject(until deadline: Monotonic?) throws(ControlClientError) -> JSONObject? {
    guard let line = try receive(until: deadline) else { return nil }
    let json: JSON
    do throws(JSONParseError) {
      json = try JSON.parse(line)
    } catch {
      throw .malformed(error.description)
    }
    guard let members = json.objectValue else { throw .malformed("a line is \(json.kindName)") }
    return members
  }

  private func receive(until deadline: Monotonic?) throws(ControlClientError) -> [UInt8]? {
    while true {
      if let line = input.next() { return line }
      if input.isTooLong() { throw .malformed("a line is longer than \(ControlProtocol.maximumLineBytes) bytes") }
      switch descriptor.receive(into: &scratch, &parcels, limit: DescriptorParcel.limit) {
      case .bytes(let count): input.append(scratch[..<count])
      case .wouldBlock: guard try wait(POLLIN, until: deadline) else { return nil }
      case .end, .failed(ECONNRESET): throw .closed(reason: nil)
      case .failed(let number): throw .system(SystemError("recv", number))
      }
    }
  }

  private func wait(_ events: Int32, until deadline: Monotonic?) throws(ControlClientError) -> Bool {
    do throws(SystemError) {
      return try descriptor.wait(for: events, until: deadline)
    } catch {
      throw .system(error)
    }
  }
}
