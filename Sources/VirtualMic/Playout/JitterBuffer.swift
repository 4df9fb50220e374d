public import AudioCore
public import Wire

/// Puts packets back into the order and the pace in which they were sent.
///
/// Every packet has a due time: its media time plus the quickest transit plus the target delay. `pull` hands out what is
/// due and says how much is missing; packets whose time has passed are dropped, so what is played is never stale. A
/// pause of the sender (time moves, numbers do not) is silence, not loss.
///
/// A value that reads no clock: time is an argument. Memory is bounded by the settings.
/// Thread: any one at a time.
public struct JitterBuffer: Sendable {
  public let settings: JitterSettings
  public internal(set) var statistics = JitterStatistics()

  /// Largest payload that is taken: no RTP packet on Ethernet is longer.
  public static let payloadLimit = 2048

  struct Entry: Sendable {
    var sequence: Int64
    var timestamp: Int64
    var frames: Int64
    var payload: [UInt8]
  }

  /// Sorted by sequence number.
  var entries: [Entry] = []
  var sequences = SequenceUnwrapper()
  var timestamps = TimestampUnwrapper()
  var seen = SeenWindow()
  var delay: DelayEstimate
  var source: UInt32?
  /// Media time of what is due next; nil while idle.
  var playhead: Int64?
  var lastPlayed: Int64?
  var lastArrival: HostTime?
  /// Since when every packet has been late.
  var lateSince: HostTime?
  /// Between a stall and the first packet that is on time again: its backlog is no jitter.
  var settling = false
  var packetFrames: Int64
  var starvedFrames: Int64 = 0
  private var concludedLoss: UInt64 = 0

  public init(_ settings: JitterSettings = JitterSettings()) {
    self.settings = settings
    packetFrames = Int64(settings.packet.value)
    delay = Self.estimate(settings, frames: packetFrames)
    entries.reserveCapacity(settings.capacity + 1)
  }

  /// Takes a packet that arrived at `now` and holds `frames` of audio.
  public mutating func insert(
    _ header: RTPHeader, payload: UnsafeRawBufferPointer, frames: FrameCount, at now: HostTime
  ) -> Insertion {
    guard payload.count <= Self.payloadLimit, (1...5760).contains(frames.value), admits(header, at: now) else {
      statistics.foreign += 1
      return .foreign
    }
    statistics.received += 1
    var restarted = false
    if jumps(header, at: now) {
      restarted = source != nil
      restart(header)
    }
    let sequence = sequences.peek(header.sequence)
    guard seen.insert(sequence) else {
      statistics.duplicates += 1
      return .duplicate
    }
    if let newest = sequences.newest, sequence < newest { statistics.reordered += 1 }
    _ = sequences.unwrap(header.sequence)
    let timestamp = timestamps.unwrap(header.timestamp)
    countLoss()
    observe(timestamp, frames: Int64(frames.value), at: now)
    let entry = Entry(sequence: sequence, timestamp: timestamp, frames: Int64(frames.value), payload: Array(payload))
    if isLate(entry, at: now) {
      guard staysLate(at: now) else {
        statistics.late += 1
        return .late
      }
      rebase(to: entry, at: now)
      restarted = true
    }
    lateSince = nil
    settling = false
    place(entry)
    return restarted ? .restarted : .accepted
  }

  /// What is due at `now`. The bytes of a packet replace the contents of `payload`. To be called until it says early or
  /// idle, or once whenever the player needs more.
  public mutating func pull(at now: HostTime, into payload: inout [UInt8]) -> Playout {
    guard var head = playhead else { return .idle }
    if let due = dueTime(of: head), now < due { return .early(until: due) }
    if let due = dueTime(of: head), now - due > settings.stall, !entries.isEmpty {
      catchUp(at: now)
      guard let moved = playhead else { return .idle }
      head = moved
      if let due = dueTime(of: head), now < due { return .early(until: due) }
    }
    while let first = entries.first, first.timestamp + first.frames <= head { drop(first) }
    guard let first = entries.first else { return starve(head) }
    starvedFrames = 0
    let gap = first.timestamp - head
    if gap <= 0 { return take(first, into: &payload) }
    let step = min(gap, packetFrames)
    playhead = head + step
    if first.sequence == (lastPlayed ?? first.sequence - 1) + 1 {
      statistics.silentFrames += UInt64(step)
      return .silence(FrameCount(Int(step)))
    }
    statistics.concealedFrames += UInt64(step)
    let next = gap <= packetFrames
    if next { payload.replaceContents(with: first.payload) }
    return .conceal(FrameCount(Int(step)), next: next)
  }

  /// The delay added on purpose to a packet with the quickest transit.
  public var targetDelay: HostDuration { delay.target }
  /// RFC 3550's interarrival jitter.
  public var jitter: HostDuration { HostDuration(nanoseconds: Int64(delay.jitter)) }
  public var depth: Int { entries.count }
  /// Media time from what is due next to the end of the newest packet held.
  public var buffered: FrameCount {
    guard let playhead, let last = entries.last else { return 0 }
    return FrameCount(Int(max(last.timestamp + last.frames - playhead, 0)))
  }

  private mutating func take(_ first: Entry, into payload: inout [UInt8]) -> Playout {
    payload.replaceContents(with: first.payload)
    entries.removeFirst()
    playhead = first.timestamp + first.frames
    lastPlayed = first.sequence
    packetFrames = first.frames
    statistics.played += 1
    return .packet
  }

  /// Nothing held: conceal until the silence counts as a pause.
  private mutating func starve(_ head: Int64) -> Playout {
    let step = packetFrames
    if FrameCount(Int(starvedFrames)).duration(at: .codec) >= settings.stall {
      playhead = nil
      starvedFrames = 0
      return .idle
    }
    starvedFrames += step
    playhead = head + step
    statistics.concealedFrames += UInt64(step)
    return .conceal(FrameCount(Int(step)), next: false)
  }

  mutating func drop(_ entry: Entry) {
    statistics.skipped += 1
    lastPlayed = entry.sequence
    entries.removeFirst()
  }

  mutating func countLoss() {
    statistics.lost = concludedLoss + seen.missing
  }

  /// Closes the books of one run of numbers.
  mutating func concludeLoss() {
    concludedLoss += seen.missing
    seen = SeenWindow()
  }

  static func estimate(_ settings: JitterSettings, frames: Int64) -> DelayEstimate {
    let packet = FrameCount(Int(frames)).duration(at: .codec)
    return DelayEstimate(
      floor: max(packet, settings.leastDelay), ceiling: packet * Int64(settings.delayLimit),
      lateShare: settings.lateShare)
  }
}

extension [UInt8] {
  /// Keeps the array's memory.
  fileprivate mutating func replaceContents(with other: [UInt8]) {
    removeAll(keepingCapacity: true)
    append(contentsOf: other)
  }
}
