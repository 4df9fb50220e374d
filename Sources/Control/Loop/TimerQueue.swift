/// The pending timers of a loop, earliest first. A value: it knows no clock and runs nothing.
struct TimerQueue<Body> {
  struct Due {
    let timer: LoopTimer
    let body: Body
  }

  private struct Pending {
    var body: Body
    var deadline: Monotonic
    var period: Duration?
  }

  private struct Slot {
    let deadline: Monotonic
    let timer: LoopTimer

    func isBefore(_ other: Slot) -> Bool { (deadline, timer.number) < (other.deadline, other.timer.number) }
  }

  private var pending: [LoopTimer: Pending] = [:]
  /// A binary heap. Slots of cancelled timers stay until they surface, or until they are the majority.
  private var heap: [Slot] = []
  private var lastNumber: UInt64 = 0

  var count: Int { pending.count }
  var slotCount: Int { heap.count }

  mutating func add(at deadline: Monotonic, every period: Duration?, _ body: Body) -> LoopTimer {
    lastNumber += 1
    let timer = LoopTimer(number: lastNumber)
    pending[timer] = Pending(body: body, deadline: deadline, period: period)
    push(Slot(deadline: deadline, timer: timer))
    return timer
  }

  mutating func cancel(_ timer: LoopTimer) {
    guard pending.removeValue(forKey: timer) != nil else { return }
    if heap.count > 2 * pending.count + 64 {
      let live = heap.filter { isLive($0) }
      heap.removeAll()
      for slot in live { push(slot) }
    }
  }

  /// The earliest deadline.
  mutating func next() -> Monotonic? {
    while let first = heap.first {
      if isLive(first) { return first.deadline }
      _ = pop()
    }
    return nil
  }

  /// Takes one timer that is due. A periodic one that missed several turns runs once, then keeps its rhythm.
  mutating func take(at now: Monotonic) -> Due? {
    guard let deadline = next(), deadline <= now, let slot = pop(), let entry = pending[slot.timer] else { return nil }
    if let period = entry.period {
      let step = max(1, period.nanoseconds)
      let missed = (now.nanoseconds - deadline.nanoseconds) / step
      let following = Monotonic(nanoseconds: deadline.nanoseconds + (missed + 1) * step)
      pending[slot.timer]?.deadline = following
      push(Slot(deadline: following, timer: slot.timer))
    } else {
      pending[slot.timer] = nil
    }
    return Due(timer: slot.timer, body: entry.body)
  }

  private func isLive(_ slot: Slot) -> Bool { pending[slot.timer]?.deadline == slot.deadline }

  private mutating func push(_ slot: Slot) {
    heap.append(slot)
    var child = heap.count - 1
    while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func pop() -> Slot? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least]) {
        least = child
      }
      guard least != parent else { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}

/// Names one timer of the loop. Numbers are never used again, so cancelling twice is harmless.
public struct LoopTimer: Hashable, Sendable {
  let number: UInt64
}
