import AudioCore
import Testing

@testable import VirtualMic

private func at(_ milliseconds: Int64) -> HostTime { HostTime(nanoseconds: milliseconds * 1_000_000) }

@Suite struct SequenceGateTests {
  @Test func orderLossAndCopies() {
    var gate = SequenceGate()
    for sequence: UInt16 in [65_533, 65_534, 1, 0, 65_535, 2] {
      #expect(gate.take(sequence, at: at(0)) == .fresh, "\(sequence)")
    }
    for sequence: UInt16 in [65_533, 65_534, 65_535, 0, 1, 2] {
      #expect(gate.take(sequence, at: at(0)) == .replayed, "\(sequence)")
    }
    #expect(gate.take(35, at: at(0)) == .leap)
    #expect(gate.take(34, at: at(0)) == .fresh)
    #expect(gate.take(34 - 31, at: at(0)) == .fresh)
    // What a second and an hour of silence allow.
    #expect(gate.take(34 + 433, at: at(1000)) == .leap)
    #expect(gate.take(34 + 432, at: at(1000)) == .fresh)
    #expect(gate.take(466 - 64, at: at(1000)) == .replayed)
    #expect(gate.take(466 - 63, at: at(1000)) == .fresh)
    #expect(gate.take(466 + 1501, at: at(3_600_000)) == .leap)
    #expect(gate.take(466 + 1500, at: at(3_600_000)) == .fresh)
  }

  /// A forged number that is believed by chance costs no other packet.
  @Test func junkShutsNobodyOut() {
    var gate = SequenceGate()
    for index in 0..<5000 {
      let now = at(Int64(index) * 20)
      if index % 100 != 82 { #expect(gate.take(UInt16(index), at: now) == .fresh) }
      if index % 100 == 50 { #expect(gate.take(UInt16(index + 32), at: now) == .fresh) }
      // Its own number was taken.
      if index % 100 == 81 { #expect(gate.take(UInt16(index + 1), at: now) == .replayed) }
    }
  }

  /// Everything a stream sent, played again beside it, is never heard.
  @Test func replayBesideTheStream() {
    var gate = SequenceGate()
    for index in 0..<5000 {
      #expect(gate.take(UInt16(index), at: at(Int64(index) * 20)) == .fresh)
      if index > 200 { #expect(gate.take(UInt16(index - 200), at: at(Int64(index) * 20)) == .replayed) }
    }
  }

  @Test func newStart() {
    var gate = SequenceGate()
    for index in 0..<30 { _ = gate.take(UInt16(index), at: at(Int64(index) * 20)) }
    // 580 ms is the last. Numbers that have been are copies at first.
    #expect(gate.take(0, at: at(1000)) == .replayed)
    #expect(gate.take(1, at: at(1020)) == .replayed)
    #expect(gate.take(2, at: at(1040)) == .restarted)
    #expect(gate.take(3, at: at(1060)) == .fresh)
    #expect(gate.take(2, at: at(1060)) == .replayed)
    // A start while the stream runs waits until it stops.
    for index in 0..<9 { #expect(gate.take(20_000 + UInt16(index), at: at(1070)) == .leap) }
    #expect(gate.take(20_009, at: at(1260)) == .restarted)
  }
}

@Suite struct MillisecondTimelineTests {
  @Test func packetsLieEndToEnd() {
    var timeline = MillisecondTimeline()
    var dice = PacketDice(state: 2)
    var sequence: UInt16 = 65_000
    var first: UInt32?
    for index in 0..<2000 {
      let exact = UInt32.max - 10_000 &+ UInt32(index) * 20
      let stamp = exact &+ UInt32(dice.below(5)) &- 2
      let time = timeline.time(sequence: sequence, milliseconds: stamp, frames: 960)
      first = first ?? time
      #expect(time == first! &+ UInt32(index) * 960)
      sequence &+= 1
    }
  }

  @Test func pausesLossAndReordering() {
    var timeline = MillisecondTimeline()
    func time(_ sequence: UInt16, _ milliseconds: UInt32, _ frames: FrameCount = 960) -> UInt32 {
      timeline.time(sequence: sequence, milliseconds: milliseconds, frames: frames)
    }
    #expect(time(0, 100) == 4800)
    #expect(time(1, 121) == 5760)
    // Two lost, one of them late.
    #expect(time(4, 180) == 8640)
    #expect(time(3, 159) == 7680)
    // One packet's pause without a missing number.
    #expect(time(5, 220) == 10_560)
    // A minute.
    #expect(time(6, 60_240) == 2_891_520)
    // Another length: the number before says how long it was.
    #expect(time(7, 60_260, 480) == 2_892_480)
    #expect(time(8, 60_270, 480) == 2_892_960)
    #expect(time(9, 60_290, 480) == 2_893_920)
  }
}

@Suite struct BudgetTests {
  @Test func aSecondInAdvanceThenAQuarterMore() {
    var budget = MediaBudget()
    var taken = 0
    for _ in 0..<1000 where budget.take(960, at: at(0)) { taken += 1 }
    #expect(taken == 50)
    for tick in 1...10_000 {
      for _ in 0..<10 where budget.take(960, at: at(Int64(tick) * 20)) { taken += 1 }
    }
    // Ten times too much for 200 s.
    #expect((12_500...12_551).contains(taken), "\(taken)")
  }

  @Test func legalSendersAreNeverCut() {
    for (frames, milliseconds) in [(120, 2.5), (480, 10), (960, 20), (2880, 60)] as [(Int, Double)] {
      var budget = MediaBudget()
      for index in 0..<20_000 {
        // In bursts of half a second.
        let due = Double(index) * milliseconds
        let now = HostTime(nanoseconds: Int64((due / 500).rounded(.up) * 500_000_000))
        #expect(budget.take(FrameCount(frames), at: now) == true)
      }
    }
  }

  @Test func clocksThatGoBackGiveNothing() {
    var budget = MediaBudget()
    while budget.take(960, at: at(1000)) {}
    #expect(!budget.take(960, at: at(0)) && !budget.take(960, at: at(1000)))
    #expect(budget.take(960, at: at(1020)) == true)
  }

  @Test func trialsAreFew() {
    var trials = TrialBudget()
    var taken = 0
    for tick in 0..<10_000 { for _ in 0..<10 where trials.take(at: at(Int64(tick))) { taken += 1 } }
    #expect((20_000...20_400).contains(taken), "\(taken)")
  }
}

@Suite struct MicSourceTests {
  @Test func oneFormForEachAddress() throws {
    #expect(MicHost(literal: "192.0.2.1") == MicHost(literal: "::ffff:192.0.2.1"))
    #expect(MicHost(literal: "192.0.2.1")?.description == "192.0.2.1")
    #expect(try #require(MicSource("2001:db8::1", port: 9)).description == "[2001:db8::1]:9")
    #expect(try #require(MicSource("192.0.2.1", port: 9)).description == "192.0.2.1:9")
    #expect(MicHost(literal: "host") == nil && MicHost(literal: "") == nil)
  }
}
