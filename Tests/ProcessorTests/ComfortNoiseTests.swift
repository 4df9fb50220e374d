import AudioCore
import Glibc
import Testing

@testable import Mixer

/// Where an echo is turned down, a room that hisses goes on to hiss.
@Suite struct ComfortNoiseTests {
  private static let seconds = 10.0

  private static func settings(comfort: Bool) -> EchoCanceller.Settings {
    var settings = EchoCanceller.Settings()
    settings.comfort = comfort
    settings.suppression = Decibels(40)
    return settings
  }

  /// Level in a band, by Goertzel's sums over pieces of 10 ms.
  private func level(_ samples: ArraySlice<Float>, _ hertz: ClosedRange<Double>) -> Double {
    var (sum, count) = (0.0, 0.0)
    for start in stride(from: samples.startIndex, to: samples.endIndex - 480, by: 480) {
      for tone in stride(from: hertz.lowerBound, through: hertz.upperBound, by: 400) {
        let turn = 2 * Double.pi * tone / 48_000
        var (a, b) = (0.0, 0.0)
        for frame in 0..<480 {
          let window = 0.5 - 0.5 * cos(2 * .pi * (Double(frame) + 0.5) / 480)
          (a, b) = (Double(samples[start + frame]) * window + 2 * cos(turn) * a - b, a)
        }
        sum += a * a + b * b - 2 * cos(turn) * a * b
        count += 1
      }
    }
    return 10 * log10(sum / count + 1e-30)
  }

  /// Steady loud far end against a quiet one: the level of what is left, in each third of the spectrum, is the room's.
  @Test(arguments: [("white", -60.0), ("pink", -50)]) func roomsGoOn(colour: String, level room: Double) {
    // The far end is silent, plays, and is silent again, so that the room can be heard by itself first.
    var far = Sound.white(-25, seconds: Self.seconds)
    for frame in 0..<far.frames where frame < 3 * 48_000 || frame >= 9 * 48_000 { far.channels[0][frame] = 0 }
    let kind: HardSound = colour == "white" ? .white : .pink
    let noise = kind.sound(rate: 48_000, seconds: Self.seconds).prefix(channels: 1).levelled(room)
    let heard = EchoRoom(5, delay: 40).heard(far) + noise
    let with = heard.cancelled(far: far, Self.settings(comfort: true)).sound.channels[0]
    let without = heard.cancelled(far: far, Self.settings(comfort: false)).sound.channels[0]
    let time = 6 * 48_000..<(8 * 48_000 + 24_000)
    for band in [300.0...1500, 1500...5000, 5000...12_000] {
      let own = level(noise.channels[0][time], band)
      let (filled, bare) = (level(with[time], band) - own, level(without[time], band) - own)
      report("\(colour) \(room), \(band): \(filled) dB with, \(bare) dB without")
      #expect(abs(filled) <= 2, "\(colour) \(band)")
      #expect(bare < filled)
    }
    // With nothing played both are what the microphone hears.
    let calm = 24_000..<2 * 48_000
    #expect(with[calm] == without[calm])
  }

  /// A voice far away, with its pauses.
  @Test func roomsGoOnBehindVoices() {
    let far = Voice.sound(seed: 2, seconds: Self.seconds)
    let noise = HardSound.pink.sound(rate: 48_000, seconds: Self.seconds).prefix(channels: 1).levelled(-55)
    let heard = EchoRoom(5, delay: 40).heard(far) + noise
    let with = heard.cancelled(far: far, Self.settings(comfort: true)).sound.channels[0]
    let time = 5 * 48_000..<9 * 48_000
    let difference = level(with[time], 300...8000) - level(noise.channels[0][time], 300...8000)
    report("voice: \(difference) dB")
    #expect(abs(difference) <= 2)
  }

  /// Nobody's voice is taken for the room.
  @Test func voicesAreNoRoom() {
    let near = Voice.sound(seed: 4, seconds: 8)
    var far = Sound.white(-25, seconds: 8)
    for frame in 0..<5 * 48_000 { far.channels[0][frame] = 0 }
    var echo = EchoRoom(5, delay: 40).heard(far)
    for frame in 0..<5 * 48_000 { echo.channels[0][frame] += near.channels[0][frame] }
    let hiss = Sound.white(-75, seconds: 8, seed: 77)
    let output = (echo + hiss).cancelled(far: far, Self.settings(comfort: true)).sound
    // Whatever is left, comfort included, is far below the voice.
    #expect(Sound.meanLevel(output.channels[0][(7 * 48_000)...]) < near.meanLevel - 20)
  }

  /// Off it is what it was: no bit is another whether it was on before.
  @Test func offChangesNothing() {
    let far = Sound.white(-25, seconds: 3)
    let heard = EchoRoom(5, delay: 20).heard(far) + Sound.white(-60, seconds: 3, seed: 9)
    let plain = heard.cancelled(far: far).sound
    let switched = heard.cancelled(far: far) { place, settings in settings.comfort = place < 48_000 }.sound
    #expect(plain.channels[0][50_000...] == switched.channels[0][50_000...])
    #expect(plain.channels[0][30_000..<48_000] != switched.channels[0][30_000..<48_000])
  }
}
