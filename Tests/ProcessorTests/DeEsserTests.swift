import AudioCore
import Glibc
import Mixer
import Testing

@Suite struct DeEsserTests {
  func processed(_ sound: Sound, blocks: [Int] = [256]) -> Sound {
    var deEsser = DeEsser(rate: SampleRate(hertz: sound.rate), channels: sound.channels.count)
    return sound.processed(blocks: blocks) { deEsser.process($0, frames: $1) }
  }

  @Test func sharpSoundIsTurnedDown() {
    for (hertz, tolerance) in [(8000.0, 3.0), (11_000, 1.2)] {
      for (level, expected) in [(-40.0, 0.0), (-20, 7.5), (-10, 12)] {
        let tone = Sound.sine(hertz, decibels: level, seconds: 0.5)
        let residue = ToneResidue(processed(tone).channels[0][12_000...], hertz: hertz)
        let reduction = level - decibels(residue.amplitude)
        report("\(hertz) Hz at \(level): \(reduction) dB")
        // Neither filter has quite reached its pass band.
        #expect(reduction > expected - tolerance && reduction < expected + 0.1)
      }
    }
  }

  @Test func otherSoundIsNot() {
    let vowel = Sound.sine(300, decibels: -6, channels: 2, seconds: 0.5)
    #expect(processed(vowel) == vowel)
    let both = Sound(seconds: 1) { _, time in 0.3 * sin(2 * .pi * 300 * time) + 0.3 * sin(2 * .pi * 9000 * time) }
    let output = processed(both).channels[0][24_000...]
    #expect(abs(decibels(ToneResidue(output, hertz: 300).amplitude / 0.3)) < 0.1)
    #expect(decibels(ToneResidue(output, hertz: 9000).amplitude / 0.3) < -8)
  }

  @Test func blocksChangeNothing() {
    let drums = HardSound.drums.sound(rate: 48_000, seconds: 0.5).prefix(channels: 2)
    let whole = processed(drums, blocks: [drums.frames])
    for blocks in Sound.cuts { #expect(processed(drums, blocks: blocks) == whole) }
  }

  @Test func brokenSamplesAreForgotten() {
    for bits in wildBits {
      var input = Sound.sine(300, decibels: -20, channels: 1, seconds: 1.6)
      let tone = input
      for frame in 8000..<8100 { input.channels[0][frame] = Float(bitPattern: bits) }
      let output = processed(input)
      #expect(output.channels[0].allSatisfy { $0.isFinite })
      #expect(output.slice(67_000..<76_800) == tone.slice(67_000..<76_800))
    }
  }
}
