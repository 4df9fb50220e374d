import Control
import WebAccess

/// Server-sent events of one client: what a connection of its own to the control socket says, in another dress. While its
/// reader lags nothing more is taken from there, and the daemon drops the oldest and says how many. Thread: the server's.
final class EventStream {
  let link: ControlLink
  let token: Token?
  /// Of the reader, to see it go.
  let socket: Int32
  unowned let exchange: Exchange
  private var buffer: [UInt8] = []
  private var taken = 0
  private(set) var isSubscribed = false
  /// Nothing more will be added.
  private(set) var isEnding = false
  private var saidLast: Int
  private let topics: [String]

  /// Above it nothing more is read from the daemon.
  private static let lag = 64 * 1024
  /// One line more may come.
  var wantsMore: Bool { !isEnding && buffer.count - taken < Self.lag }
  var waitingBytes: Int { buffer.count - taken }

  init(
    _ link: ControlLink, _ arguments: JSONObject, topics: [String], token: Token?, socket: Int32, exchange: Exchange,
    at now: Int
  ) {
    (self.link, self.token, self.socket, self.exchange, saidLast) = (link, token, socket, exchange, now)
    self.topics = topics
    _ = link.request("subscribe", arguments)
  }

  /// What the daemon said; a refusal before anything has been sent is the request's answer.
  func receive(at now: Int) -> ControlError? {
    for line in link.receive() {
      switch line {
      case .reply(_, .success(let result)):
        isSubscribed = true
        for topic in topics {
          let state = result["topics"]?[topic]
          say(topic, state?["rev"]?.intValue ?? 0, state?["snapshot"] ?? .null, at: now)
        }
      case .reply(_, .failure(let error)), .refused(let error): return error
      case .event(let event): hear(event, at: now)
      }
    }
    if link.isOver, !isEnding {
      if !isSubscribed { return ControlError(.unavailable, "the daemon let nobody in", retry: 1000) }
      end("closed", at: now)
    }
    return nil
  }

  private func hear(_ event: ControlEvent, at now: Int) {
    switch event.topic {
    case "hello": break
    case "bye": end(event.line["reason"]?.stringValue ?? "closed", at: now)
    default:
      if let count = event.line["dropped"]?.intValue {
        add("event: dropped\ndata: {\"topic\":\(JSON.string(event.topic).text),\"count\":\(count)}\n\n", at: now)
      }
      say(event.topic, event.revision, event.data, at: now)
    }
  }

  /// The last event says why.
  func end(_ reason: String, at now: Int) {
    guard !isEnding else { return }
    add("event: bye\ndata: {\"reason\":\(JSON.string(reason).text)}\n\n", at: now)
    isEnding = true
  }

  /// So that proxies and readers know the connection is alive.
  func beat(every seconds: Int, at now: Int) {
    if !isEnding, isSubscribed, now - saidLast >= seconds { add(": still here\n\n", at: now) }
  }

  private func say(_ topic: String, _ revision: Int, _ data: JSON, at now: Int) {
    // A line of JSON has no line breaks.
    add("event: \(topic)\nid: \(topic):\(revision)\ndata: \(data.text)\n\n", at: now)
  }

  private func add(_ text: String, at now: Int) {
    buffer.append(contentsOf: text.utf8)
    saidLast = now
  }

  /// Moves what waits into place; nil when all has been said for good.
  func take(_ place: UnsafeMutableRawBufferPointer) -> Int? {
    let count = min(place.count, buffer.count - taken)
    guard count > 0 else { return isEnding ? nil : 0 }
    unsafe place.copyBytes(from: buffer[taken..<taken + count])
    taken += count
    if taken == buffer.count {
      buffer.removeAll(keepingCapacity: buffer.capacity <= 131_072)
      taken = 0
    } else if taken > Self.lag {
      buffer.removeFirst(taken)
      taken = 0
    }
    return count
  }
}
