import AudioCore
import Control
import Testing

@testable import Metering

/// What is merged and handed out; time is an argument.
@Suite struct MeterWindowTests {
  private let name = MeterName(.bus, "main")

  private func reading(_ peak: Float, power: Double = 0, frames: Int = 480, reduction: Double? = nil) -> MeterReading {
    var levels = LevelWindow(channels: 1)
    (levels.peaks, levels.squares, levels.frames) = ([peak], [power * Double(frames)], frames)
    return MeterReading(
      name, labels: ["FL"], levels: levels,
      figures: [MeterFigure("reduction_db", reduction, .highest), MeterFigure("momentary_lufs", Double(peak))])
  }

  @Test func theHighestIsKeptAndPowersAreMeans() throws {
    var window = MeterWindow(from: HostTime(nanoseconds: 0))
    window.add([reading(0.25, power: 0.01, reduction: 3)], at: HostTime(nanoseconds: 10_000_000))
    window.add([reading(1, power: 0.03, frames: 1440)], at: HostTime(nanoseconds: 20_000_000))
    window.add([reading(0.5, power: 0.01, reduction: 1)], at: HostTime(nanoseconds: 30_000_000))
    let bus = try #require(window.json["buses"]?[0])
    #expect(bus["bus"] == "main" && bus["channels"] == ["FL"] && bus["peak_dbfs"] == [0.0])
    #expect(bus["rms_dbfs"]?[0]?.doubleValue == -16.58 && bus["frames"] == 2400)
    #expect(bus["reduction_db"]?.doubleValue == 3 && bus["momentary_lufs"]?.doubleValue == 0.5)
    #expect(window.json["span_ms"]?.doubleValue == 30)
    _ = window.take()
    #expect(window.json["buses"] == [] && window.begin == HostTime(nanoseconds: 30_000_000))
  }

  @Test func silenceIsTheFloorAndNothingIsNull() throws {
    var window = MeterWindow(from: HostTime(nanoseconds: 0))
    window.add([reading(0)], at: HostTime(nanoseconds: 1))
    #expect(window.json["buses"]?[0]?["peak_dbfs"] == [-120.0])
    window = MeterWindow(from: HostTime(nanoseconds: 0))
    window.add([reading(0, frames: 0)], at: HostTime(nanoseconds: 1))
    #expect(window.json["buses"]?[0]?["peak_dbfs"] == [nil])
    #expect(window.json["buses"]?[0]?["reduction_db"] == JSON.null)
  }

  /// Readers at all sorts of rates, some of them lagging: every impulse of one sample is in exactly one window of each, and
  /// the frames of all windows add up.
  @Test(arguments: 1...20)
  func everyReaderSeesEveryPeakOnce(seed: UInt64) {
    var random = Sequence64(seed)
    var now = HostTime(nanoseconds: 0)
    let rates = (0..<6).map { _ in Double(random.next() % 60 + 1) }
    let fastest = rates.max()!
    let tick = HostDuration(nanoseconds: Int64(1e9 / max(fastest, 20)))
    var windows = rates.map { _ in MeterWindow(from: now) }
    var paces = rates.map { MeterPace(rate: $0, from: now) }
    var heard: [[Float]] = rates.map { _ in [] }
    var frames = rates.map { _ in 0 }
    var sent = rates.map { _ in 0 }
    var impulses: [Float] = []
    var total = 0
    var loudest: Float = 0
    for step in 1...1200 {
      // Ticks are late now and then.
      now = now + tick + HostDuration(nanoseconds: Int64(random.next() % 3_000_000))
      // Each louder than any before it, so that none hides another.
      let isImpulse = random.next() % 37 == 0
      if isImpulse {
        loudest += 0.001
        impulses.append(loudest)
      }
      let count = Int(random.next() % 900)
      total += count + 1
      let collected = [reading(isImpulse ? loudest : 0, frames: count + 1)]
      for reader in rates.indices {
        windows[reader].add(collected, at: now)
        let isReady = step == 1200 || random.next() % 5 > 0
        guard step == 1200 || (paces[reader].isDue(at: now, tick: tick) && isReady) else { continue }
        paces[reader].sent(at: now)
        sent[reader] += 1
        let levels = windows[reader].take()[name]?.levels
        frames[reader] += levels?.frames ?? 0
        if let peak = levels?.peaks[0], peak > 0 { heard[reader].append(peak) }
      }
    }
    let seconds = Double(now.nanoseconds) / 1e9
    for reader in rates.indices {
      #expect(frames[reader] == total)
      // Of several in one window the highest is told.
      #expect(heard[reader] == heard[reader].sorted() && Set(heard[reader]).count == heard[reader].count)
      #expect(heard[reader].allSatisfy { impulses.contains($0) } && heard[reader].last == impulses.last)
      #expect(Double(sent[reader]) <= rates[reader] * seconds + 2)
    }
    let quickest = rates.indices.max { rates[$0] < rates[$1] }!
    #expect(heard[quickest].count >= heard.map(\.count).max()! - impulses.count / 3)
  }

  @Test func paceIsKeptOnAverageAndMissedTimeIsNotCaughtUp() {
    let tick = HostDuration(nanoseconds: 16_666_667)
    var pace = MeterPace(rate: 25, from: HostTime(nanoseconds: 0))
    var now = HostTime(nanoseconds: 0)
    var sent = 0
    for _ in 0..<600 {
      now = now + tick
      if pace.isDue(at: now, tick: tick) {
        pace.sent(at: now)
        sent += 1
      }
    }
    #expect((249...251).contains(sent), "\(sent) in ten seconds at 25 Hz")
    now = now + .seconds(5)
    var burst = 0
    for _ in 0..<6 {
      now = now + tick
      if pace.isDue(at: now, tick: tick) {
        pace.sent(at: now)
        burst += 1
      }
    }
    #expect(burst <= 4, "\(burst) in a tenth of a second after a pause")
  }
}

/// Numbers that are the same in every run.
private struct Sequence64 {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }
}
