import Leases
import Testing

/// A world of one value, a ledger, and processes that may die: the plan is run on it step by step.
private struct World {
  static let key = LeaseKey(place: "here", name: "default")
  static let me = ProcessIdentity(pid: 10, start: 100, boot: "b")
  static let other = ProcessIdentity(pid: 11, start: 101, boot: "b")

  var value: String?
  var isReadable = true
  var ledger = LeaseLedger()
  var living: Set<ProcessIdentity> = [me, other]
  var notes: [LeaseNote] = []
  /// Each value the world was set to.
  var history: [String?] = []

  var current: LeasedValue { isReadable ? .known(value) : .unknown }

  func acquisition(_ new: String, by owner: ProcessIdentity = me) throws -> LeasePlan.Decision {
    try LeasePlan.acquire(
      Self.key, new, for: owner, in: ledger, current: current, isAlive: { living.contains($0) })
  }

  mutating func acquire(_ new: String, by owner: ProcessIdentity = me) throws {
    keep(try acquisition(new, by: owner))
  }

  mutating func release(_ new: String, of owner: ProcessIdentity = me) {
    ledger = LeasePlan.release(Self.key, new, of: owner, in: ledger)
  }

  var settlement: LeasePlan.Decision {
    LeasePlan.settle(ledger, current: { _ in current }, isAlive: { living.contains($0) })
  }

  mutating func keep(_ decision: LeasePlan.Decision) {
    ledger = decision.ledger
    notes += decision.notes
    for change in decision.changes {
      value = change.value
      history.append(change.value)
    }
  }

  /// Looks until nothing changes any more.
  mutating func settle() {
    for _ in 0..<10 {
      let decision = settlement
      guard decision.ledger != ledger || !decision.changes.isEmpty else { return }
      keep(decision)
    }
    Issue.record("it never settles: \(ledger)")
  }

  mutating func die(_ process: ProcessIdentity = me) { living.remove(process) }
}

@Suite struct LeasePlanTests {
  static let before: [String?] = ["speakers", nil]

  @Test(arguments: before) func takenAndGivenBack(before: String?) throws {
    var world = World(value: before)
    try world.acquire("ours")
    #expect(world.value == "ours")
    #expect(world.ledger.leases == [Lease(key: World.key, old: before, new: "ours", owner: World.me)])
    world.settle()
    #expect(world.value == "ours", "its owner lives")
    world.release("ours")
    world.settle()
    #expect(world.value == before && world.ledger.isEmpty)
    #expect(world.history == ["ours", before])
    #expect(world.notes == [.undone(Lease(key: World.key, old: before, new: "ours", owner: nil))])
  }

  @Test(arguments: before) func deadAfterTheLedgerBeforeTheChange(before: String?) throws {
    var world = World(value: before)
    world.ledger = try world.acquisition("ours").ledger
    world.die()
    world.settle()
    #expect(world.value == before && world.history.isEmpty && world.ledger.isEmpty)
  }

  @Test(arguments: before) func deadAfterTheChange(before: String?) throws {
    var world = World(value: before)
    try world.acquire("ours")
    world.die()
    world.settle()
    #expect(world.value == before && world.ledger.isEmpty)
  }

  /// Every moment of undoing: before the change back, after it, and after the ledger forgot it.
  @Test(arguments: before, [false, true]) func deadWhileUndoing(before: String?, released: Bool) throws {
    var world = World(value: before)
    try world.acquire("ours")
    if released { world.release("ours") }
    world.die()
    let first = world.settlement
    #expect(first.changes == [LeasePlan.Change(key: World.key, value: before)])
    #expect(first.ledger == world.ledger, "it leaves the ledger only when it is seen to be undone")
    // The change was lost with the process: decided again.
    #expect(world.settlement == first)
    world.keep(first)
    let second = world.settlement
    #expect(second.changes.isEmpty && second.ledger.isEmpty)
    // The ledger was not written: decided again.
    #expect(world.settlement == second)
  }

  @Test func aNewerChoiceIsLeftAlone() throws {
    for next in ["headphones", nil] as [String?] {
      for dead in [false, true] {
        var world = World(value: "speakers")
        try world.acquire("ours")
        world.value = next
        if dead { world.die() } else { world.release("ours") }
        world.settle()
        #expect(world.value == next && world.history == ["ours"] && world.ledger.isEmpty)
        #expect(world.notes.contains { if case .newerChoice(_, now: next) = $0 { true } else { false } })
      }
    }
  }

  @Test func nothingIsDecidedWithoutAValue() throws {
    var world = World(value: "speakers")
    try world.acquire("ours")
    world.die()
    world.isReadable = false
    #expect(world.settlement.ledger == world.ledger && world.settlement.changes.isEmpty)
    #expect { try world.acquisition("ours") } throws: { ($0 as? LeaseError)?.code == .valueUnknown }
    world.isReadable = true
    world.settle()
    #expect(world.value == "speakers")
  }

  @Test func whatTheUserHasAlreadyChosenIsNotOurs() throws {
    var world = World(value: "ours")
    try world.acquire("ours")
    #expect(world.ledger.isEmpty && world.notes == [.alreadySo(World.key, "ours")])
    world.release("ours")
    world.settle()
    #expect(world.value == "ours" && world.history.isEmpty)
  }

  @Test func aDeadOwnersChangeIsTakenOver() throws {
    var world = World(value: "speakers")
    try world.acquire("ours", by: World.other)
    world.die(World.other)
    try world.acquire("ours")
    #expect(world.ledger.leases == [Lease(key: World.key, old: "speakers", new: "ours", owner: World.me)])
    world.settle()
    #expect(world.value == "ours")
    world.release("ours")
    world.settle()
    #expect(world.value == "speakers" && world.history == ["ours", "ours", "speakers"])
  }

  @Test func askingAgainIsNewerThanWhatTheUserChoseBetween() throws {
    var world = World(value: "speakers")
    try world.acquire("ours")
    try world.acquire("ours")
    #expect(world.ledger.leases.count == 1 && world.history == ["ours"])
    world.value = "headphones"
    try world.acquire("ours")
    #expect(world.value == "ours" && world.ledger.leases.map(\.old) == ["headphones"])
    world.release("ours")
    world.settle()
    #expect(world.value == "headphones")
  }

  /// Two changes, one upon the other, by two owners who leave in any order and any manner.
  @Test(arguments: [false, true], [false, true]) func changesOnTopOfEachOther(lowerFirst: Bool, deaths: Bool) throws {
    var world = World(value: "speakers")
    try world.acquire("a")
    try world.acquire("b", by: World.other)
    for lower in [lowerFirst, !lowerFirst] {
      let owner = lower ? World.me : World.other
      if deaths { world.die(owner) } else { world.release(lower ? "a" : "b", of: owner) }
      world.settle()
      if lower == lowerFirst { #expect(world.value == (lower ? "b" : "a")) }
    }
    #expect(world.value == "speakers" && world.ledger.isEmpty)
    #expect(world.history == (lowerFirst ? ["a", "b", "speakers"] : ["a", "b", "a", "speakers"]))
  }

  /// The second died between its ledger entry and its change: the first is still what shows.
  @Test func anUnmadeChangeOnTopHidesNothing() throws {
    var world = World(value: "speakers")
    try world.acquire("a")
    world.ledger = try world.acquisition("b", by: World.other).ledger
    world.die()
    #expect(world.settlement.changes.isEmpty && world.settlement.ledger == world.ledger, "the second may yet be made")
    world.die(World.other)
    world.settle()
    #expect(world.value == "speakers" && world.ledger.isEmpty)
  }

  @Test func manyStaleOnesGoBackToTheFirst() throws {
    var world = World(value: "speakers")
    for (index, name) in ["a", "b", "c", "d"].enumerated() {
      try world.acquire(name, by: ProcessIdentity(pid: 20, start: UInt64(index), boot: "b"))
    }
    world.settle()
    #expect(world.value == "speakers" && world.ledger.isEmpty)
  }

  /// The same value taken twice in different worlds: only the later one's past is the user's.
  @Test func theLatestOfTwoEqualOnesCounts() throws {
    var world = World(value: "speakers")
    try world.acquire("ours", by: World.other)
    world.value = "headphones"
    world.die(World.other)
    let early = world.ledger
    try world.acquire("ours")
    #expect(world.ledger.leases.count == early.leases.count + 1)
    world.die()
    world.settle()
    #expect(world.value == "headphones" && world.ledger.isEmpty)
  }

  /// Unsetting alone would leave what the session manager remembers: what was heard before goes with the lease.
  @Test func whatWasHeardWhileNothingWasSetComesBack() throws {
    let ledger = try LeasePlan.acquire(
      World.key, "a", for: World.me, in: LeaseLedger(), current: .known(nil), shown: "speakers", isAlive: { _ in true }
    ).ledger
    let both = try LeasePlan.acquire(
      World.key, "b", for: World.other, in: ledger, current: .known("a"), shown: "a", isAlive: { _ in true }
    ).ledger
    #expect(both.leases.map(\.shown) == ["speakers", nil])
    let spliced = LeasePlan.settle(both, current: { _ in .known("b") }, isAlive: { $0 == World.other }).ledger
    let undoing = LeasePlan.settle(spliced, current: { _ in .known("b") }, isAlive: { _ in false })
    #expect(undoing.changes == [LeasePlan.Change(key: World.key, value: nil, shown: "speakers")])
    // Dead between the two steps: the value in between is nobody's choice.
    let halfway = LeasePlan.settle(undoing.ledger, current: { _ in .known("speakers") }, isAlive: { _ in false })
    #expect(halfway.changes == [LeasePlan.Change(key: World.key, value: nil)] && halfway.ledger == undoing.ledger)
    for now in ["speakers", nil] as [String?] {
      let again = try LeasePlan.acquire(
        World.key, "c", for: World.me, in: undoing.ledger, current: .known(now), shown: "b", isAlive: { _ in true })
      #expect(again.ledger.leases == [Lease(key: World.key, old: nil, shown: "speakers", new: "c", owner: World.me)])
    }
    // Not begun, the same value is a choice of the user's.
    let chosen = LeasePlan.settle(spliced, current: { _ in .known("speakers") }, isAlive: { _ in false })
    #expect(chosen.changes.isEmpty && chosen.ledger.isEmpty)
    let done = LeasePlan.settle(undoing.ledger, current: { _ in .known(nil) }, isAlive: { _ in false })
    #expect(done.changes.isEmpty && done.ledger.isEmpty)
  }

  @Test func otherKeysAreNotTouched() throws {
    var world = World(value: "speakers")
    try world.acquire("ours")
    world.die()
    let elsewhere = Lease(key: LeaseKey(place: "there", name: "default"), old: nil, new: "ours", owner: World.me)
    world.ledger = LeaseLedger([elsewhere] + world.ledger.leases)
    let key = World.key
    let current = world.current
    let decision = LeasePlan.settle(world.ledger, current: { $0 == key ? current : .unknown }, isAlive: { _ in false })
    #expect(decision.changes == [LeasePlan.Change(key: key, value: "speakers")])
    #expect(decision.ledger.leases.contains(elsewhere))
  }

  @Test func theLedgerIsBounded() throws {
    var world = World(value: "0")
    for index in 1...LeaseLedger.limit { try world.acquire("\(index)") }
    #expect { try world.acquisition("more") } throws: { ($0 as? LeaseError)?.code == .full }
    let long = String(repeating: "x", count: 2000)
    #expect { try world.acquisition(long) } throws: { ($0 as? LeaseError)?.code == .badValue }
  }

  /// Any life of three processes, each step cut short at any place: the user's last choice always comes back.
  @Test func anyLifeEndsAtTheUsersLastChoice() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let seed = random.next()
      var dice = Dice(state: seed)
      var world = World(value: "u0")
      var chosen: String? = "u0"
      var alive: [ProcessIdentity] = []
      for step in 0..<12 {
        switch dice.next(5) {
        case 0:
          chosen = dice.next(4) == 0 ? nil : "u\(step + 1)"
          world.value = chosen
        case 1, 2:
          let process = ProcessIdentity(pid: Int32(step + 20), start: UInt64(step), boot: "b")
          world.living.insert(process)
          let decision = try world.acquisition("ours", by: process)
          if dice.next(3) == 0 {
            world.ledger = decision.ledger
            world.living.remove(process)
          } else {
            world.keep(decision)
            alive.append(process)
          }
        case 3:
          guard !alive.isEmpty else { continue }
          let process = alive.remove(at: dice.next(alive.count))
          if dice.next(2) == 0 { world.release("ours", of: process) } else { world.living.remove(process) }
        default:
          let decision = world.settlement
          world.ledger = decision.ledger
          if dice.next(2) == 0 { world.keep(decision) }
        }
      }
      world.living = []
      world.settle()
      #expect(world.ledger.isEmpty && world.value == chosen, "seed \(seed)")
      if world.value != chosen { return }
    }
  }

  private struct Dice {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
  }
}
