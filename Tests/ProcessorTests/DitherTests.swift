import AudioCore
import Glibc
import Mixer
import Testing

@Suite struct DitherTests {
  func processed(_ sound: Sound, _ settings: Dither.Settings = .init(), blocks: [Int] = [256], seed: UInt64 = 1)
    -> Sound
  {
    var dither = Dither(rate: SampleRate(hertz: sound.rate), channels: sound.channels.count, seed: seed)
    dither.apply(settings)
    return sound.processed(blocks: blocks) { dither.process($0, frames: $1) }
  }

  /// The amplitude at one frequency, by correlation over whole periods.
  static func level(_ hertz: Double, _ samples: [Float]) -> Double {
    var (s, c) = (0.0, 0.0)
    for (frame, sample) in samples.enumerated() {
      let angle = 2 * .pi * hertz * Double(frame) / 48_000
      s += Double(sample) * sin(angle)
      c += Double(sample) * cos(angle)
    }
    return decibels(2 * (s * s + c * c).squareRoot() / Double(samples.count))
  }

  /// A tone of a few steps keeps its form: no harmonics, which rounding alone has plenty of.
  @Test(arguments: [Dither.Shape.flat, .highPass]) func quietTonesHaveNoHarmonics(shape: Dither.Shape) {
    let seconds = 32.0
    let tone = Sound.sine(1000, decibels: -90, seconds: seconds)
    var settings = Dither.Settings()
    settings.shape = shape
    let output = processed(tone, settings).channels[0]
    let harmonics = (2...9).map { Self.level(1000 * Double($0), output) }
    // So long, what noise alone leaves at one frequency is 150 dB below full scale on the average.
    report("\(shape): tone \(Self.level(1000, output)), harmonics \(harmonics.map { ($0 * 10).rounded() / 10 })")
    #expect(abs(Self.level(1000, output) + 90) < 0.1)
    #expect(harmonics.max()! < -120)
    settings.noise = false
    #expect((2...9).map { Self.level(1000 * Double($0), processed(tone, settings).channels[0]) }.max()! > -110)
  }

  @Test func noiseIsWhatItShouldBe() {
    let tone = Sound.sine(997, decibels: -20, seconds: 4)
    let output = processed(tone).channels[0]
    let errors = zip(output, tone.channels[0]).map { Double($0) - Double($1) }
    let mean = errors.reduce(0, +) / Double(errors.count) * 32_768
    let power = 10 * log10(errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count))
    report("noise \(power) dBFS, mean \(mean) steps")
    // A quarter of a step squared: −96.33 dB of a full-scale square.
    #expect(power > -96.5 && power < -93)
    #expect(abs(mean) < 0.01)
    for sample in output { #expect(sample * 32_768 == (sample * 32_768).rounded()) }
  }

  @Test func silenceStaysSilent() {
    var sound = Sound([[Float](repeating: 0, count: 96_000)])
    #expect(processed(sound) == sound)
    sound.channels[0][100] = 0.5
    let output = processed(sound).channels[0]
    #expect(output[101...1000].contains { $0 != 0 })
    #expect(output[1100...].allSatisfy { $0 == 0 })
  }

  @Test func fullScaleIsTheLimit() {
    for bits in [8, 16, 24] {
      var settings = Dither.Settings()
      settings.bits = bits
      let output = processed(Sound([[2, -2, .nan, .infinity, 1, -1, 0.999999]]), settings).channels[0]
      let step = 1 / Float(1 << (bits - 1))
      #expect(output.allSatisfy { $0 >= -1 && $0 <= 1 - step })
      #expect(output[0] == 1 - step && output[1] == -1)
    }
  }

  @Test func blocksAndSeeds() {
    let noise = HardSound.pink.sound(rate: 48_000, seconds: 0.2).scaled(0.1)
    let whole = processed(noise, blocks: [noise.frames])
    for blocks in Sound.cuts { #expect(processed(noise, blocks: blocks) == whole) }
    #expect(processed(noise, seed: 2) != whole)
    // No two channels have the same noise.
    let same = Sound([noise.channels[0], noise.channels[0]])
    let output = processed(same)
    #expect(output.channels[0] != output.channels[1])
  }
}
