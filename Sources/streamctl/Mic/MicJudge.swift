import AudioCore
import Control
import Glibc

/// Says what a recording of the microphone holds: pitch, level, breaks. The verdict of a test tone's way through.
enum MicJudge {
  static let values: Set<String> = ["--expect-tone", "--expect-level"]

  /// Sound at the beginning that is not judged: the recorder was there before the talker.
  private static let threshold: Float = 0.01
  /// And where it ends, which is a break of its own.
  private static let tail = 4800

  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 2)
    guard options.words.count == 2 else { throw Failure(.usage, "usage", "mic judge needs a WAV file") }
    let tone = try options.number("--expect-tone", in: 20...20_000)
    let level = try options.number("--expect-level", in: -120...0)
    let path = options.words[1]
    let voice: WAVReader.Sound
    do throws(WAVReadError) { voice = try WAVReader.read(path).folded(to: 1).resampled(to: .codec) } catch {
      throw Failure(.refused, error.code, "\(path): \(error.message)")
    }
    let sound = heard(voice.samples)
    guard let found = Spectrum.dominant(sound) else {
      print(options.asJSON ? #"{"heard_s":0}"# : "nothing was heard")
      return .degraded
    }
    var tracker = ToneTracker(isFollowed: true)
    sound.withUnsafeBufferPointer { tracker.feed($0, channel: 0, channels: 1) }
    let heardLevel = Decibels(amplitude: found.amplitude).value
    let seconds = Double(sound.count) / 48_000
    let isAsked =
      (tone.map { abs(found.frequency - $0) < 1 } ?? true) && (level.map { abs(heardLevel - $0) < 0.3 } ?? true)
    let isWhole = tracker.breaks.map { $0 == 0 } ?? (tone == nil)
    if options.asJSON {
      let verdict: JSONObject = [
        "heard_s": JSON(seconds), "frequency_hz": JSON(found.frequency), "level_dbfs": JSON(heardLevel),
        "breaks": tracker.breaks.map { JSON($0) } ?? .null, "as_expected": .bool(isAsked && isWhole),
      ]
      print(JSON.object(verdict).text)
    } else {
      let breaks = tracker.breaks.map { "\($0) breaks" } ?? "too short to look for breaks"
      print(
        "recorded \(rounded(seconds, 1)) s: \(rounded(found.frequency, 1)) Hz at \(rounded(heardLevel, 1)) dBFS, \(breaks)"
      )
    }
    return isAsked && isWhole ? .ok : .degraded
  }

  /// Between the first sound and the last.
  private static func heard(_ samples: [Float]) -> [Float] {
    guard let first = samples.firstIndex(where: { abs($0) > threshold }),
      let last = samples.lastIndex(where: { abs($0) > threshold }), last - first > 2 * tail
    else { return [] }
    return Array(samples[(first + tail)..<(last - tail)])
  }

  private static func rounded(_ value: Double, _ places: Int) -> Double {
    let scale = pow(10, Double(places))
    return (value * scale).rounded() / scale
  }
}
