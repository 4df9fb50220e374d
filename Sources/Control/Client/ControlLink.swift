internal import Glibc

/// A connection to the control socket that never waits, for a loop of its owner's: it has a descriptor to watch, and says
/// what it wants it watched for. Bounded both ways: who reads from it slowly is read from no more.
///
/// Thread: its owner's.
public final class ControlLink {
  /// What has come.
  public enum Line: Sendable {
    case reply(id: Int, Result<JSON, ControlError>)
    /// `hello` and `bye` too.
    case event(ControlEvent)
    /// A refusal without a number: of the connection, not of a request.
    case refused(ControlError)
  }

  private let descriptor: Descriptor
  private var input = LineBuffer(maximumBytes: ControlProtocol.maximumLineBytes)
  private var scratch = [UInt8](repeating: 0, count: 65_536)
  private var output: [UInt8] = []
  private var written = 0
  private var lastID = 0
  /// Nothing more will come.
  public private(set) var isOver = false

  /// More than this waiting to go out is refused.
  private static let outputLimit = 4 << 20

  /// Connects at once or fails: a socket whose queue is full is as good as none.
  public init(path: String) throws(SystemError) {
    let descriptor = try UnixSocket.open()
    try UnixSocket.connect(descriptor, to: path)
    self.descriptor = descriptor
  }

  /// To be watched for reading, and for writing while `wantsToWrite`.
  public var number: Int32 { descriptor.number }

  public var wantsToWrite: Bool { written < output.count && !isOver }

  /// Sends a request; its number comes back with the reply. Nil when too much waits already or the connection is over.
  public func request(_ op: String, _ arguments: JSONObject) -> Int? {
    guard !isOver, output.count - written < Self.outputLimit else { return nil }
    lastID += 1
    JSON.object(["id": JSON(lastID), "op": .string(op), "args": .object(arguments)]).write(to: &output)
    output.append(0x0A)
    flush()
    return lastID
  }

  public func flush() {
    while !isOver, written < output.count {
      switch descriptor.send(output, from: written) {
      case .bytes(let count): written += count
      case .wouldBlock: return
      case .end, .failed: isOver = true
      }
    }
    output.removeAll(keepingCapacity: output.capacity <= 65_536)
    written = 0
  }

  /// Reads once and hands out whole lines.
  public func receive() -> [Line] {
    guard !isOver else { return [] }
    var parcels: [DescriptorParcel] = []
    switch descriptor.receive(into: &scratch, &parcels, limit: DescriptorParcel.limit) {
    case .bytes(let count): input.append(scratch[..<count])
    case .wouldBlock: return []
    case .end, .failed: isOver = true
    }
    var lines: [Line] = []
    while let line = input.next() {
      guard let members = (try? JSON.parse(line))?.objectValue else { continue }
      if let event = ControlEvent(members) {
        lines.append(.event(event))
      } else if let id = members["id"]?.intValue {
        let isGood = members["ok"] == true
        lines.append(
          .reply(
            id: id,
            isGood ? .success(members["result"] ?? .null) : .failure(ControlError(json: members["error"] ?? .null))))
      } else if let error = members["error"] {
        lines.append(.refused(ControlError(json: error)))
      }
    }
    if input.isTooLong() { isOver = true }
    return lines
  }
}
