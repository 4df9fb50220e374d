import Testing

@testable import streamctl

/// Where a click was born.
@Suite struct ClickTrailTests {
  private let second: Int64 = 1_000_000_000

  @Test func aClickBelongsToTheFirstHopThatHasIt() {
    let capture = ClickTrail.Hop(name: "capture", clicks: [5 * second], heard: 0..<30 * second)
    let encoder = ClickTrail.Hop(
      name: "encoder/s1", fedBy: ["capture"], clicks: [5 * second + 2_000_000, 9 * second, 40 * second],
      heard: 0..<50 * second)
    let found = ClickTrail.follow([capture, encoder])
    #expect(found.map(\.time) == [5 * second, 9 * second, 40 * second])
    #expect(found.map(\.verdict) == [.before, .inside("encoder/s1", after: "capture"), .unknown])
    #expect(ClickTrail.follow([]).isEmpty)
  }

  @Test func aClickIsFollowedThroughAllThatAHopIsMadeOf() {
    let heard = 0..<30 * second
    let found = ClickTrail.follow([
      ClickTrail.Hop(name: "capture", clicks: [5 * second], heard: heard),
      // The graph has made one of its own, and lost the first.
      ClickTrail.Hop(name: "bus/main", fedBy: ["capture"], clicks: [7 * second], heard: heard),
      ClickTrail.Hop(
        name: "encoder/s1", fedBy: ["bus/main"], clicks: [5 * second, 7 * second, 9 * second], heard: heard),
      ClickTrail.Hop(name: "voice/m1", clicks: [11 * second], heard: heard),
      ClickTrail.Hop(
        name: "microphone", fedBy: ["voice/m1"], clicks: [11 * second + 30_000_000, 13 * second], heard: heard),
    ])
    #expect(found.map(\.hop) == ["capture", "bus/main", "encoder/s1", "voice/m1", "microphone"])
    #expect(
      found.map(\.verdict) == [
        .before, .inside("bus/main", after: "capture"), .inside("encoder/s1", after: "bus/main"), .before,
        .inside("microphone", after: "voice/m1"),
      ])
  }

  /// Where frames are missing the recorder's own silence is heard.
  @Test func theEdgeOfAHoleIsNoBirth() {
    let hole = ClickTrail.Hole(times: (5 * second)...(5 * second + 20_000_000), cause: "missed")
    let capture = ClickTrail.Hop(
      name: "capture", clicks: [5 * second - 1_000_000, 5 * second + 21_000_000, 6 * second], heard: 0..<30 * second,
      holes: [hole])
    #expect(ClickTrail.follow([capture]).map(\.verdict) == [.hole("missed"), .hole("missed"), .before])
  }

  @Test func whatNobodyHeardBeforeIsUnknown() {
    let alone = ClickTrail.Hop(name: "encoder/s1", fedBy: ["capture"], clicks: [5 * second], heard: 0..<30 * second)
    #expect(ClickTrail.follow([alone]).map(\.verdict) == [.unknown])
  }
}
