import Glibc
import Synchronization
import Testing

@testable import Control

extension Live {
  @Suite struct EventLoopTests {
    init() { LoopThread.start }

    @ControlActor final class Notes {
      var numbers: [Int] = []
      var timer: LoopTimer?
      var watches: [DescriptorWatch] = []
      var signals: SignalWatch?
      func add(_ number: Int) { numbers.append(number) }

      func watch(_ descriptor: Int32, _ ready: @escaping @ControlActor () -> Void) {
        let watch = try? EventLoop.shared.watch(descriptor, for: .read) { _ in ready() }
        watch.map { watches.append($0) }
      }

      func cancelAll() {
        for watch in watches { watch.cancel() }
        watches = []
      }

      nonisolated init() {}
    }

    @Test func postsKeepTheirOrder() async {
      let notes = Notes()
      for number in 0..<1000 { EventLoop.shared.post { notes.add(number) } }
      await Harness.settle()
      #expect(await notes.numbers == Array(0..<1000))
    }

    @Test func awaitedCodeRunsOnTheLoopThread() async {
      #expect(!EventLoop.shared.isCurrent)
      let isCurrent = await Task { @ControlActor in
        await Task.yield()
        return EventLoop.shared.isCurrent
      }.value
      #expect(isCurrent)
      await #expect(onLoop() == true)
    }

    @ControlActor private func onLoop() -> Bool {
      ControlActor.preconditionIsolated()
      return ControlActor.assumeIsolated { EventLoop.shared.isCurrent }
    }

    @Test func timersFireInOrderAndCancelledOnesDoNot() async {
      let notes = Notes()
      await withCheckedContinuation { continuation in
        EventLoop.shared.post {
          EventLoop.shared.schedule(after: .milliseconds(6)) {
            notes.add(3)
            continuation.resume()
          }
          EventLoop.shared.schedule(after: .milliseconds(2)) { notes.add(1) }
          EventLoop.shared.schedule(after: .milliseconds(4)) { notes.add(2) }
          let never = EventLoop.shared.schedule(after: .milliseconds(3)) { notes.add(99) }
          EventLoop.shared.cancel(never)
        }
      }
      #expect(await notes.numbers == [1, 2, 3])
    }

    @Test func periodicTimersRunUntilCancelled() async {
      let notes = Notes()
      await withCheckedContinuation { continuation in
        EventLoop.shared.post {
          notes.timer = EventLoop.shared.schedule(after: .milliseconds(1), every: .milliseconds(1)) {
            notes.add(0)
            guard notes.numbers.count == 5, let timer = notes.timer else { return }
            EventLoop.shared.cancel(timer)
            EventLoop.shared.schedule(after: .milliseconds(5)) { continuation.resume() }
          }
        }
      }
      #expect(await notes.numbers.count == 5)
    }

    @Test func watchesReportReadinessUntilCancelled() async throws {
      var ends: [Int32] = [0, 0]
      try #require(pipe(&ends) == 0)
      defer { for end in ends { close(end) } }
      let reader = ends[0]
      let notes = Notes()
      let writer = ends[1]
      let byte: Int = await withCheckedContinuation { continuation in
        EventLoop.shared.post {
          let watch = try? EventLoop.shared.watch(reader, for: .read) { readiness in
            #expect(readiness == .read)
            var byte: UInt8 = 0
            read(reader, &byte, 1)
            for watch in notes.watches { watch.cancel() }
            for watch in notes.watches { watch.cancel() }
            continuation.resume(returning: Int(byte))
          }
          watch.map { notes.watches.append($0) }
        }
        write(writer, "xy", 2)
      }
      #expect(byte == 120)
      // The second byte is still there; a cancelled watch must not resume the continuation twice.
      await Harness.settle()
    }

    /// Two descriptors are ready in one turn; the first handler gives both numbers to a descriptor that is not ready.
    @Test func eventsOfAClosedDescriptorNeverReachItsSuccessor() async throws {
      let notes = Notes()
      var pairs: [[Int32]] = []
      for _ in 0..<3 {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        pairs.append(ends)
      }
      for ends in pairs[..<2] { write(ends[1], "x", 1) }
      await Self.watch(pairs[..<2].map { $0[0] }, idle: pairs[2][0], notes)
      await Harness.settle()
      #expect(await notes.numbers == [1])
      await notes.cancelAll()
      for end in pairs.joined() { close(end) }
    }

    @ControlActor private static func watch(_ readers: [Int32], idle: Int32, _ notes: Notes) {
      for reader in readers {
        notes.watch(reader) {
          notes.add(1)
          notes.cancelAll()
          for reader in readers {
            dup2(idle, reader)
            notes.watch(reader) { notes.add(2) }
          }
        }
      }
    }

    @Test func signalsArriveAsEvents() async throws {
      let notes = Notes()
      let signal: Int32 = await withCheckedContinuation { continuation in
        EventLoop.shared.post {
          notes.signals = try? EventLoop.shared.onSignals([SIGUSR1, SIGUSR2]) { signal in
            notes.signals?.cancel()
            continuation.resume(returning: signal)
          }
          // To this thread alone, which has blocked it.
          raise(SIGUSR2)
        }
      }
      #expect(signal == SIGUSR2)
    }

    @Test func stopReturnsAndTheLoopRunsAgain() async {
      let before = LoopThread.returns.load(ordering: .sequentiallyConsistent)
      EventLoop.shared.stop()
      while LoopThread.returns.load(ordering: .sequentiallyConsistent) == before { usleep(200) }
      #expect(await onLoop())
    }
  }
}
