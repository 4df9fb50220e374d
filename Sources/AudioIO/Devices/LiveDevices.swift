import Synchronization

/// The registry at work: watches of sound systems write into it, each from the moment that somebody asks for its system.
///
/// Thread: any.
public final class LiveDevices: Sendable {
  private struct State: Sendable {
    var registry: DeviceRegistry
    var watches: [String: any DeviceWatch] = [:]
    var observers: [Int: @Sendable ([DeviceEvent]) -> Void] = [:]
    var lastObserver = 0
  }

  private let sources: [String: @Sendable () -> any DeviceWatch]
  private let state: Mutex<State>

  /// `sources` makes a watch when its system is first asked for.
  public init(_ sources: [String: @Sendable () -> any DeviceWatch], numbers: DeviceNumbers = DeviceNumbers()) {
    self.sources = sources
    state = Mutex(State(registry: DeviceRegistry(numbers: numbers)))
  }

  public var registry: DeviceRegistry { state.withLock { $0.registry } }
  public var systems: [String] { sources.keys.sorted() }

  /// Has a system watched from now on. Must not be called by a watch.
  public func attach(_ system: String) {
    guard let make = sources[system] else { return }
    let watch: (any DeviceWatch)? = state.withLock { state in
      guard state.watches[system] == nil else { return nil }
      let watch = make()
      state.watches[system] = watch
      return watch
    }
    watch?.observe { [weak self] snapshot in self?.take(system, snapshot) }
  }

  /// Calls `changed` for every change, on the thread of whoever saw it. Must not wait.
  public func observe(_ changed: @escaping @Sendable ([DeviceEvent]) -> Void) -> Int {
    state.withLock { state in
      state.lastObserver += 1
      state.observers[state.lastObserver] = changed
      return state.lastObserver
    }
  }

  public func forget(_ observer: Int) { _ = state.withLock { $0.observers.removeValue(forKey: observer) } }

  /// Nothing is told any more.
  public func stop() {
    let watches = state.withLock { state in
      state.observers = [:]
      defer { state.watches = [:] }
      return Array(state.watches.values)
    }
    for watch in watches { watch.observe(nil) }
  }

  /// That a system was listed for the first time is news too, though nothing may have come.
  private func take(_ system: String, _ snapshot: DeviceSnapshot) {
    let (events, observers) = state.withLock { state in
      let isFirst = !state.registry.systems.contains(system)
      let events = state.registry.update(system, snapshot)
      return (events, isFirst || !events.isEmpty ? Array(state.observers.values) : [])
    }
    for observer in observers { observer(events) }
  }
}
