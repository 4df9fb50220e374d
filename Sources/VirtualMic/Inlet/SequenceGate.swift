import AudioCore

/// Judges the numbers of a stream that proves nothing: each counts once, and neither the past nor a leap is believed while
/// the stream runs.
///
/// Clients begin again at 0 when they reconnect or their microphone is toggled; copies of old packets look the same. The
/// difference is that a client that began again has stopped what it sent before. Pure: time is an argument.
struct SequenceGate: Hashable, Sendable {
  enum Verdict: Hashable, Sendable {
    case fresh
    /// Fresh, and the first of a new stream.
    case restarted
    case replayed
    case leap
  }

  private(set) var newest: UInt16?
  /// Bit n: the packet n before the newest has come.
  private var seen: UInt64 = 0
  private var freshAt = HostTime(nanoseconds: 0)
  /// What a stream that is not believed yet would continue.
  private var doubted: Run?

  private struct Run: Hashable {
    var newest: UInt16
    var length = 1
  }

  /// How far ahead a packet may be at once: what is skipped then can still come, so junk with a number by chance shuts
  /// nobody out. Time that has passed adds what can have been sent in it.
  static let leap = 32
  static let longestLeap = 1500
  private static let shortest = HostDuration.microseconds(2500)
  /// Packets in a row that make a new start.
  static let enough = 3
  static let quiet = HostDuration.milliseconds(200)
  private static let reach = 64

  mutating func take(_ sequence: UInt16, at now: HostTime) -> Verdict {
    guard let newest else {
      begin(sequence, now)
      return .fresh
    }
    let ahead = Int(Int16(bitPattern: sequence &- newest))
    let passed = max((now - freshAt).nanoseconds, 0) / Self.shortest.nanoseconds
    if (1...Int(min(Int64(Self.leap) + passed, Int64(Self.longestLeap)))).contains(ahead) {
      seen = ahead < Self.reach ? seen << UInt64(ahead) | 1 : 1
      self.newest = sequence
      freshAt = now
      doubted = nil
      return .fresh
    }
    if ahead <= 0, ahead > -Self.reach, seen & (1 << UInt64(-ahead)) == 0 {
      seen |= 1 << UInt64(-ahead)
      freshAt = now
      return .fresh
    }
    var run = Run(newest: sequence)
    if let doubted, (1...4).contains(sequence &- doubted.newest) { run.length = doubted.length + 1 }
    doubted = run
    if run.length >= Self.enough, now - freshAt >= Self.quiet {
      begin(sequence, now)
      return .restarted
    }
    return ahead > 0 ? .leap : .replayed
  }

  private mutating func begin(_ sequence: UInt16, _ now: HostTime) {
    (newest, seen, freshAt, doubted) = (sequence, 1, now, nil)
  }
}
