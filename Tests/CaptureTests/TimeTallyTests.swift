import AudioCore
import Capture
import Testing

/// Against counting by hand.
@Suite struct TimeTallyTests {
  @Test func eachBoundHasWhatIsNoLonger() {
    var tally = TimeTally()
    let times: [Int64] = [-5, 0, 50_000, 50_001, 2_000_000, 50_000_000, 50_000_001, 3_000_000_000]
    for time in times { tally.add(HostDuration(nanoseconds: time)) }
    #expect(tally.count == 8)
    for (bound, count) in tally.cumulative {
      #expect(count == UInt64(times.filter { max($0, 0) <= bound.nanoseconds }.count), "\(bound)")
    }
    #expect(tally.cumulative.last?.count == 6)
    // What ends before it begins took no time.
    #expect(tally.total.nanoseconds == times.dropFirst().reduce(0, +))
    #expect(TimeTally.bounds == TimeTally.bounds.sorted() && TimeTally().count == 0)
  }
}
