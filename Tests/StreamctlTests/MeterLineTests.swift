import AudioCore
import Testing
import VirtualMic

@testable import streamctl

@Suite struct MeterLineTests {
  static func snapshot(_ layout: ChannelLayout) -> ReceiverSnapshot {
    var network = JitterStatistics()
    (network.lost, network.late, network.duplicates) = (1, 2, 3)
    return ReceiverSnapshot(
      layout: layout,
      levels: (0..<layout.count).map {
        LevelReading(rms: Decibels(-30 - Double($0)), peak: Decibels(-10))
      }, packets: 1234, network: network, jitter: .microseconds(250), delay: .milliseconds(5),
      buffered: .milliseconds(4), latencyP50: .microseconds(3210), latencyP99: .microseconds(4560))
  }

  @Test func plainIsOneLineASecond() {
    var line = MeterLine(.plain)
    let snapshot = Self.snapshot(.stereo)
    let first = line.update(snapshot, at: HostTime(nanoseconds: 0))
    #expect(
      first
        == "FL -30.0/-10.0 FR -31.0/-10.0 dBFS rms/peak, packets 1234, lost 1, late 2, dup 3, jitter 0.25 ms, "
        + "buffer 5.0 ms, latency 3.2/4.6 ms\n")
    let early = line.update(snapshot, at: HostTime(nanoseconds: 999_000_000))
    let later = line.update(snapshot, at: HostTime(nanoseconds: 1_000_000_000))
    #expect(early == nil && later != nil)
    #expect(line.end == "")
  }

  @Test(arguments: [20, 60, 80, 132, 250], [ChannelLayout.mono, .stereo, .surround71]) func terminalNeverWraps(
    _ columns: Int, _ layout: ChannelLayout
  ) throws {
    var line = MeterLine(.terminal(columns: columns, unicode: true))
    let shown = line.update(Self.snapshot(layout), at: HostTime(nanoseconds: 0))
    let text = try #require(shown)
    #expect(text.hasPrefix("\r\u{1B}[K"))
    #expect(text.count - 4 < columns && !text.contains("\n"))
    #expect(text.contains(layout == .mono ? "MONO" : "FL"))
  }

  @Test func bars() {
    func bar(_ rms: Double, _ peak: Double, _ width: Int = 12) -> String {
      MeterLine.bar(LevelReading(rms: Decibels(rms), peak: Decibels(peak)), width: width, unicode: false)
    }
    #expect(bar(-30, -10) == "######...|..")
    #expect(bar(0, 0) == "############")
    #expect(bar(20, 20) == "############")
    #expect(bar(-120, -120) == "............")
    #expect(bar(-60, -55) == "|...........")
  }

  @Test func withoutCaptureTimesNoLatencyIsShown() {
    var snapshot = Self.snapshot(.mono)
    snapshot.latencyP50 = nil
    var line = MeterLine(.plain)
    let text = line.update(snapshot, at: HostTime(nanoseconds: 0))
    #expect(text?.contains("latency") == false)
    #expect(snapshot.json.contains("\"latency_p50_ms\":null"))
    #expect(snapshot.json.hasPrefix("{\"channels\":[{\"name\":\"MONO\",\"rms_dbfs\":-30.0,\"peak_dbfs\":-10.0}],"))
  }

  @Test func numbers() {
    #expect(fixed(-0.04, 1) == "0.0" && fixed(-0.06, 1) == "-0.1" && fixed(1.005, 0) == "1")
    #expect(fixed(12.999, 2) == "13.00" && fixed(0.05, 2) == "0.05" && fixed(.infinity, 1) == "inf")
    #expect(JSONFields.quoted("a\"b\\c\n") == "\"a\\\"b\\\\c\\u000a\"")
  }
}
