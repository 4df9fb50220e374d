import AudioCore
import PushToTalk
import Testing

private func at(_ milliseconds: Int64) -> HostTime { HostTime(nanoseconds: milliseconds * 1_000_000) }

@Suite struct PushToTalkTests {
  private let second = HostDuration.seconds(1)

  @Test func aPressOpensAndAReleaseShutsAfterTheDebounce() throws {
    var talk = PushToTalk(debounce: .milliseconds(40))
    #expect(try talk.press("mic", by: .named("key"), for: second, at: at(0)) == [.shut("mic"), .open("mic")])
    #expect(talk.release("mic", by: .named("key"), at: at(100)) == [])
    #expect(talk.nextDeadline == at(140))
    #expect(talk.expire(at: at(139)) == [])
    #expect(talk.expire(at: at(140)) == [.shut("mic")])
    #expect(talk.isShut("mic"))
    #expect(talk.nextDeadline == nil)
  }

  /// What a bouncing key, or a keyboard that repeats itself, does.
  @Test func aReleaseThatIsPressedAgainWasNone() throws {
    var talk = PushToTalk(debounce: .milliseconds(40))
    _ = try talk.press("mic", by: .named("key"), for: second, at: at(0))
    for time in stride(from: Int64(10), to: 900, by: 30) {
      #expect(talk.release("mic", by: .named("key"), at: at(time)) == [])
      #expect(try talk.press("mic", by: .named("key"), for: second, at: at(time + 5)) == [])
    }
  }

  @Test func repeatedWordsChangeNothing() throws {
    var talk = PushToTalk(debounce: .zero)
    #expect(talk.release("mic", by: .named("key"), at: at(0)) == [])
    _ = try talk.press("mic", by: .named("key"), for: second, at: at(0))
    #expect(try talk.press("mic", by: .named("key"), for: second, at: at(1)) == [])
    #expect(talk.release("mic", by: .named("key"), at: at(2)) == [.shut("mic")])
    #expect(talk.release("mic", by: .named("key"), at: at(3)) == [])
  }

  @Test func nobodyShutsWhatAnotherHolds() throws {
    var talk = PushToTalk(debounce: .zero)
    _ = try talk.press("mic", by: .named("a"), for: second, at: at(0))
    _ = try talk.press("mic", by: .connection(7), for: second, at: at(0))
    #expect(talk.release("mic", by: .named("a"), at: at(10)) == [])
    #expect(talk.expire(at: at(3_600_000)) == [])
    #expect(talk.connectionEnded(7, at: at(3_600_001)) == [.shut("mic")])
  }

  @Test func aHoldEndsAtItsTimeHoweverLongItAsksFor() throws {
    var talk = PushToTalk(debounce: .zero)
    _ = try talk.press("mic", by: .named("a"), for: .seconds(1_000_000), at: at(0))
    #expect(talk.expire(at: at(3_599_999)) == [])
    #expect(talk.expire(at: at(3_600_000)) == [.shut("mic")])
  }

  @Test func boundsAreKept() throws {
    var talk = PushToTalk(debounce: .zero)
    for number in 0..<PushToTalk.holderLimit {
      _ = try talk.press("mic", by: .connection(number), for: second, at: at(0))
    }
    #expect(throws: PushToTalk.Problem.tooManyHolders(PushToTalk.holderLimit)) {
      try talk.press("mic", by: .connection(-1), for: second, at: at(0))
    }
    for number in 1..<PushToTalk.targetLimit { _ = try talk.rule("node:\(number)") }
    #expect(throws: PushToTalk.Problem.tooManyTargets(PushToTalk.targetLimit)) { try talk.rule("node:x") }
    #expect(talk.leave("node:1") == [.leave("node:1")])
    #expect(talk.leave("node:1") == [])
  }

  // MARK: Chance

  /// What it must come to, said in the simplest way: a list of all that happened, read anew each time.
  private struct Oracle {
    /// By target and holder; a connection's never ends by itself.
    var holds: [String: [PushToTalk.Holder: Int64]] = [:]
    var lingers: [String: Int64] = [:]

    mutating func advance(_ now: Int64) {
      for (name, all) in holds { holds[name] = all.filter { $0.value > now } }
      lingers = lingers.filter { $0.value > now }
    }

    func isOpen(_ name: String) -> Bool { holds[name]?.isEmpty == false || lingers[name] != nil }
  }

  @Test func tenThousandSequencesOfFiveClientsNeverLeaveItOpen() throws {
    var dice = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0...UInt64.max, using: &dice)
    var chance: Seeded = Seeded(state: seed)
    for round in 0..<10_000 {
      let debounce: Int64 = [0, 25, 50].randomElement(using: &chance) ?? 0
      var talk = PushToTalk(debounce: .milliseconds(debounce))
      var oracle = Oracle()
      var heard: [String: Bool] = [:]
      var now: Int64 = 0
      let note = "seed \(seed), round \(round)"
      func follow(_ actions: [PushToTalk.Action]) {
        for action in actions {
          switch action {
          case .open(let name):
            if heard[name] == true { Issue.record("\(note): opened twice") }
            heard[name] = true
          case .shut(let name):
            if heard[name] == false { Issue.record("\(note): shut twice") }
            heard[name] = false
          case .leave(let name): heard[name] = nil
          }
        }
      }
      for _ in 0..<Int.random(in: 5...40, using: &chance) {
        now += Int64.random(in: 0...60, using: &chance)
        // The daemon wakes when it is due; here it sometimes does not, and nothing may depend on it.
        if Bool.random(using: &chance) { follow(talk.expire(at: at(now))) }
        oracle.advance(now)
        let client = Int.random(in: 0..<5, using: &chance)
        let name = client % 2 == 0 ? "mic" : "node:a"
        let holder: PushToTalk.Holder = client < 3 ? .connection(client) : .named("n\(client)")
        switch Int.random(in: 0..<5, using: &chance) {
        case 0, 1:
          let time: Int64 = Int64.random(in: 1...200, using: &chance)
          follow(try talk.press(name, by: holder, for: .milliseconds(time), at: at(now)))
          oracle.lingers[name] = nil
          let isLasting = if case .connection = holder { true } else { false }
          oracle.holds[name, default: [:]][holder] = isLasting ? Int64.max : now + time
        case 2, 3:
          follow(talk.release(name, by: holder, at: at(now)))
          if oracle.holds[name]?.removeValue(forKey: holder) != nil, oracle.holds[name]?.isEmpty == true, debounce > 0 {
            oracle.lingers[name] = now + debounce
          }
        default:
          follow(talk.connectionEnded(client, at: at(now)))
          for name in oracle.holds.keys { oracle.holds[name]?[.connection(client)] = nil }
        }
        follow(talk.expire(at: at(now)))
        for name in talk.ruled {
          // The macro's own work, for millions of them, would be most of the test's.
          if talk.isOpen(name) != oracle.isOpen(name) { Issue.record("\(note), at \(now): \(name)") }
          if heard[name] != talk.isOpen(name) { Issue.record("\(note), at \(now): \(name) as carried out") }
        }
      }
      // Everybody goes, and time does: nothing is open, whatever happened.
      for client in 0..<5 { follow(talk.connectionEnded(client, at: at(now))) }
      var deadlines = 0
      while let deadline = talk.nextDeadline {
        follow(talk.expire(at: deadline))
        deadlines += 1
        try #require(deadlines < 100, "\(note): deadlines without end")
      }
      #expect(talk.ruled.allSatisfy { talk.isShut($0) && heard[$0] == false }, "\(note): left open")
    }
  }
}

/// Chance that is the same each time for a seed.
private struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
