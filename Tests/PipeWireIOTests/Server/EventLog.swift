import AudioIO
import Synchronization

/// What a stream has said, in order.
final class EventLog: Sendable {
  private let kept = Mutex<[StreamEvent]>([])

  func add(_ event: StreamEvent) { kept.withLock { $0.append(event) } }
  var events: [StreamEvent] { kept.withLock { $0 } }

  /// Every source that was ever named as unheard.
  var unheard: Set<UnheardSource> {
    Set(events.flatMap { if case .unheard(let sources) = $0 { sources } else { [UnheardSource]() } })
  }

  var states: [StreamState] { events.compactMap { if case .state(let state) = $0 { state } else { nil } } }
}
