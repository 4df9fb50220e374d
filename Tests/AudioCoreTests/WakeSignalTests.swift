import AudioCore
import Glibc
import Synchronization
import Testing

/// Two threads that wake each other in turn.
private final class PingPong: @unchecked Sendable {
  let ping = WakeSignal()
  let pong = WakeSignal()
  let served = Atomic<Int>(0)
  let answered = Atomic<Int>(0)
  let rounds: Int
  private var thread = pthread_t()

  init(rounds: Int) { self.rounds = rounds }

  func start() { pthread_create(&thread, nil, answerAll, Unmanaged.passRetained(self).toOpaque()) }
  func join() { pthread_join(thread, nil) }

  /// Waits until the counter reaches `goal`; the law of use: ticket, look, wait.
  static func await(_ goal: Int, _ counter: borrowing Atomic<Int>, _ signal: WakeSignal) {
    while true {
      let ticket = signal.ticket
      if counter.load(ordering: .acquiring) >= goal { return }
      signal.wait(since: ticket, until: nil)
    }
  }

  func answer() {
    for round in 1...rounds {
      Self.await(round, served, ping)
      answered.store(round, ordering: .releasing)
      pong.wake()
    }
  }

  func serve() {
    for round in 1...rounds {
      served.store(round, ordering: .releasing)
      ping.wake()
      Self.await(round, answered, pong)
    }
  }
}

@Suite struct WakeSignalTests {
  /// One lost wake and this never ends.
  @Test(.timeLimit(.minutes(2))) func noWakeIsLost() {
    let game = PingPong(rounds: 100_000)
    game.start()
    game.serve()
    game.join()
    let answered = game.answered.load(ordering: .relaxed)
    #expect(answered == 100_000)
  }

  @Test func wakeBeforeTheWaitCounts() {
    let signal = WakeSignal()
    let ticket = signal.ticket
    signal.wake()
    signal.wait(since: ticket, until: nil)
    #expect(signal.ticket == ticket &+ 1)
  }

  @Test func deadlineEndsTheWait() {
    let signal = WakeSignal()
    let deadline = renderNow() + .milliseconds(5)
    signal.wait(since: signal.ticket, until: deadline)
    #expect(renderNow() >= deadline)
    signal.wait(since: signal.ticket, until: HostTime(nanoseconds: 0))
  }
}

/// File-scope: a thread's entry carries no isolation.
private func answerAll(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<PingPong>.fromOpaque(context!).takeRetainedValue().answer()
  return nil
}
