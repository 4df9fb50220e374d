import AudioCore
import Testing

@testable import streamctl

@Suite struct FaultInjectorTests {
  /// Plain RTP by its looks: two bytes of number, so that order can be seen.
  private static func datagram(_ number: Int) -> [UInt8] {
    [0x80, 111] + [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 7, count: 20)
  }

  private struct Passed: Equatable {
    var numbers: [Int]
    /// When each came out, in nanoseconds.
    var times: [Int64]
    var counts: FaultCounts
  }

  /// One datagram a millisecond; what is due comes out when it is due.
  private static func pass(_ plan: FaultPlan, count: Int) -> Passed {
    var injector = FaultInjector(plan)
    var passed = Passed(numbers: [], times: [], counts: FaultCounts())
    func drain(until end: HostTime) {
      while let due = injector.due, due <= end, let bytes = injector.next(at: end) {
        passed.numbers.append(Int(bytes[2]) << 8 | Int(bytes[3]))
        passed.times.append(due.nanoseconds)
      }
    }
    for number in 0..<count {
      let now = HostTime(nanoseconds: Int64(number) * 1_000_000)
      drain(until: now - HostDuration(nanoseconds: 1))
      datagram(number).withUnsafeBytes { injector.take($0, at: now) }
      drain(until: now)
    }
    drain(until: HostTime(nanoseconds: .max))
    passed.counts = injector.counts
    return passed
  }

  @Test func withoutAPlanEverythingPassesAtOnce() {
    let passed = Self.pass(FaultPlan(), count: 500)
    #expect(passed.numbers == Array(0..<500))
    #expect(passed.times == (0..<500).map { $0 * 1_000_000 })
    #expect(passed.counts == FaultCounts())
  }

  @Test(arguments: [(0.01, 1), (0.05, 1), (0.1, 1), (0.1, 3), (0.3, 8), (1, 1)])
  func theAskedShareIsLostInRuns(share: Double, burst: Int) {
    var plan = FaultPlan()
    (plan.loss, plan.burst, plan.seed) = (share, burst, 42)
    let passed = Self.pass(plan, count: 40_000)
    let lost = 40_000 - passed.numbers.count
    #expect(passed.counts.lost == lost && passed.counts.lostParity == 0)
    #expect(abs(Double(lost) / 40_000 - share) < 0.015, "\(lost)")
    // What came is in order, and every gap is made of whole runs.
    let gaps = zip(passed.numbers.dropFirst(), passed.numbers).map { $0 - $1 - 1 }
    #expect(gaps.allSatisfy { $0 >= 0 && $0 % burst == 0 })
  }

  @Test func aSeedRepeatsAndAnotherDoesNot() {
    var plan = FaultPlan()
    (plan.loss, plan.reordering, plan.duplication, plan.jitter) = (0.1, 0.05, 0.05, .milliseconds(9))
    let first = Self.pass(plan, count: 2000)
    #expect(Self.pass(plan, count: 2000) == first)
    plan.seed = 2
    #expect(Self.pass(plan, count: 2000) != first)
  }

  @Test func reorderingMovesByOneToThreeAndLosesNothing() {
    var plan = FaultPlan()
    plan.reordering = 0.1
    let passed = Self.pass(plan, count: 5000)
    #expect(passed.numbers.sorted() == Array(0..<5000))
    // A datagram held back stands behind later ones; the others only move up.
    let overtaken = passed.numbers.indices.filter { at in passed.numbers[..<at].contains { $0 > passed.numbers[at] } }
    #expect(abs(overtaken.count - passed.counts.reordered) < 40 && passed.counts.reordered > 400)
    for (place, number) in passed.numbers.enumerated() { #expect(abs(place - number) <= 6, "\(number) at \(place)") }
  }

  @Test func theLastOneHeldBackComesAllTheSame() {
    var plan = FaultPlan()
    plan.reordering = 1
    let passed = Self.pass(plan, count: 1)
    #expect(passed.numbers == [0])
    #expect(passed.times == [FaultInjector.patience.nanoseconds])
  }

  @Test func duplicatesAreWhole() {
    var plan = FaultPlan()
    plan.duplication = 0.2
    let passed = Self.pass(plan, count: 5000)
    #expect(passed.numbers.count == 5000 + passed.counts.duplicated && passed.counts.duplicated > 800)
    #expect(Set(passed.numbers).count == 5000)
  }

  @Test func jitterDelaysByNoMoreThanAsked() {
    var plan = FaultPlan()
    plan.jitter = .milliseconds(20)
    let passed = Self.pass(plan, count: 5000)
    #expect(passed.numbers.sorted() == Array(0..<5000))
    let delays = zip(passed.numbers, passed.times).map { $1 - Int64($0) * 1_000_000 }
    #expect(delays.allSatisfy { (0...20_000_000).contains($0) })
    let mean = delays.reduce(0, +) / 5000
    #expect(abs(mean - 10_000_000) < 500_000)
  }

  /// A stuck reader cannot fill the memory.
  @Test func whatIsHeldIsBounded() {
    var plan = FaultPlan()
    plan.jitter = .seconds(1)
    var injector = FaultInjector(plan)
    var out = 0
    for number in 0..<2000 {
      Self.datagram(number).withUnsafeBytes { injector.take($0, at: HostTime(nanoseconds: 0)) }
      while injector.next(at: HostTime(nanoseconds: 0)) != nil { out += 1 }
    }
    #expect(out >= 2000 - FaultInjector.capacity)
  }
}

@Suite struct FaultPlanTests {
  private static func plan(_ words: [String]) throws -> FaultPlan? {
    try FaultPlan(Options(words, flags: ListenCommand.flags, values: ListenCommand.values))
  }

  @Test func optionsBecomeAPlan() throws {
    #expect(try Self.plan([]) == nil)
    let words =
      "--gamestream --lose 5 --lose-burst 2 --lose-limit 2 --reorder 1 --duplicate 3 --jitter 2.5 --seed 9"
    let plan = try #require(try Self.plan(words.split(separator: " ").map { String($0) }))
    var wanted = FaultPlan()
    (wanted.loss, wanted.burst, wanted.blockLimit, wanted.reordering) = (0.05, 2, 2, 0.01)
    (wanted.duplication, wanted.jitter, wanted.seed) = (0.03, .microseconds(2500), 9)
    #expect(plan == wanted)
  }

  @Test(arguments: [
    (["--lose", "101"], "--lose 101"), (["--lose", "x"], "--lose x"), (["--lose-burst", "2"], "--lose PERCENT"),
    (["--lose", "1", "--lose-limit", "2"], "--gamestream"), (["--seed", "4"], "--seed"),
    (["--jitter", "-1"], "--jitter -1"), (["--reorder", "120"], "--reorder 120"),
  ])
  func senselessPlansAreRefused(words: [String], named: String) {
    #expect { try Self.plan(words) } throws: {
      ($0 as? Failure)?.status == .usage && ($0 as? Failure)?.message.contains(named) == true
    }
  }
}
