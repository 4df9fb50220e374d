public import Control
import Wording

/// headroom's protocol, version 1, in terms of ours: one client's conversation, without the sockets.
public struct HeadroomDialect: DoorDialect {
  private struct Pending {
    /// The client's own number.
    var id: JSON
    var operation: HeadroomOperation
    var topics: [HeadroomProtocol.Topic] = []
  }

  /// More requests wait where they are.
  static let mostPending = 16
  /// What the daemon says is bounded by itself.
  private static let ownLines = JSONLimits(depth: 64, values: 1 << 20)

  private var pending: [Int64: Pending] = [:]
  private var lastID: Int64 = 0
  /// Ours, from its hello; nil before that.
  private var version: String?
  private var subscribed: Set<HeadroomProtocol.Topic> = []
  private var totalLost = 0
  /// The question of ours whose answer is the `started` event.
  private var started: Int64?

  public init() {}

  public var isReady: Bool { version != nil && pending.count < Self.mostPending }

  public func refusal(_ error: ControlError) -> [UInt8] {
    switch error.code {
    case .tooLarge, .parse: HeadroomFrame.error(.invalidFrame, error.message).bytes
    default: HeadroomFrame.error(error, id: 0).bytes
    }
  }

  // MARK: the client

  public mutating func take(frame: [UInt8]) -> DoorWords {
    let json: JSON
    do throws(JSONParseError) { json = try JSON.parse(frame) } catch {
      return fault(.invalidMessage, "not JSON: \(error)")
    }
    guard let members = json.objectValue else { return fault(.invalidMessage, "a message is an object") }
    guard let id = members["id"], case .int(let number) = id, number >= 0 else {
      return fault(.invalidMessage, "id: wanted a whole number from 0 to \(Int64.max)")
    }
    guard let op = members["op"]?.stringValue else { return fault(.invalidMessage, "op: wanted a string", id: id) }
    guard let operation = HeadroomOperation[op] else {
      let near = nearestName(to: op, among: HeadroomOperation.all.map(\.name)).map { ", did you mean \($0)?" } ?? ""
      return fault(.unknownOp, "no operation is named \"\(op.prefix(64))\"\(near)", id: id)
    }
    let given = members["args"] ?? .null
    guard let object = given.isNull ? [:] : given.objectValue else {
      return fault(.invalidArgs, "args: wanted an object", id: id)
    }
    do throws(ControlError) {
      return try ask(operation, object, id: id)
    } catch {
      return DoorWords(frames: [HeadroomFrame.error(error, id: id).bytes])
    }
  }

  private mutating func ask(
    _ operation: HeadroomOperation, _ arguments: JSONObject, id: JSON
  ) throws(ControlError) -> DoorWords {
    let known = try operation.read(arguments)
    switch operation.kind {
    case .hello:
      return DoorWords(frames: [HeadroomFrame.result(HeadroomFrame.hello(version: version ?? ""), id: id).bytes])
    case .subscribe, .unsubscribe:
      let topics = try topics(known)
      return try ask(
        Pending(id: id, operation: operation, topics: topics), operation.name,
        ["topics": JSON(topics.flatMap(\.ours))])
    case .ours(let name, _): return try ask(Pending(id: id, operation: operation), name, known)
    }
  }

  private func topics(_ members: JSONObject) throws(ControlError) -> [HeadroomProtocol.Topic] {
    guard let names = members["topics"]?.arrayValue, names.count <= 32 else {
      throw ControlError(.badArgs, "wanted an array of up to 32 names", path: "topics")
    }
    var topics: [HeadroomProtocol.Topic] = []
    for name in names {
      guard let topic = name.stringValue.flatMap({ HeadroomProtocol.Topic(rawValue: $0) }) else {
        let known = HeadroomProtocol.Topic.allCases.map(\.rawValue).joined(separator: ", ")
        throw ControlError(.badArgs, "no topic to subscribe to: \(name); there are \(known)", path: "topics")
      }
      if !topics.contains(topic) { topics.append(topic) }
    }
    return topics
  }

  private mutating func ask(
    _ question: Pending, _ op: String, _ members: JSONObject
  ) throws(ControlError) -> DoorWords {
    let line = JSON.object(["id": .int(lastID + 1), "op": .string(op), "args": .object(members)]).bytes
    // Our line is a little longer than the frame was.
    guard line.count <= ControlProtocol.maximumLineBytes else {
      throw ControlError(.badArgs, "the arguments are too long")
    }
    lastID += 1
    pending[lastID] = question
    return DoorWords(lines: [line])
  }

  private func fault(_ code: HeadroomProtocol.ErrorCode, _ message: String, id: JSON? = nil) -> DoorWords {
    DoorWords(frames: [HeadroomFrame.error(code, message, id: id).bytes])
  }

  // MARK: the daemon

  public mutating func take(line: [UInt8]) -> DoorWords {
    guard let json = try? JSON.parse(line, limits: Self.ownLines), let members = json.objectValue else {
      return DoorWords()
    }
    if let event = members["event"]?.stringValue { return take(event: event, json) }
    guard let id = members["id"]?.intValue.map({ Int64($0) }) else {
      // It could not tell what it refuses: nothing more will come.
      let error = ControlError(json: members["error"] ?? .null)
      return DoorWords(frames: [HeadroomFrame.error(error, id: 0).bytes], isLast: true)
    }
    if id == started {
      started = nil
      return DoorWords(frames: frames([startedEvent(json["result"] ?? .null)]))
    }
    guard let question = pending.removeValue(forKey: id) else { return DoorWords() }
    guard members["ok"] == true else {
      return DoorWords(frames: [HeadroomFrame.error(ControlError(json: json["error"] ?? .null), id: question.id).bytes])
    }
    return answer(question, json["result"] ?? .null)
  }

  private mutating func answer(_ question: Pending, _ result: JSON) -> DoorWords {
    let names = JSON(question.topics.map(\.rawValue))
    switch question.operation.kind {
    case .hello: return DoorWords()
    case .subscribe:
      let isNew = question.topics.contains(.daemon) && !subscribed.contains(.daemon)
      subscribed.formUnion(question.topics)
      var words = DoorWords(frames: frames([HeadroomFrame.result(["subscribed": names], id: question.id)]))
      if isNew, started == nil { words.lines = [askForStart()] }
      return words
    case .unsubscribe:
      subscribed.subtract(question.topics)
      return DoorWords(frames: frames([HeadroomFrame.result(["unsubscribed": names], id: question.id)]))
    case .ours(_, let answer):
      let frame = HeadroomFrame.result(answer(result, version ?? ""), id: question.id)
      guard frame.bytes.count <= ControlProtocol.maximumLineBytes else {
        return fault(.internal, "the answer does not fit a frame", id: question.id)
      }
      return DoorWords(frames: frames([frame]))
    }
  }

  /// Nobody is connected while the daemon starts: who subscribes is told of it then.
  private mutating func askForStart() -> [UInt8] {
    lastID += 1
    started = lastID
    return JSON.object(["id": .int(lastID), "op": "status"]).bytes
  }

  private func startedEvent(_ status: JSON) -> JSON {
    HeadroomFrame.event(
      "started", "daemon",
      [
        "version": .string(version ?? ""), "warnings": status.list("warnings"),
        "active_missing": status.flag("profile_missing"),
      ])
  }

  private mutating func take(event: String, _ line: JSON) -> DoorWords {
    switch event {
    case "hello":
      let version = line["version"]?.stringValue ?? ""
      self.version = version
      return DoorWords(frames: frames([HeadroomFrame.event("hello", "control", HeadroomFrame.hello(version: version))]))
    case "bye":
      guard subscribed.contains(.daemon), line["reason"] != "slow_reader" else { return DoorWords(isLast: true) }
      return DoorWords(frames: frames([HeadroomFrame.event("shutdown", "daemon", [:])]), isLast: true)
    default: break
    }
    guard let topic = HeadroomProtocol.Topic(ours: event), subscribed.contains(topic) else { return DoorWords() }
    var said: [JSON] = []
    let lost = (line["dropped"]?.intValue ?? 0) + (line["coalesced"]?.intValue ?? 0)
    if lost > 0 {
      totalLost += lost
      if subscribed.contains(.daemon) { said.append(overflow(topic, lost)) }
    }
    if let translated = HeadroomEvents.event(event, line["data"] ?? .null) { said.append(translated) }
    return DoorWords(frames: frames(said))
  }

  private func overflow(_ topic: HeadroomProtocol.Topic, _ lost: Int) -> JSON {
    HeadroomFrame.event(
      "overflow", "daemon",
      ["lost_topic": .string(topic.rawValue), "lost": JSON(lost), "total_lost": JSON(totalLost)])
  }

  private func frames(_ frames: [JSON]) -> [[UInt8]] { frames.map(\.bytes) }
}
