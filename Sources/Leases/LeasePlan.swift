/// Decides about leases. Pure: the ledger, the values as they are and who lives go in; the ledger to keep and the changes
/// to make come out.
///
/// The order holds it together: the ledger is on disk before a change is made, and a lease leaves it only after its value
/// is seen to have gone back, or to be somebody else's. So at whatever point a process dies, the next look at the same
/// ledger and the same values decides rightly:
///
/// - written down, not yet changed: the value is not ours, the lease is dropped;
/// - changed: the value is ours, the old one is put back;
/// - put back, still written down: the value is not ours, the lease is dropped;
/// - put back by a step in between, which is marked in the ledger before it is made: the second step follows.
public enum LeasePlan {
  public struct Change: Hashable, Sendable {
    public var key: LeaseKey
    public var value: String?
    /// For a value that goes back to nothing: what is to take effect then.
    public var shown: String?

    public init(key: LeaseKey, value: String?, shown: String? = nil) {
      self.key = key
      self.value = value
      self.shown = shown
    }
  }

  public struct Decision: Hashable, Sendable {
    /// To be kept, on disk, before the changes are made.
    public var ledger: LeaseLedger
    public var changes: [Change] = []
    public var notes: [LeaseNote] = []
  }

  /// Takes a value for `owner`. A request is newer than whatever was chosen before it. `shown` is what takes effect while
  /// nothing is set.
  public static func acquire(
    _ key: LeaseKey, _ value: String, for owner: ProcessIdentity, in ledger: LeaseLedger, current: LeasedValue,
    shown: String? = nil, isAlive: (ProcessIdentity) -> Bool
  ) throws(LeaseError) -> Decision {
    guard case .known(let now) = current else {
      throw LeaseError(.valueUnknown, "\(key) cannot be read now, so it is not changed")
    }
    for field in [key.place, key.name, value, now ?? "", shown ?? ""] where field.utf8.count > LeaseLedger.longestField
    {
      throw LeaseError(.badValue, "\(key): a value of \(field.utf8.count) bytes is too long to be written down")
    }
    var decision = Decision(ledger: ledger)
    if now == value {
      if ledger.leases.contains(where: { $0.key == key && $0.new == value && $0.owner == owner }) { return decision }
      let abandoned = ledger.leases.lastIndex { lease in
        lease.key == key && lease.new == value && !(lease.owner.map(isAlive) ?? false)
      }
      guard let abandoned else {
        decision.notes = [.alreadySo(key, value)]
        return decision
      }
      decision.ledger.leases[abandoned].owner = owner
      decision.ledger.leases[abandoned].isReturning = false
      // Its undoing may be under way, asked for before this and seen after it.
      decision.changes = [Change(key: key, value: value)]
      decision.notes = [.adopted(decision.ledger.leases[abandoned])]
      return decision
    }
    // An undoing that has not been seen to its end: what it goes back to, this goes back to.
    var (old, shown) = (now, now == nil && shown != value ? shown : nil)
    if let returning = ledger.leases.last(where: { $0.key == key && $0.isReturning && (now == nil || now == $0.shown) })
    {
      (old, shown) = (returning.old, returning.shown)
      decision.ledger.leases.removeAll { $0 == returning }
    }
    // A change of ours that somebody has overridden since has nothing left to go back from.
    decision.ledger.leases.removeAll { $0.key == key && $0.new == value && $0.owner == owner }
    guard decision.ledger.leases.count < LeaseLedger.limit else {
      throw LeaseError(.full, "there are \(LeaseLedger.limit) leases already")
    }
    decision.ledger.leases.append(Lease(key: key, old: old, shown: shown, new: value, owner: owner))
    decision.changes = [Change(key: key, value: value)]
    return decision
  }

  /// Gives up what `owner` took. Undoing is what `settle` decides next, now or when the value can be read.
  public static func release(_ key: LeaseKey, _ value: String, of owner: ProcessIdentity, in ledger: LeaseLedger)
    -> LeaseLedger
  {
    var ledger = ledger
    for index in ledger.leases.indices {
      let lease = ledger.leases[index]
      if lease.key == key, lease.new == value, lease.owner == owner { ledger.leases[index].owner = nil }
    }
    return ledger
  }

  /// Undoes what nobody needs any more. To be asked again after each change of a value, until no such lease is left.
  public static func settle(
    _ ledger: LeaseLedger, current: (LeaseKey) -> LeasedValue, isAlive: (ProcessIdentity) -> Bool
  ) -> Decision {
    var decision = Decision(ledger: ledger)
    var settled: Set<LeaseKey> = []
    for key in ledger.leases.map(\.key) where settled.insert(key).inserted {
      guard case .known(let now) = current(key) else { continue }
      settle(key, now: now, &decision, isAlive)
    }
    return decision
  }

  private static func settle(
    _ key: LeaseKey, now: String?, _ decision: inout Decision, _ isAlive: (ProcessIdentity) -> Bool
  ) {
    func isStale(_ lease: Lease) -> Bool { lease.key == key && !(lease.owner.map(isAlive) ?? false) }
    // Oldest first: a change made on top of a stale one takes over what there is to go back to. Not before it was made:
    // if it never is, the stale one below is still to be undone.
    var waiting: Set<Lease> = []
    for lease in decision.ledger.leases where isStale(lease) {
      guard let place = decision.ledger.leases.firstIndex(of: lease),
        let above = decision.ledger.leases[(place + 1)...].firstIndex(where: { $0.key == key && $0.old == lease.new })
      else { continue }
      if now != lease.new {
        // The one below may have been handed a new old value itself.
        decision.ledger.leases[above].old = decision.ledger.leases[place].old
        decision.ledger.leases[above].shown = decision.ledger.leases[place].shown
        decision.ledger.leases.remove(at: place)
        decision.notes.append(.handedOn(lease))
      } else if !isStale(decision.ledger.leases[above]) {
        waiting.insert(lease)
      }
    }
    // Newest first: the latest change is the one that shows.
    for lease in decision.ledger.leases.reversed() where isStale(lease) && !waiting.contains(lease) {
      // The same value taken again in between was taken from another one, which is what there is to go back to.
      let isOutdated = decision.ledger.leases.last { $0.key == key && $0.new == lease.new } != lease
      if lease.isReturning, now == lease.shown {
        decision.changes.append(Change(key: key, value: lease.old))
        return
      }
      if now == lease.new, now != lease.old, !isOutdated {
        if lease.old == nil, lease.shown != nil, let place = decision.ledger.leases.firstIndex(of: lease) {
          decision.ledger.leases[place].owner = nil
          decision.ledger.leases[place].isReturning = true
        }
        decision.changes.append(Change(key: key, value: lease.old, shown: lease.shown))
        return
      }
      decision.ledger.leases.removeAll { $0 == lease }
      decision.notes.append(now == lease.old ? .undone(lease) : .newerChoice(lease, now: now))
    }
  }
}
