import AudioCore

/// Addresses that have sent what a client's key opens, but not yet often enough: a wrong key opens one packet in some
/// hundreds, and not several in a row.
///
/// Bounded, whoever sends. Pure: time is an argument.
struct Prospects: Hashable, Sendable {
  private struct Run: Hashable {
    var source: MicSource
    var talker: TalkerID
    var sequence: UInt16
    var at: HostTime
    var length = 1
  }

  /// Packets that make an address a client's.
  static let enough = 3
  static let limit = 64
  private static let longestGap: UInt16 = 16
  private static let patience = HostDuration.seconds(1)

  /// The oldest first.
  private var runs: [Run] = []

  func talker(at source: MicSource) -> TalkerID? { runs.last { $0.source == source }?.talker }

  /// Notes a sane packet. True when there have been enough.
  mutating func note(_ source: MicSource, _ talker: TalkerID, _ sequence: UInt16, at now: HostTime) -> Bool {
    var run = Run(source: source, talker: talker, sequence: sequence, at: now)
    if let index = runs.lastIndex(where: { $0.source == source }) {
      let before = runs.remove(at: index)
      let isCopy = before.talker == talker && sequence == before.sequence
      if isCopy { run = before }
      if !isCopy, before.talker == talker, (1...Self.longestGap).contains(sequence &- before.sequence),
        now - before.at <= Self.patience
      {
        run.length = before.length + 1
      }
    }
    guard run.length < Self.enough else { return true }
    if runs.count == Self.limit { runs.removeFirst() }
    runs.append(run)
    return false
  }

  mutating func forget(_ talker: TalkerID) { runs.removeAll { $0.talker == talker } }
}
