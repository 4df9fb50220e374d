import AudioCore
import Glibc
import Synchronization
import Testing

/// Counts its life and death, and on which thread it died.
private final class Ledger: Sendable {
  let made = Atomic<Int>(0)
  let freed = Atomic<Int>(0)
  let freedByRender = Atomic<Int>(0)
  let renderThread = Atomic<UInt>(0)
}

private struct Value: ~Copyable {
  let number: Int
  let check: Int
  let ledger: Ledger

  init(_ number: Int, _ ledger: Ledger) {
    self.number = number
    check = ~number
    self.ledger = ledger
    ledger.made.add(1, ordering: .relaxed)
  }

  deinit {
    ledger.freed.add(1, ordering: .relaxed)
    if UInt(pthread_self()) == ledger.renderThread.load(ordering: .relaxed) {
      ledger.freedByRender.add(1, ordering: .relaxed)
    }
  }
}

/// The render side of a test: a thread of its own, as fast as it can.
private final class Spinner: @unchecked Sendable {
  let face: RenderFace<Value>
  let ledger: Ledger
  let newest = Atomic<Int>(-1)
  let faults = Atomic<Int>(0)
  let isDone = Atomic<Bool>(false)
  private var thread = pthread_t()

  init(_ handoff: Handoff<Value>, _ ledger: Ledger) {
    face = handoff.renderFace
    self.ledger = ledger
  }

  func start() {
    let context = Unmanaged.passRetained(self).toOpaque()
    pthread_create(&thread, nil, spin, context)
  }

  func join() {
    isDone.store(true, ordering: .releasing)
    pthread_join(thread, nil)
  }

  func run() {
    ledger.renderThread.store(UInt(pthread_self()), ordering: .relaxed)
    var last = -1
    while !isDone.load(ordering: .acquiring) {
      guard let value = face.adopt() else { continue }
      let number = value.pointee.number
      if value.pointee.check != ~number || number < last { faults.add(1, ordering: .relaxed) }
      last = number
      newest.store(number, ordering: .releasing)
    }
  }
}

@Suite struct HandoffTests {
  @Test func newestWinsAndControlFreesEachOnce() {
    let ledger = Ledger()
    var handoff: Handoff<Value>? = Handoff<Value>()
    let spinner = Spinner(handoff!, ledger)
    spinner.start()
    let last = 19_999
    for number in 0...last { handoff!.publish(Value(number, ledger)) }
    while spinner.newest.load(ordering: .acquiring) != last {
      handoff!.reclaim()
      sched_yield()
    }
    #expect(handoff!.isPending == false)
    spinner.join()
    let faults = spinner.faults.load(ordering: .relaxed)
    #expect(faults == 0)
    handoff = nil
    let (made, freed) = (ledger.made.load(ordering: .relaxed), ledger.freed.load(ordering: .relaxed))
    #expect(made == 20_000)
    #expect(freed == 20_000)
    let byRender = ledger.freedByRender.load(ordering: .relaxed)
    #expect(byRender == 0)
  }

  @Test func valueNobodyAdoptedIsReplaced() {
    let ledger = Ledger()
    let handoff = Handoff<Value>()
    let face = handoff.renderFace
    #expect(face.adopt() == nil)
    handoff.publish(Value(1, ledger))
    handoff.publish(Value(2, ledger))
    let freed = ledger.freed.load(ordering: .relaxed)
    #expect(freed == 1)
    #expect(handoff.isPending)
    #expect(face.adopt()?.pointee.number == 2)
    #expect(!handoff.isPending)
    #expect(!handoff.reclaim(), "there was none before")
  }

  @Test func renderWaitsForNobodyWhileControlIsAway() {
    let ledger = Ledger()
    let handoff = Handoff<Value>()
    let face = handoff.renderFace
    handoff.publish(Value(1, ledger))
    _ = face.adopt()
    handoff.publish(Value(2, ledger))
    #expect(face.adopt()?.pointee.number == 2)
    // The retired place is full until control looks again; publishing looks.
    handoff.publish(Value(3, ledger))
    #expect(face.adopt()?.pointee.number == 3)
    #expect(handoff.reclaim())
    #expect(!handoff.reclaim())
  }
}

/// File-scope: a thread's entry carries no isolation.
private func spin(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<Spinner>.fromOpaque(context!).takeRetainedValue().run()
  return nil
}
