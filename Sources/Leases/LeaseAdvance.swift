extension LeasePlan {
  /// Takes a value for `owner` in place of the one it took before: what there is to go back to stays what it was.
  ///
  /// What was asked for last may not show yet. So each value that may still be found is in the ledger, as a change made on
  /// top of the one before; those that the world has gone past are left out. A value that is none of these is somebody
  /// else's choice, and the one to go back to from now on.
  public static func advance(
    _ key: LeaseKey, to value: String, for owner: ProcessIdentity, in ledger: LeaseLedger, current: LeasedValue,
    isAlive: (ProcessIdentity) -> Bool
  ) throws(LeaseError) -> Decision {
    guard case .known(let now) = current else {
      throw LeaseError(.valueUnknown, "\(key) cannot be read now, so it is not changed")
    }
    var mine = ledger.leases.filter { $0.key == key && $0.owner == owner }
    var decision = Decision(ledger: ledger)
    guard let oldest = mine.first, let newest = mine.last,
      let shown = ([oldest.old] + mine.map(\.new)).firstIndex(of: now)
    else {
      decision.ledger.leases.removeAll { mine.contains($0) }
      return try acquire(key, value, for: owner, in: decision.ledger, current: current, isAlive: isAlive)
    }
    guard newest.new != value else { return decision }
    guard [key.place, key.name, value].allSatisfy({ $0.utf8.count <= LeaseLedger.longestField }) else {
      throw LeaseError(.badValue, "\(key): a value of \(value.utf8.count) bytes is too long to be written down")
    }
    decision.ledger.leases.removeAll { mine.contains($0) }
    mine.removeFirst(max(shown - 1, mine.count - Self.longestAdvance, 0))
    mine[0].old = oldest.old
    mine.append(Lease(key: key, old: newest.new, new: value, owner: owner))
    guard decision.ledger.leases.count + mine.count <= LeaseLedger.limit else {
      throw LeaseError(.full, "there are \(decision.ledger.leases.count) leases already")
    }
    decision.ledger.leases += mine
    decision.changes = [Change(key: key, value: value)]
    return decision
  }

  /// Values of one owner that may be on their way to the world at once.
  static let longestAdvance = 8

  /// Gives up all that `owner` took of a key. Where what shows is ours, or not yet ours, the way back is one change, to be
  /// made whatever is still on its way: it comes after that. `settle` sees to the rest.
  public static func release(
    _ key: LeaseKey, of owner: ProcessIdentity, in ledger: LeaseLedger, current: LeasedValue
  ) -> Decision {
    let mine = ledger.leases.filter { $0.key == key && $0.owner == owner }
    var decision = Decision(ledger: ledger)
    for index in ledger.leases.indices where mine.contains(ledger.leases[index]) {
      decision.ledger.leases[index].owner = nil
    }
    guard case .known(let now) = current, let oldest = mine.first, let newest = mine.last,
      now == oldest.old || mine.contains(where: { $0.new == now })
    else { return decision }
    decision.ledger.leases = ledger.leases.filter { !mine.contains($0) }
    decision.ledger.leases.append(Lease(key: key, old: oldest.old, new: newest.new, owner: nil))
    decision.changes = [Change(key: key, value: oldest.old)]
    return decision
  }

  /// What a process that has died in the middle of many values has left, as one change from what there was before to what
  /// shows.
  public static func folded(
    _ ledger: LeaseLedger, current: (LeaseKey) -> LeasedValue, isAlive: (ProcessIdentity) -> Bool
  ) -> LeaseLedger {
    var ledger = ledger
    for key in Set(ledger.leases.map(\.key)) {
      let chain = ledger.leases.filter { $0.key == key }
      guard chain.count > 1, let oldest = chain.first, case .known(let now) = current(key),
        chain.allSatisfy({ !($0.owner.map(isAlive) ?? false) && !$0.isReturning }),
        zip(chain, chain.dropFirst()).allSatisfy({ $0.new == $1.old }),
        now != oldest.old, chain.contains(where: { $0.new == now }), let now
      else { continue }
      ledger.leases.removeAll { $0.key == key }
      ledger.leases.append(Lease(key: key, old: oldest.old, shown: oldest.shown, new: now, owner: nil))
    }
    return ledger
  }
}
