import AudioCore

/// What a bad network does to a stream: given by a test, carried out on what arrives.
struct FaultPlan: Hashable, Sendable {
  /// Share of datagrams lost, 0…1, in runs of `burst`.
  var loss = 0.0
  var burst = 1
  /// Never more than this of the six datagrams that GameStream protects together; two can be repaired.
  var blockLimit: Int?
  /// Share held back until one to three later ones have passed.
  var reordering = 0.0
  var duplication = 0.0
  /// Each datagram comes this much later at most, independent of the others: they overtake each other.
  var jitter = HostDuration.zero
  var seed: UInt64 = 1

  var isNone: Bool { loss == 0 && reordering == 0 && duplication == 0 && jitter == .zero }
}

extension FaultPlan {
  static let values: Set<String> = [
    "--lose", "--lose-burst", "--lose-limit", "--reorder", "--duplicate", "--jitter", "--seed",
  ]

  /// Nil when no fault is asked for.
  init?(_ options: Options) throws {
    loss = (try options.number("--lose", in: 0...100) ?? 0) / 100
    burst = try options.integer("--lose-burst", in: 1...1000) ?? 1
    blockLimit = try options.integer("--lose-limit", in: 0...6)
    reordering = (try options.number("--reorder", in: 0...100) ?? 0) / 100
    duplication = (try options.number("--duplicate", in: 0...100) ?? 0) / 100
    jitter = HostDuration(nanoseconds: Int64((try options.number("--jitter", in: 0...1000) ?? 0) * 1e6))
    if let seed = try options.integer("--seed", in: 0...Int.max) { self.seed = UInt64(seed) }
    for dependent in ["--lose-burst", "--lose-limit"]
    where options.value(dependent) != nil && options.value("--lose") == nil {
      throw Failure(.usage, "usage", "\(dependent) says how to lose; how much, --lose PERCENT says")
    }
    if blockLimit != nil, !options.has("--gamestream") {
      throw Failure(.usage, "usage", "--lose-limit counts within GameStream's blocks; it needs --gamestream")
    }
    if options.value("--seed") != nil, Self.values.subtracting(["--seed"]).allSatisfy({ options.value($0) == nil }) {
      throw Failure(.usage, "usage", "--seed is of the faults; there are none")
    }
    guard Self.values.contains(where: { options.value($0) != nil }) else { return nil }
  }
}

/// What was done to datagrams.
struct FaultCounts: Hashable, Sendable {
  /// Data and GameStream's parity; everything is data in plain RTP.
  var lostData = 0
  var lostParity = 0
  var reordered = 0
  var duplicated = 0
  var delayed = 0

  var lost: Int { lostData + lostParity }

  var text: String {
    "injected: lost \(lost) (\(lostData) data, \(lostParity) parity), reordered \(reordered), "
      + "duplicated \(duplicated), delayed \(delayed)"
  }

  var json: String {
    var fields = JSONFields()
    fields.add("lost", lost)
    fields.add("lost_data", lostData)
    fields.add("lost_parity", lostParity)
    fields.add("reordered", reordered)
    fields.add("duplicated", duplicated)
    fields.add("delayed", delayed)
    return fields.text
  }
}
