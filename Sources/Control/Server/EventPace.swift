/// A subscriber who wants a state topic's events less often: the first at once, then the latest of each key whenever the
/// interval has passed. What came last always arrives.
@ControlActor
final class EventPace {
  private let interval: Duration
  private let deliver: @ControlActor (EventText) -> Void
  private var waiting: [String: EventText] = [:]
  private var timer: LoopTimer?

  init(interval: Duration, deliver: @escaping @ControlActor (EventText) -> Void) {
    self.interval = interval
    self.deliver = deliver
  }

  func take(_ event: EventText) {
    guard timer == nil else {
      waiting[event.key ?? ""] = event
      return
    }
    deliver(event)
    rest()
  }

  func end() {
    if let timer { EventLoop.shared.cancel(timer) }
    timer = nil
    waiting = [:]
  }

  private func rest() {
    timer = EventLoop.shared.schedule(after: interval) { [weak self] in self?.wake() }
  }

  private func wake() {
    timer = nil
    guard !waiting.isEmpty else { return }
    let due = waiting.values.sorted { $0.revision < $1.revision }
    waiting = [:]
    // First, for a client that cannot take them ends its subscriptions.
    rest()
    for event in due { deliver(event) }
  }
}
