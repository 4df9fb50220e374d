import AudioCore
import Wire

/// A talker's packets in the order they were sent, without those that came twice, and where a new stream begins.
struct PacketOrder: Sendable {
  struct Entry: Sendable {
    var sequence: Int64
    var timestamp: Int64
    /// Zero for a pause.
    var frames: Int64
    var body: MicFrame.Body
  }

  enum Verdict {
    case next(Entry)
    /// The first of another stream: the sender began again.
    case restart(Entry)
    case duplicate
    /// Numbers and times that contradict each other.
    case nonsense
  }

  private(set) var entries: [Entry] = []
  private var sequences = SequenceUnwrapper()
  private var timestamps = TimestampUnwrapper()
  private var seen = SeenWindow()
  private var concludedLoss: UInt64 = 0
  private var lastArrival: HostTime?

  /// More than the longest delay needs: beyond it is a flood, and the oldest go.
  private static let capacity = 256
  private static let farAhead: Int64 = 3000
  private static let timeJump: Int64 = 5 * 48_000

  /// Packets that never came, by their numbers.
  var lost: UInt64 { concludedLoss + seen.missing }
  var first: Entry? { entries.first }

  /// Judges a packet; `packet` is the usual length. It is not yet held.
  mutating func admit(_ frame: MicFrame, frames: Int64, packet: Int64, at now: HostTime) -> Verdict {
    let passed = lastArrival.map { max((now - $0).nanoseconds, 0) } ?? 0
    lastArrival = max(lastArrival ?? now, now)
    guard let newest = sequences.newest, let newestTime = timestamps.newest else {
      return begin(frame, frames, isFirst: true)
    }
    let ahead = sequences.peek(frame.sequence) - newest
    let moved = timestamps.peek(frame.timestamp) - newestTime
    let second = 48_000 / max(packet, 1)
    let timeLimit = Self.timeJump + passed / 62_500 * 3
    if ahead < -second || ahead > Self.farAhead || abs(moved) > timeLimit || (ahead > 0 && moved < 0) {
      return begin(frame, frames, isFirst: false)
    }
    guard seen.insert(newest + ahead) else { return .duplicate }
    if ahead < 0, moved > 0 { return .nonsense }
    return .next(
      Entry(
        sequence: sequences.unwrap(frame.sequence), timestamp: timestamps.unwrap(frame.timestamp), frames: frames,
        body: frame.body))
  }

  /// The next packet begins a new stream, whatever its number.
  mutating func forget() {
    entries.removeAll(keepingCapacity: true)
    concludedLoss += seen.missing
    seen = SeenWindow()
    sequences = SequenceUnwrapper()
    timestamps = TimestampUnwrapper()
  }

  /// Puts an admitted packet in its place. Returns how many were thrown away to make room.
  mutating func hold(_ entry: Entry) -> Int {
    var index = entries.count
    while index > 0, entries[index - 1].sequence > entry.sequence { index -= 1 }
    entries.insert(entry, at: index)
    guard entries.count > Self.capacity else { return 0 }
    entries.removeFirst()
    return 1
  }

  mutating func removeFirst() -> Entry { entries.removeFirst() }
  mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

  private mutating func begin(_ frame: MicFrame, _ frames: Int64, isFirst: Bool) -> Verdict {
    forget()
    let entry = Entry(
      sequence: sequences.unwrap(frame.sequence), timestamp: timestamps.unwrap(frame.timestamp), frames: frames,
      body: frame.body)
    _ = seen.insert(entry.sequence)
    return isFirst ? .next(entry) : .restart(entry)
  }
}
