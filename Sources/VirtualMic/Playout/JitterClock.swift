import AudioCore
import Wire

/// When packets are due, and when the clock that says so has to be set anew.
extension JitterBuffer {
  /// Farther than this in numbers or media time is no jitter but another beginning.
  private static let sequenceJump: Int64 = 3000
  private static let timeJump: Int64 = 5 * 48_000

  static func nanoseconds(_ frames: Int64) -> Int64 { frames * 62_500 / 3 }

  func dueTime(of timestamp: Int64) -> HostTime? {
    delay.base.map { HostTime(nanoseconds: Self.nanoseconds(timestamp) + $0 + delay.target.nanoseconds) }
  }

  /// One sender at a time; another one may take over when the first has fallen silent.
  func admits(_ header: RTPHeader, at now: HostTime) -> Bool {
    guard let source, source != header.source else { return true }
    return lastArrival.map { now - $0 > settings.stall } ?? true
  }

  /// Whether a packet continues nothing: the first one, another sender, or numbers or time far from the expected. Time
  /// may jump forward by as much as passed on the wall: then the sender paused.
  func jumps(_ header: RTPHeader, at now: HostTime) -> Bool {
    guard source == header.source, let newest = sequences.newest, let newestTime = timestamps.newest else {
      return true
    }
    let ahead = sequences.peek(header.sequence) - newest
    if abs(ahead) > Self.sequenceJump { return true }
    let passed = lastArrival.map { max((now - $0).nanoseconds, 0) } ?? 0
    let moved = timestamps.peek(header.timestamp) - newestTime
    return moved < -Self.timeJump || moved > Self.timeJump + passed / 62_500 * 3
  }

  mutating func restart(_ header: RTPHeader) {
    if source != nil { statistics.restarts += 1 }
    statistics.skipped += UInt64(entries.count)
    concludeLoss()
    entries.removeAll(keepingCapacity: true)
    source = header.source
    sequences = SequenceUnwrapper()
    timestamps = TimestampUnwrapper()
    delay = Self.estimate(settings, frames: packetFrames)
    playhead = nil
    lastPlayed = nil
    lateSince = nil
    settling = false
    starvedFrames = 0
  }

  /// Feeds the clock with a packet's transit.
  mutating func observe(_ timestamp: Int64, frames: Int64, at now: HostTime) {
    if frames != packetFrames, delay.base == nil {
      packetFrames = frames
      delay = Self.estimate(settings, frames: frames)
    }
    if let lastArrival, now - lastArrival > settings.stall { settling = true }
    lastArrival = max(lastArrival ?? now, now)
    let transit = now.nanoseconds - Self.nanoseconds(timestamp)
    let onTime = delay.base.map { transit - $0 <= delay.target.nanoseconds } ?? true
    if onTime { settling = false }
    delay.update(transit: transit, at: now, counts: !settling)
  }

  func isLate(_ entry: Entry, at now: HostTime) -> Bool {
    // Nothing has been played: an earlier packet may still become the first.
    if playhead != nil, lastPlayed == nil { return dueTime(of: entry.timestamp).map { $0 < now } ?? false }
    if let playhead { return entry.timestamp + entry.frames <= playhead || entry.sequence <= lastPlayed ?? .min }
    if let lastPlayed, entry.sequence <= lastPlayed { return true }
    // Idle: whatever can still be played on time starts the clock again.
    return dueTime(of: entry.timestamp).map { $0 < now } ?? false
  }

  /// Late for so long that the clock must be wrong: the way got longer, or the clocks drifted apart.
  mutating func staysLate(at now: HostTime) -> Bool {
    guard let since = lateSince else {
      lateSince = now
      return false
    }
    return now - since >= settings.stall
  }

  mutating func rebase(to entry: Entry, at now: HostTime) {
    statistics.restarts += 1
    statistics.skipped += UInt64(entries.count)
    entries.removeAll(keepingCapacity: true)
    delay = Self.estimate(settings, frames: packetFrames)
    delay.update(transit: now.nanoseconds - Self.nanoseconds(entry.timestamp), at: now, counts: true)
    playhead = nil
    lastPlayed = entry.sequence - 1
    starvedFrames = 0
  }

  /// Puts a packet in its place and bounds the buffer.
  mutating func place(_ entry: Entry) {
    var index = entries.count
    while index > 0, entries[index - 1].sequence > entry.sequence { index -= 1 }
    entries.insert(entry, at: index)
    if let head = playhead {
      if lastPlayed == nil { playhead = min(head, entry.timestamp) }
    } else {
      playhead = entry.timestamp
      starvedFrames = 0
    }
    while entries.count > settings.capacity {
      drop(entries[0])
      if let first = entries.first { playhead = max(playhead ?? first.timestamp, first.timestamp) }
    }
  }

  /// The player did not ask for long: what should have been played by now is stale.
  mutating func catchUp(at now: HostTime) {
    while let first = entries.first, let due = dueTime(of: first.timestamp), due < now {
      drop(first)
    }
    playhead = entries.first?.timestamp
    starvedFrames = 0
  }
}

/// Which of the recent sequence numbers came, and how many are missing in all.
struct SeenWindow: Hashable, Sendable {
  private var words = [UInt64](repeating: 0, count: SeenWindow.span / 64)
  private var first: Int64?
  private var newest: Int64 = 0
  private var unique: UInt64 = 0

  /// Older numbers than this behind the newest count as seen: they would be far too late anyway.
  static let span = 4096

  var missing: UInt64 {
    guard let first else { return 0 }
    let expected = UInt64(newest - first + 1)
    return expected > unique ? expected - unique : 0
  }

  /// False when the number came before.
  mutating func insert(_ sequence: Int64) -> Bool {
    guard let first else {
      (self.first, newest, unique) = (sequence, sequence, 1)
      mark(sequence)
      return true
    }
    if sequence <= newest - Int64(Self.span) { return false }
    if sequence > newest {
      if sequence - newest >= Int64(Self.span) {
        for index in words.indices { words[index] = 0 }
      } else {
        for between in newest + 1...sequence { clear(between) }
      }
      newest = sequence
    }
    guard !isMarked(sequence) else { return false }
    self.first = min(first, sequence)
    mark(sequence)
    unique += 1
    return true
  }

  private static func place(_ sequence: Int64) -> (word: Int, bit: UInt64) {
    let slot = Int(sequence & Int64(span - 1))
    return (slot / 64, 1 << UInt64(slot % 64))
  }
  private mutating func mark(_ sequence: Int64) { words[Self.place(sequence).word] |= Self.place(sequence).bit }
  private mutating func clear(_ sequence: Int64) { words[Self.place(sequence).word] &= ~Self.place(sequence).bit }
  private func isMarked(_ sequence: Int64) -> Bool { words[Self.place(sequence).word] & Self.place(sequence).bit != 0 }
}
