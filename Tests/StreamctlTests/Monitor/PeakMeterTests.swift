import AudioCore
import Testing

@testable import streamctl

/// The ballistics against what they are said to be.
@Suite struct PeakMeterTests {
  private func time(_ seconds: Double) -> HostTime { HostTime(nanoseconds: Int64(seconds * 1e9)) }

  @Test(arguments: [5.0, 20, 25, 30, 60])
  func fallsFortyDecibelsInOnePointSevenSecondsAtAnyRate(rate: Double) {
    var meter = PeakMeter()
    meter.advance(to: Decibels(0), at: time(1))
    for step in 1...Int(2 * rate) {
      let after = Double(step) / rate
      meter.advance(to: Decibels(-100), at: time(1 + after))
      #expect(abs(meter.level.value - -after * 40 / 1.7) < 1e-6, "\(after) s")
    }
    #expect(meter.hold == Decibels(0))
  }

  @Test func risesAtOnceAndHoldsTwentySeconds() {
    var meter = PeakMeter()
    meter.advance(to: Decibels(-40), at: time(1))
    #expect(meter.level.value == -40 && meter.hold.value == -40)
    meter.advance(to: Decibels(-6), at: time(2))
    #expect(meter.level.value == -6 && meter.hold.value == -6)
    meter.advance(to: Decibels(-30), at: time(21.9))
    #expect(meter.hold.value == -6)
    meter.advance(to: Decibels(-30), at: time(22.1))
    #expect(meter.hold.value == -30)
  }

  @Test func nothingMeasuredFallsToTheFloor() {
    var meter = PeakMeter()
    meter.advance(to: Decibels(-10), at: time(0))
    meter.advance(to: nil, at: time(100))
    #expect(meter.level == .floor)
    // A clock that stands still or goes back moves nothing.
    meter.advance(to: Decibels(-10), at: time(101))
    meter.advance(to: nil, at: time(100))
    #expect(meter.level.value == -10)
  }

  @Test func clippingIsSeenForAWhile() {
    var meter = PeakMeter()
    meter.advance(to: Decibels(-0.1), at: time(0))
    #expect(!meter.isClipped(at: time(0)))
    meter.advance(to: Decibels(0), at: time(1))
    #expect(meter.isClipped(at: time(20)) && !meter.isClipped(at: time(22)))
  }

  @Test func sectionsBeginAtMinusTwentyAndMinusNine() {
    #expect([-60, -20.1, -20, -9.1, -9, 0].map { PeakMeter.Section($0) } == [.low, .low, .high, .high, .top, .top])
    // Sixty places: one a decibel.
    let text = { (level: Double, glyphs: Glyphs) in
      MeterBar.runs(level: level, hold: -5, width: 60, glyphs).map(\.text).joined()
    }
    #expect(
      text(-2.0, .ascii) == String(repeating: "=", count: 40) + String(repeating: "#", count: 11)
        + String(repeating: "@", count: 7) + "..")
    #expect(
      text(-50.0, .ascii) == String(repeating: "=", count: 10) + String(repeating: ".", count: 30) + ":"
        + String(repeating: ".", count: 10) + ":..|.....")
    #expect(text(-120, .unicode).filter { $0 == "┃" }.count == 1)
    #expect(MeterBar.number(.floor) == "  -inf" && MeterBar.number(nil) == "     -")
  }
}
