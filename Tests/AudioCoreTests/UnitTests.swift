import AudioCore
import Testing

@Suite struct UnitTests {
  @Test func framesAndDurationsAreInverse() {
    #expect(FrameCount(48_000).duration(at: .codec) == .seconds(1))
    #expect(FrameCount(240).duration(at: .codec) == .milliseconds(5))
    #expect(FrameCount(441).duration(at: SampleRate(hertz: 44_100)) == .milliseconds(10))
    #expect(SampleRate.codec.frames(in: .microseconds(2500)) == 120)
    #expect(SampleRate.codec.frames(in: .zero - .milliseconds(5)) == -240)
    #expect(SampleRate.codec.frames(in: HostDuration(nanoseconds: 20_833)) == 0)
    #expect(SampleRate.codec.frames(in: HostDuration(nanoseconds: 20_834)) == 1)
  }

  /// A year of nanoseconds times the rate would overflow if it were multiplied at once.
  @Test func longTimesDoNotOverflow() {
    let year = HostDuration.seconds(366 * 24 * 3600)
    #expect(SampleRate(hertz: 192_000).frames(in: year) == FrameCount(366 * 24 * 3600 * 192_000))
    #expect(SampleRate(hertz: 192_000).frames(in: .zero - year) == FrameCount(-366 * 24 * 3600 * 192_000))
    #expect(FrameCount(24 * 3600 * 48_000).duration(at: .codec) == .seconds(24 * 3600))
  }

  @Test func arithmeticAndOrder() {
    var count: FrameCount = 10
    count += 5
    count -= 1
    #expect(count == 14 && FrameCount(3) < 4 && count - 4 == 10)
    let time = HostTime(nanoseconds: 1_000_000)
    #expect(time + .milliseconds(2) - time == .milliseconds(2))
    #expect(time - .microseconds(500) < time)
    #expect(HostDuration.milliseconds(3) * 2 / 3 == .milliseconds(2))
    #expect(HostDuration.microseconds(1500).milliseconds == 1.5)
    #expect(Decibels(-20) < Decibels(-6))
  }

  @Test(arguments: [(0.0, 1.0), (-20, 0.1), (-6.020599913279624, 0.5), (20, 10)])
  func decibelsAreOfAmplitude(level: Double, amplitude: Double) {
    #expect(abs(Decibels(level).amplitude - amplitude) < 1e-12)
    #expect(abs(Decibels(amplitude: amplitude).value - level) < 1e-12)
  }

  @Test func silenceIsTheFloor() {
    for amplitude in [0, -1, 1e-9, Double.nan, 1e-300] { #expect(Decibels(amplitude: amplitude) == .floor) }
    #expect(Decibels.floor.amplitude == 0)
    #expect(Decibels(-200).amplitude == 0)
    #expect(Decibels(-119).amplitude > 0)
  }
}

@Suite struct ChannelLayoutTests {
  @Test func gameStreamOrder() {
    #expect(ChannelLayout.surround71.names == ["FL", "FR", "FC", "LFE", "RL", "RR", "SL", "SR"])
    #expect(ChannelLayout.surround51.names == ["FL", "FR", "FC", "LFE", "RL", "RR"])
    #expect(ChannelLayout.stereo.names == ["FL", "FR"])
    #expect(ChannelLayout.mono.names == ["MONO"])
    #expect((0...10).compactMap { ChannelLayout(channels: $0)?.count } == [1, 2, 6, 8])
  }

  @Test func refusesWhatIsNoLayout() {
    #expect(ChannelLayout([]) == nil)
    #expect(ChannelLayout([.frontLeft, .frontLeft]) == nil)
    #expect(ChannelLayout(ChannelLabel.allCases) == nil)
    #expect(ChannelLabel(name: "FLX") == nil)
    #expect(ChannelLabel(name: "") == nil)
  }

  @Test func labelsSurvivePackingInAnyOrder() throws {
    for label in ChannelLabel.allCases { #expect(ChannelLabel(name: label.name) == label) }
    for _ in 0..<200 {
      let labels = Array(ChannelLabel.allCases.shuffled().prefix(Int.random(in: 1...8)))
      let layout = try #require(ChannelLayout(labels))
      #expect(layout.labels == labels)
      for label in ChannelLabel.allCases { #expect(layout.index(of: label) == labels.firstIndex(of: label)) }
      #expect((layout == ChannelLayout(labels.reversed())!) == (labels.count == 1))
    }
  }

  /// Packing must not confuse "mono first" (zero) with "nothing".
  @Test func lengthIsPartOfIdentity() {
    #expect(ChannelLayout([.frontLeft])! != ChannelLayout([.frontLeft, .mono])!)
  }
}
