import Wording

/// Topics and who listens. Publishing never waits: each client has a bounded queue that coalesces or drops.
@ControlActor
public final class EventBus {
  /// What happens to events a client does not read in time.
  public enum Kind: String, Sendable {
    /// Every event is the whole state (of its key), so only the latest one matters.
    case state
    /// Every event counts; the oldest are dropped and the number of dropped ones is told.
    case log
    /// Each reader has a span of time of its own, and an event says what happened in it. While a reader lags its span goes on.
    case window
  }

  private struct Topic {
    let kind: Kind
    let summary: String
    let snapshot: @ControlActor () -> JSON
    /// Of windows: who makes the events, for each reader its own.
    var publisher: (any WindowPublisher)?
    var revision = 0
    var subscribers: [ObjectIdentifier: Subscriber] = [:]
  }

  private struct Subscriber {
    let client: ClientSession
    let form: RequestForm
    /// Of who wants them less often than they come.
    let pace: EventPace?
    var window: WindowReader?

    @ControlActor
    func take(_ event: EventText) {
      if let pace, event.kind == .state { pace.take(event) } else { client.deliver(event, form: form) }
    }
  }

  private var table: [String: Topic] = [:]
  /// What was published of topics whose every event counts.
  public private(set) var history = EventHistory()

  nonisolated public init() {}

  /// Adds a topic. `snapshot` is what a new subscriber gets.
  public func declare(
    _ name: String, _ kind: Kind, summary: String, snapshot: @escaping @ControlActor () -> JSON = { .null }
  ) {
    precondition(table[name] == nil, "topic \(name) is declared twice")
    table[name] = Topic(kind: kind, summary: summary, snapshot: snapshot)
  }

  /// Adds a topic whose readers each have a window of their own; `publisher` must live as long as the bus.
  public func declare(_ name: String, windowsOf publisher: any WindowPublisher, summary: String) {
    declare(name, .window, summary: summary)
    table[name]?.publisher = publisher
  }

  /// Sends an event to the topic's subscribers. Events of a state topic coalesce among those with the same `key`, such
  /// as the name of the one thing they describe.
  public func publish(_ name: String, _ data: JSON, key: String? = nil) {
    guard var topic = table[name] else { preconditionFailure("topic \(name) is not declared") }
    topic.revision += 1
    table[name] = topic
    if topic.kind == .log { history.add(name, data) }
    guard !topic.subscribers.isEmpty else { return }
    let event = EventText(topic: name, key: key, kind: topic.kind, revision: topic.revision, data: data)
    for subscriber in topic.subscribers.values { subscriber.take(event) }
  }

  /// Whether publishing would reach anybody; lets a publisher skip costly data.
  public func hasSubscribers(_ name: String) -> Bool { table[name]?.subscribers.isEmpty == false }

  public var topics: [(name: String, kind: Kind, summary: String)] {
    table.map { ($0.key, $0.value.kind, $0.value.summary) }.sorted { $0.name < $1.name }
  }

  // MARK: clients

  func checkTopics(_ names: [String]) throws(ControlError) {
    for (place, name) in names.enumerated() where table[name] == nil {
      throw ControlError(
        .notFound, "no topic is named \(name.prefix(64))", path: "topics[\(place)]",
        hint: nearestName(to: name, among: table.keys))
    }
  }

  func subscribe(
    _ client: ClientSession, to name: String, form: RequestForm, every interval: Duration? = nil, rate: Double? = nil
  ) -> (revision: Int, snapshot: JSON) {
    unsubscribe(client, from: name)
    let pace = interval.map { interval in
      EventPace(interval: interval) { [weak client] in client?.deliver($0, form: form) }
    }
    var subscriber = Subscriber(client: client, form: form, pace: pace)
    let publisher = table[name]?.publisher
    if publisher != nil {
      let usual = min(WindowReader.usualRate, interval.map { 1 / $0.inSeconds } ?? .infinity)
      subscriber.window = WindowReader(client: client, topic: name, form: form, rate: rate ?? usual)
    }
    table[name]?.subscribers[ObjectIdentifier(client)] = subscriber
    if let publisher, let window = subscriber.window {
      publisher.add(window)
      return (0, ["rate": JSON(window.rate)])
    }
    guard let topic = table[name] else { return (0, .null) }
    return (topic.revision, topic.snapshot())
  }

  func unsubscribe(_ client: ClientSession, from name: String) {
    guard let gone = table[name]?.subscribers.removeValue(forKey: ObjectIdentifier(client)) else { return }
    gone.pace?.end()
    if let window = gone.window { table[name]?.publisher?.remove(window) }
  }

  func unsubscribe(_ client: ClientSession) {
    for name in table.keys { unsubscribe(client, from: name) }
  }

  func topicNames(of client: ClientSession) -> [String] {
    table.filter { $0.value.subscribers[ObjectIdentifier(client)] != nil }.keys.sorted()
  }
}

/// One event, written once for all its readers.
struct EventText {
  let topic: String
  let key: String?
  let kind: EventBus.Kind
  let revision: Int
  private let data: JSON
  private let dataBytes: [UInt8]

  init(topic: String, key: String?, kind: EventBus.Kind, revision: Int, data: JSON) {
    self.topic = topic
    self.key = key
    self.kind = kind
    self.revision = revision
    self.data = data
    dataBytes = data.bytes
  }

  /// What follows `"rev":n` in the line.
  func tail(_ form: RequestForm) -> [UInt8] {
    guard form == .flat, var members = data.objectValue else {
      return Array(#","data":"#.utf8) + dataBytes + [0x7D, 0x0A]
    }
    members["event"] = nil
    members["rev"] = nil
    var tail = JSON.object(members).bytes
    tail[0] = UInt8(ascii: members.isEmpty ? " " : ",")
    return tail + [0x0A]
  }
}
