public import AudioCore
import Synchronization

/// What talkers said and the pump has not taken yet: bounded, the newest are dropped, nobody ever waits.
///
/// It closes when the last copy of its sender is gone. The pump holds the queue but no sender; whoever wants the pump to
/// live while no client is there keeps a copy.
public final class FrameQueue: Sendable {
  struct Entry: Sendable {
    var talker: TalkerID
    var frame: MicFrame
    var arrival: HostTime
  }

  fileprivate struct State {
    var entries: [Entry] = []
    var held: [TalkerID: Int] = [:]
    var closed = false
    var dropped: UInt64 = 0
  }

  /// Woken when there is something to take, and when the queue closes.
  public let signal = WakeSignal()
  public let capacity: Int
  private let state = Mutex(State())

  /// A third of a second to more than one of usual frames: more than a stalled pump should ever say late.
  public static let usualCapacity = 64

  private init(capacity: Int) { self.capacity = capacity }

  /// A queue and its first sender, of which all others are copies.
  public static func open(capacity: Int = usualCapacity) -> (queue: FrameQueue, sender: MicSender) {
    precondition(capacity > 0)
    let queue = FrameQueue(capacity: capacity)
    return (queue, MicSender(queue))
  }

  /// Frames refused or displaced because the queue was full.
  public var dropped: UInt64 { state.withLock { $0.dropped } }

  public var count: Int { state.withLock { $0.entries.count } }

  /// From now on nothing is taken in. Thread: any.
  public func close() {
    state.withLock { $0.closed = true }
    signal.wake()
  }

  /// Closed and empty: nothing will ever come again.
  public var isFinished: Bool { state.withLock { $0.closed && $0.entries.isEmpty } }

  func put(_ entry: Entry) -> MicSender.Answer {
    let answer = state.withLock { $0.put(entry, capacity: capacity) }
    if answer == .taken { signal.wake() }
    return answer
  }

  /// Everything there is, oldest first. Thread: the pump's.
  func takeAll() -> [Entry] {
    state.withLock { state in
      let all = state.entries
      state.entries = []
      state.held.removeAll(keepingCapacity: true)
      return all
    }
  }
}

extension FrameQueue.State {
  fileprivate mutating func put(_ entry: FrameQueue.Entry, capacity: Int) -> MicSender.Answer {
    guard !closed else { return .closed }
    if entries.count >= capacity {
      dropped += 1
      guard makeRoom(for: entry.talker) else { return .full }
    }
    entries.append(entry)
    held[entry.talker, default: 0] += 1
    return .taken
  }

  /// One talker's flood must not silence the others: the newest frame of whoever holds most gives way, unless the one
  /// who asks would then hold most.
  private mutating func makeRoom(for talker: TalkerID) -> Bool {
    let share = held[talker] ?? 0
    guard
      let greedy = held.max(by: { ($0.value, $1.key.number) < ($1.value, $0.key.number) }), greedy.value > share + 1,
      let index = entries.lastIndex(where: { $0.talker == greedy.key })
    else { return false }
    entries.remove(at: index)
    held[greedy.key] = greedy.value - 1
    return true
  }
}
