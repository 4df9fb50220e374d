import Synchronization

/// Which of the applications that play into a sink a `streams` capture hears. It may be changed while the capture runs.
///
/// Whatever it does not let through is not linked to, and is nobody's fault.
public final class SourceFilter: Sendable {
  public typealias Rule = @Sendable (AppStream) -> Bool

  private struct State {
    var rule: Rule
    var listeners: [Int: @Sendable () -> Void] = [:]
    var next = 0
  }

  /// Sources are heard also where they play into a sink of this process, on their way to the real one.
  public let reachesOwnSinks: Bool
  private let state: Mutex<State>

  /// `hears` is asked on the backend's thread, again whenever a label changes: it must not wait.
  public init(reachesOwnSinks: Bool = false, _ hears: @escaping Rule) {
    self.reachesOwnSinks = reachesOwnSinks
    state = Mutex(State(rule: hears))
  }

  /// Replaces the rule; every capture that runs with it looks again at once. Thread: any.
  public func update(_ hears: @escaping Rule) {
    let listeners = state.withLock {
      $0.rule = hears
      return Array($0.listeners.values)
    }
    for listener in listeners { listener() }
  }

  public func hears(_ stream: AppStream) -> Bool {
    let rule = state.withLock { $0.rule }
    return rule(stream)
  }

  /// For backends: called after each change, on the thread that made it.
  public func listen(_ changed: @escaping @Sendable () -> Void) -> Int {
    state.withLock {
      $0.next += 1
      $0.listeners[$0.next] = changed
      return $0.next
    }
  }

  public func forget(_ listener: Int) { state.withLock { _ = $0.listeners.removeValue(forKey: listener) } }
}
