import Leases
import Testing

/// One value after another under one lease.
@Suite struct LeaseAdvanceTests {
  static let key = LeaseKey(place: "here", name: "volume")
  static let me = ProcessIdentity(pid: 10, start: 100, boot: "b")

  private func advance(_ ledger: LeaseLedger, to value: String, from now: String?) throws -> LeasePlan.Decision {
    try LeasePlan.advance(
      Self.key, to: value, for: Self.me, in: ledger, current: .known(now), isAlive: { $0 == Self.me })
  }

  /// What is there after the owner's death, wherever the world had come to.
  private func undone(_ ledger: LeaseLedger, from now: String?) -> String? {
    var (ledger, value) = (LeasePlan.folded(ledger, current: { _ in .known(now) }, isAlive: { _ in false }), now)
    #expect(ledger.leases.count <= 1 || now == ledger.leases.first?.old || !ledger.leases.contains { $0.new == now })
    for _ in 0..<20 where !ledger.isEmpty {
      let decision = LeasePlan.settle(ledger, current: { _ in .known(value) }, isAlive: { _ in false })
      ledger = decision.ledger
      for change in decision.changes { value = change.value }
    }
    #expect(ledger.isEmpty, "\(ledger)")
    return value
  }

  @Test func theWayBackStaysTheFirst() throws {
    var ledger = LeaseLedger()
    var shown: [String?] = ["u"]
    for step in 1...40 {
      // The world lags behind by two.
      let now = shown[max(0, shown.count - 3)]
      let decision = try advance(ledger, to: "\(step)", from: now)
      ledger = decision.ledger
      shown.append("\(step)")
      #expect(decision.changes == [LeasePlan.Change(key: Self.key, value: "\(step)")])
      #expect(ledger.leases.first?.old == "u" && ledger.leases.count <= 4, "\(ledger)")
      // Killed now, before or after the change: whatever of ours is found goes back.
      for found in shown.suffix(4) { #expect(undone(ledger, from: found) == "u", "\(step) \(found ?? "-") \(ledger)") }
    }
  }

  @Test func somebodyElsesValueIsTheNewWayBack() throws {
    var ledger = try advance(LeaseLedger(), to: "1", from: "u").ledger
    ledger = try advance(ledger, to: "2", from: "1").ledger
    ledger = try advance(ledger, to: "3", from: "v").ledger
    #expect(undone(ledger, from: "3") == "v")
    #expect(undone(ledger, from: "w") == "w")
    #expect(try advance(ledger, to: "3", from: "3").changes.isEmpty, "asked for already")
  }

  /// Given up before all that was asked for shows: the way back is asked for after it.
  @Test(arguments: ["u", "1", "2", "w"]) func givenUpAtOnce(found: String) throws {
    var ledger = try advance(LeaseLedger(), to: "1", from: "u").ledger
    ledger = try advance(ledger, to: "2", from: "u").ledger
    let released = LeasePlan.release(Self.key, of: Self.me, in: ledger, current: .known(found))
    #expect(released.ledger.leases.allSatisfy { $0.owner == nil })
    #expect(released.changes == (found == "w" ? [] : [LeasePlan.Change(key: Self.key, value: "u")]))
    #expect(undone(released.ledger, from: found == "w" ? "w" : "u") == (found == "w" ? "w" : "u"))
    #expect(undone(released.ledger, from: "2") == "u", "killed before the way back was asked for")
  }

  /// A world that stands still while much is asked of it.
  @Test func whatIsOnItsWayIsBounded() throws {
    var ledger = LeaseLedger()
    for step in 1...100 { ledger = try advance(ledger, to: "\(step)", from: "u").ledger }
    #expect(ledger.leases.count <= 9)
    #expect(undone(ledger, from: "100") == "u" && undone(ledger, from: "u") == "u")
  }

  @Test func unknownIsNotChanged() {
    #expect(throws: LeaseError.self) {
      try LeasePlan.advance(
        Self.key, to: "1", for: Self.me, in: LeaseLedger(), current: .unknown, isAlive: { _ in true })
    }
  }
}
