/// What one client still has to read. Bounded: state events replace their predecessors, log events drop their oldest, and
/// what still does not fit is refused, which ends the connection.
struct OutgoingQueue {
  struct Limits: Sendable {
    var bytes: Int
    var entries = 1024
    /// Waiting events of one log topic.
    var logEvents = 64
  }

  private struct Entry {
    var topic: String?
    var key: String?
    var kind = EventBus.Kind.log
    var revision = 0
    /// How many predecessors this state event replaced.
    var replaced = 0
    /// The whole line, or what follows the revision.
    var bytes: [UInt8]
    /// What goes out with the line's first byte.
    var parcels: [DescriptorParcel] = []
    /// The event's line may grow a count, hence the allowance.
    var cost: Int { bytes.count + (topic.map { $0.utf8.count + 64 } ?? 0) }
  }

  private let limits: Limits
  private var entries: [Entry] = []
  private var waitingEntryBytes = 0
  /// Events dropped since the last one written, by log topic.
  private var dropped: [String: Int] = [:]
  /// Being written; what is in here can no longer be replaced.
  private var batch: [UInt8] = []
  private var written = 0
  /// What the batch's first byte takes along.
  private var parcels: [DescriptorParcel] = []
  /// Descriptors that wait with their lines.
  private(set) var waitingDescriptors = 0
  /// Dropped or replaced events over the client's life.
  private(set) var lostEvents = 0

  init(limits: Limits) { self.limits = limits }

  var isEmpty: Bool { entries.isEmpty && written == batch.count }
  var waitingBytes: Int { waitingEntryBytes + batch.count - written }

  /// Adds a reply, always: their number is bounded by not reading requests while much is waiting.
  mutating func add(line: [UInt8], with parcels: [DescriptorParcel] = []) {
    append(Entry(bytes: line, parcels: parcels))
    waitingDescriptors += Self.count(parcels)
  }

  /// False: the event is needed and does not fit.
  mutating func add(_ event: EventText, form: RequestForm) -> Bool {
    var entry = Entry(
      topic: event.topic, key: event.key, kind: event.kind, revision: event.revision, bytes: event.tail(form))
    switch event.kind {
    case .state:
      if let place = entries.lastIndex(where: { $0.topic == event.topic && $0.key == event.key }) {
        entry.replaced = entries[place].replaced + 1
        lostEvents += 1
        remove(at: place)
      }
      guard fits(entry) else { return false }
    case .window:
      // Its reader is asked before (`hasRoom`), so this is rare.
      guard fits(entry) else {
        noteDropped(event.topic)
        return true
      }
    case .log:
      var waiting = entries.count { $0.topic == event.topic }
      while waiting > 0, waiting >= limits.logEvents || !fits(entry) {
        if let place = entries.firstIndex(where: { $0.topic == event.topic }) { remove(at: place) }
        noteDropped(event.topic)
        waiting -= 1
      }
      guard fits(entry) else {
        noteDropped(event.topic)
        return true
      }
    }
    append(entry)
    return true
  }

  /// Whether an event of a topic would neither wait behind one of its kind nor take what others need.
  func hasRoom(_ topic: String) -> Bool {
    waitingBytes < limits.bytes / 2 && entries.count < limits.entries / 2 && !entries.contains { $0.topic == topic }
  }

  /// Forgets everything but the line that is partly written.
  mutating func removeEntries() {
    entries.removeAll()
    waitingEntryBytes = 0
    waitingDescriptors = Self.count(parcels)
  }

  /// Descriptors to send with the bytes of `next`.
  var passing: [DescriptorParcel] { parcels }

  /// Bytes to write now, from the returned place on; nil when there is nothing. A line that carries descriptors is a batch
  /// of its own, so that they arrive with it.
  mutating func next() -> (bytes: [UInt8], start: Int)? {
    if written == batch.count {
      batch = []
      written = 0
      var count = 0
      while count < entries.count, batch.count < 32_768, parcels.isEmpty {
        guard count == 0 || entries[count].parcels.isEmpty else { break }
        write(entries[count])
        parcels = entries[count].parcels
        waitingEntryBytes -= entries[count].cost
        count += 1
      }
      entries.removeFirst(count)
    }
    return batch.isEmpty ? nil : (batch, written)
  }

  mutating func advance(by count: Int) {
    written += count
    if count > 0 {
      waitingDescriptors -= Self.count(parcels)
      parcels = []
    }
  }

  private static func count(_ parcels: [DescriptorParcel]) -> Int { parcels.reduce(0) { $0 + $1.numbers.count } }

  private func fits(_ entry: Entry) -> Bool {
    entries.count < limits.entries && waitingBytes + entry.cost <= limits.bytes
  }

  private mutating func append(_ entry: Entry) {
    entries.append(entry)
    waitingEntryBytes += entry.cost
  }

  private mutating func remove(at place: Int) {
    waitingEntryBytes -= entries[place].cost
    entries.remove(at: place)
  }

  private mutating func noteDropped(_ topic: String) {
    dropped[topic, default: 0] += 1
    lostEvents += 1
  }

  private mutating func write(_ entry: Entry) {
    if let topic = entry.topic {
      batch.append(contentsOf: #"{"event":"#.utf8)
      JSON.write(topic, to: &batch)
      batch.append(contentsOf: #","rev":"#.utf8)
      batch.append(contentsOf: String(entry.revision).utf8)
      if entry.replaced > 0 { batch.append(contentsOf: #","coalesced":\#(entry.replaced)"#.utf8) }
      if let count = dropped.removeValue(forKey: topic) { batch.append(contentsOf: #","dropped":\#(count)"#.utf8) }
    }
    batch.append(contentsOf: entry.bytes)
  }
}
