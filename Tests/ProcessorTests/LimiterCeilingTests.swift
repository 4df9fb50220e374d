import AudioCore
import Glibc
import Mixer
import Testing

extension Sound {
  /// What a limiter makes of it, given everything behind its end that is still in it.
  func limited(
    _ settings: TruePeakLimiter.Settings = .init(), lookahead: TruePeakLimiter.Lookahead = .standard,
    link: TruePeakLimiter.Link = .all, blocks: [Int] = [256]
  ) -> Sound {
    var limiter = TruePeakLimiter(
      rate: SampleRate(hertz: rate), layout: ChannelLayout(channels: channels.count)!, lookahead: lookahead, link: link)
    limiter.apply(settings)
    return processed(blocks: blocks) { limiter.process($0, frames: $1) }
  }
}

/// The word a limiter keeps: nothing above the ceiling, by other people's meters.
@Suite struct LimiterCeilingTests {
  static let isLong = getenv("STREAMD_SOAK") != nil
  static var seconds: Double { isLong ? 10 : 3 }

  @Test(arguments: [44_100, 48_000, 96_000]) func ceilingHolds(rate: Int) {
    for kind in HardSound.allCases {
      let sound = kind.sound(rate: rate, seconds: Self.seconds)
      for channels in [1, 2, 6, 8] {
        let input = sound.prefix(channels: channels)
        #expect(referenceTruePeak(input) > -1, "nothing to do")
        let output = input.limited()
        let over = referenceTruePeak(output) + 1
        report("\(kind) \(rate) \(channels): \(over) dB, sample peak \(decibels(output.samplePeak) + 1)")
        #expect(over <= 0.05, "\(kind), \(channels) channels")
        #expect(output.samplePeak <= Float(pow(10, -1.0 / 20)) + 1e-6, "\(kind), \(channels) channels")
      }
    }
  }

  /// Without the margin, at the short look-ahead, and with channels on their own.
  @Test(arguments: HardSound.allCases) func ceilingHoldsOtherwise(kind: HardSound) {
    let sound = kind.sound(rate: 48_000, seconds: Self.seconds)
    var settings = TruePeakLimiter.Settings()
    settings.margin = 0
    let bare = referenceTruePeak(sound.prefix(channels: 2).limited(settings)) + 1
    let short = referenceTruePeak(sound.prefix(channels: 2).limited(lookahead: .short)) + 1
    let apart = referenceTruePeak(sound.limited(link: .none)) + 1
    let pairs = referenceTruePeak(sound.limited(link: .pairs)) + 1
    report("\(kind) without margin \(bare), short \(short), apart \(apart), pairs \(pairs)")
    #expect(bare <= 0.1)
    #expect(short <= 0.1)
    #expect(apart <= 0.1)
    #expect(pairs <= 0.1)
  }
}
