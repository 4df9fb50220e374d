import AudioCore
import Control
import Glibc

/// The monitor at work: what the daemon says and keys go into the state, and the screen shows it. Thread: main.
struct MonitorRun: ~Copyable {
  private var state = MonitorState()
  private var link: MonitorLink
  private var screen: Screen
  private let glyphs: Glyphs
  private let interval: HostDuration
  private let rate: Int
  /// When the daemon is asked again.
  private var statusDue = HostTime(nanoseconds: 0)
  private var statusAsked = HostTime(nanoseconds: 0)

  private static let topics = ["meters", "log", "heals", "session-ended", "xrun", "health"]

  init(path: String, screen: consuming Screen, glyphs: Glyphs, rate: Int) {
    link = MonitorLink(path: path)
    self.screen = screen
    self.glyphs = glyphs
    self.rate = rate
    interval = HostDuration(nanoseconds: 1_000_000_000 / Int64(rate))
  }

  /// Until the user has enough. Returns the signal that ended it, if one did.
  mutating func run() -> Int32? {
    var due = renderNow()
    while true {
      if let signal = screen.endingSignal { return signal }
      state.now = renderNow()
      state.clock = WallClock.time
      if let news = link.connect(at: state.now) { take(news) }
      if !link.isConnected { Self.rest(until: min(due, link.retryAt)) }
      askAgain()
      listen(until: due)
      while let key = screen.key() {
        switch state.press(key) {
        case .quit: return nil
        case .redraw: screen.redraw()
        case .request(let request): send(request)
        case .nothing: break
        }
      }
      guard renderNow() >= due else { continue }
      due = max(due + interval, renderNow())
      state.now = renderNow()
      screen.show(MonitorLayout.draw(state, screen.size, glyphs))
    }
  }

  /// Takes in what comes until the next picture is due.
  private mutating func listen(until due: HostTime) {
    while link.isConnected {
      state.now = renderNow()
      let left = due - state.now
      guard let news = link.receive(timeout: max(left, .zero), at: state.now) else { return }
      state.now = renderNow()
      take(news)
      // A flood must not keep keys and pictures waiting.
      if state.now > due { return }
    }
  }

  private static func rest(until time: HostTime) {
    let left = min(max((time - renderNow()).nanoseconds, 0), 100_000_000)
    usleep(UInt32(left / 1000))
  }

  private mutating func askAgain() {
    guard link.isConnected, state.now >= statusDue else { return }
    if link.isWaiting(for: .status) {
      if state.now - statusAsked > .seconds(5) { state.say("the daemon does not answer") }
      return
    }
    statusDue = state.now + .seconds(1)
    statusAsked = state.now
    send(MonitorRequest(op: "status", purpose: .status))
    if state.hasStreams, !link.isWaiting(for: .streams) { send(MonitorRequest(op: "route.list", purpose: .streams)) }
  }

  private mutating func send(_ request: MonitorRequest) {
    if let news = link.send(request, at: state.now) { take(news) }
  }

  private mutating func take(_ news: MonitorLink.News) {
    switch news {
    case .hello(let hello):
      state.take(hello: hello)
      statusDue = state.now
      send(MonitorRequest(op: "describe", purpose: .description))
    case .answer(let request, let result): take(result, of: request)
    case .refused(let request, let reason):
      state.say("\(request.op): \(reason)")
      statusDue = state.now
    case .event(let event): state.take(event)
    case .lost(let reason): state.lose(reason, retry: link.retryAt)
    }
  }

  private mutating func take(_ result: JSON, of request: MonitorRequest) {
    switch request.purpose {
    case .change(let done):
      state.say(done)
      statusDue = state.now
    case .profiles: state.choose(among: result)
    case .status: state.take(status: result)
    case .streams: state.take(streams: result)
    case .description:
      state.take(description: result)
      // An older daemon has fewer topics.
      let topics = Self.topics.filter { result["topics"]?[$0] != nil }
      guard topics.contains("meters") else { return state.say("this daemon has no meters") }
      send(
        MonitorRequest(
          op: "subscribe", arguments: ["topics": JSON(topics), "rate": JSON(rate)], purpose: .subscription))
    case .subscription: break
    }
  }
}

/// The time of the day, for people.
enum WallClock {
  static var time: String {
    var now = Glibc.time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    let two = { (value: Int32) in value < 10 ? "0\(value)" : "\(value)" }
    return "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }
}
