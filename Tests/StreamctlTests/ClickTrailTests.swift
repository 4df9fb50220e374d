import Testing

@testable import streamctl

/// Where a click was born.
@Suite struct ClickTrailTests {
  private let second: Int64 = 1_000_000_000

  @Test func aClickBelongsToTheFirstHopThatHasIt() {
    let capture = ClickTrail.Hop(name: "capture", clicks: [5 * second], heard: 0..<30 * second)
    let encoder = ClickTrail.Hop(
      name: "encoder/s1", clicks: [5 * second + 2_000_000, 9 * second, 40 * second], heard: 0..<50 * second)
    let found = ClickTrail.follow([capture, encoder])
    #expect(found.map(\.time) == [5 * second, 9 * second, 40 * second])
    #expect(found.map(\.verdict) == [.before, .inside("encoder/s1", after: "capture"), .unknown])
    #expect(ClickTrail.follow([]).isEmpty)
  }
}
