import AudioCore
import Glibc
import Mixer
import SoundFiles
import TestSupport
import Testing

@testable import streamctl

@Suite struct MeasureTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func measured(_ channels: [[Float]], rate: Int = 48_000, dualMono: Bool = false) throws -> SoundMeasurement {
    let path = directory.path + "/sound.wav"
    try WaveFile(rate: rate, channels: channels).write(to: path)
    return SoundMeasurement(of: try SoundFile(path: path), dualMono: dualMono)
  }

  private func sine(_ frequency: Double, _ amplitude: Double, seconds: Double) -> [Float] {
    (0..<Int(seconds * 48_000)).map { Float(amplitude * sin(2 * Double.pi * frequency * Double($0) / 48_000)) }
  }

  @Test func aTone() throws {
    let tone = sine(997, 0.1, seconds: 5)
    let found = try measured([tone, tone.map { $0 / 2 + 0.01 }])
    #expect(found.frames == 240_000 && found.seconds == 5)
    // −23.01 and −29.03 together.
    #expect(abs((found.loudness.integrated ?? 0) + 22.04) < 0.05)
    #expect(abs(found.loudness.truePeak.value + 20) < 0.05)
    #expect(abs(found.channels[0].rms.value + 23.01) < 0.01 && abs(found.channels[0].peak.value + 20) < 0.01)
    #expect(abs(found.channels[0].offset) < 1e-4 && abs(found.channels[1].offset - 0.01) < 1e-4)
    #expect(found.clicks == 0 && found.channels.map(\.name) == ["FL", "FR"])
    let dual = try measured([tone], dualMono: true)
    #expect(abs((dual.loudness.integrated ?? 0) + 20.0) < 0.05)
  }

  @Test func whatIsPrinted() throws {
    let tone = sine(997, 0.1, seconds: 4)
    let found = try measured([tone, tone])
    #expect(found.text.contains("loudness       -20.00 LUFS") && found.text.contains("true peak      -20.00 dBTP"))
    #expect(found.json.hasPrefix("{\"seconds\":4.000,\"rate\":48000,"))
    #expect(found.json.contains("\"integrated_lufs\":-20.00,") && found.json.contains("\"clicks\":0,"))
    let silent = try measured([Array(repeating: 0, count: 48_000)])
    #expect(silent.text.contains("loudness       none") && silent.json.contains("\"integrated_lufs\":null"))
  }

  @Test func commandRefuses() throws {
    func status(_ arguments: [String]) -> streamctl.ExitStatus? {
      let error = #expect(throws: Failure.self) {
        _ = try MeasureCommand.run(Options(arguments, flags: MeasureCommand.flags, values: MeasureCommand.values))
      }
      return error?.status
    }
    #expect(status([]) == .usage && status(["a.wav", "b.wav"]) == .usage)
    #expect(status(["/nowhere/at.all"]) == .notFound)
    try WaveFile(rate: 48_000, channels: [[]]).write(to: directory.path + "/empty.wav")
    #expect(status([directory.path + "/empty.wav"]) == .refused)
    #expect(status(["/dev/null"]) == .refused)
  }

  /// Clicks in a tone, in noise and in silence, each at its place.
  @Test func clicksAreFound() throws {
    var random = SystemRandomNumberGenerator()
    var tone = sine(440, 0.3, seconds: 2)
    tone[30_000] += 0.1
    tone.remove(at: 60_000)
    var silence = [Float](repeating: 0, count: tone.count)
    silence[40_000] = 0.01
    var noise = tone.map { _ in Float.random(in: -0.05...0.05, using: &random) }
    noise[50_000] = 0.9
    let found = try measured([tone, silence, noise])
    #expect(found.channels.map(\.clicks) == [2, 1, 1])
    let expected = [30_000, 40_000, 50_000, 60_000].map { Double($0) / 48_000 }
    #expect(found.clickTimes.count == 4)
    for (time, place) in zip(found.clickTimes, expected) { #expect(abs(time - place) < 0.0001, "\(time)") }
  }

  /// Tones of any pitch, noise, onsets and decays are no clicks.
  @Test func musicHasNoClicks() throws {
    var sound: [Float] = []
    for pitch in [30.0, 440, 5000, 15_000, 23_000] {
      sound += sine(pitch, 0.5, seconds: 0.3).enumerated().map { place, sample in
        let fade = min(Float(place) / 480, Float(14_400 - place) / 480, 1)
        return sample * fade
      }
    }
    var random = SystemRandomNumberGenerator()
    for hit in 0..<6 {
      let level = Float(hit + 1) / 7
      sound += (0..<9600).map { level * exp(-Float($0) / 2000) * Float.random(in: -1...1, using: &random) }
    }
    #expect(try measured([sound]).clicks == 0)
  }

  @Test func brokenSamplesAreCounted() throws {
    var tone = sine(997, 0.1, seconds: 1)
    tone[100] = .nan
    tone[200] = .infinity
    let found = try measured([tone])
    #expect(found.channels[0].broken == 2 && found.channels[0].offset.isFinite)
    #expect(found.loudness.truePeak.value < -15 && found.text.contains("2 samples are no numbers"))
  }
}
