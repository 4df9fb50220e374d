import AudioCore
import Glibc
import TestSupport
import Testing

@testable import Mixer

/// ffmpeg's meter, where there is one.
enum OtherMeter {
  static let program = "/usr/bin/ffmpeg"
  static let isHere = access(program, X_OK) == 0

  /// The highest true peak in dBTP, to a tenth.
  static func truePeak(_ sound: TestSound) throws -> Double {
    var interleaved = [Float](repeating: 0, count: sound.frames * sound.channels.count)
    for (channel, plane) in sound.channels.enumerated() {
      for frame in plane.indices { interleaved[frame * sound.channels.count + channel] = plane[frame] }
    }
    let directory = try TemporaryDirectory()
    let path = directory.path + "/sound.f32"
    let file = open(path, O_CREAT | O_WRONLY | O_EXCL, 0o600)
    let bytes = interleaved.count * MemoryLayout<Float>.size
    let written = interleaved.withUnsafeBytes { write(file, $0.baseAddress, bytes) }
    close(file)
    guard written == bytes else { throw SupportError("cannot write \(path)") }
    let result = try Child.run([
      program, "-nostats", "-hide_banner", "-f", "f32le", "-ar", "\(sound.rate)", "-ac", "\(sound.channels.count)",
      "-i", path, "-filter", "ebur128=peak=true", "-f", "null", "-",
    ])
    // The summary: `True peak:`, and below it `Peak: -1.1 dBFS`.
    let summary = result.standardError.split(separator: "True peak:").last ?? ""
    let words = summary.split(whereSeparator: { $0 == " " || $0 == "\n" })
    guard words.count > 1, words[0] == "Peak:", let value = Double(words[1]) else {
      throw SupportError("no true peak in: \(result.standardError.suffix(400))")
    }
    return value
  }
}

/// Leveller, compressor with its own make-up and limiter, one behind the other as they are set when nobody sets them; what
/// comes out is heard by the leveller.
private struct Chain {
  var sound: TestSound
  /// The leveller's gain after each 10 ms.
  var gains: [Double] = []

  init(_ input: TestSound, compresses: Bool = true, boost: Double = 12) {
    sound = input
    let layout = ChannelLayout(channels: input.channels.count)!
    let rate = SampleRate(hertz: input.rate)
    var settings = LevellerSettings()
    settings.mostBoost = Decibels(boost)
    var leveller = Leveller(format: StreamFormat(rate: rate, layout: layout), settings: settings)
    var reduced = Compressor.Settings()
    reduced.autoMakeUp = true
    var compressor = Compressor(rate: rate, channels: layout.count, settings: reduced)
    var limiter = TruePeakLimiter(rate: rate, layout: layout)
    var found: [Double] = []
    found.reserveCapacity(input.frames / 480 + 1)
    sound.render(block: input.rate / 100) { planes, frames in
      leveller.process(planes, frames: frames)
      if compresses { compressor.process(planes, frames: frames) }
      limiter.process(planes, frames: frames)
      leveller.hear(planes, frames: frames)
      found.append(leveller.gain.value)
    }
    gains = found
  }

  func loudness(last seconds: Double) -> Double {
    ReferenceMeter(sound.keeping(last: seconds), peaks: false).integrated
  }
}

/// What a listener gets of the whole chain, by other people's meters.
@Suite struct ChainTests {
  static let sounds = ["pink", "tone", "speech"]

  private func sound(_ name: String, _ level: Double, seconds: Double) -> TestSound {
    switch name {
    case "pink": pink(level, seconds: seconds)
    case "speech": speech(level, seconds: seconds)
    default: TestSound(sine: 997, level: level + 0.01, seconds: seconds, channels: 2)
    }
  }

  @Test(arguments: sounds, [-28.0, -18, -8]) func comesOutAtTheTarget(name: String, level: Double) throws {
    let made = Chain(sound(name, level, seconds: 30))
    let found = made.loudness(last: 15)
    let peak = ReferenceMeter(made.sound).truePeak
    report("chain, \(name) at \(level): \(found) LUFS, \(peak) dBTP")
    #expect(abs(found + 18) <= 0.7, "\(found)")
    #expect(peak <= -1 + 0.1, "\(peak)")
  }

  /// The same as nodes of a graph, whose leveller does not hear the end: the compressor makes up for itself.
  @Test(arguments: sounds, [-28.0, -18, -8]) func comesOutAtTheTargetOfAGraph(name: String, level: Double) throws {
    let input = sound(name, level, seconds: 30)
    let engine = Engine()
    let run = OfflineRun(engine) { channel, position in input.channels[channel][Int(position)] }
    var graph = Graph()
    var last = try graph.add("input", name: "in")
    for (kind, parameters) in [("leveller", [:]), ("compressor", ["auto_make_up": 1.0]), ("limiter", [:])] {
      let next = try graph.add(kind, name: kind, parameters: parameters)
      try graph.connect(last, next)
      last = next
    }
    let output = try graph.add("output", name: "out")
    try graph.connect(last, output)
    try engine.commit(graph)
    var made = TestSound(silence: 0, channels: 2)
    while made.frames < input.frames {
      let block = run.advance(480)
      for channel in 0..<2 {
        made.channels[channel] += UnsafeBufferPointer(start: block.channel(channel), count: block.frames)
      }
    }
    let found = ReferenceMeter(made.keeping(last: 15), peaks: false).integrated
    let peak = ReferenceMeter(made).truePeak
    report("graph, \(name) at \(level): \(found) LUFS, \(peak) dBTP")
    #expect(abs(found + 18) <= 0.7, "\(found)")
    #expect(peak <= -1 + 0.1, "\(peak)")
  }

  /// At the target after silence: nothing moves, whatever the compressor adds.
  @Test(arguments: sounds) func beginningsAreRight(name: String) {
    let made = Chain(
      TestSound.joined([TestSound(silence: 10, channels: 2), sound(name, -18, seconds: 3)]), compresses: false)
    let worst = made.gains.map { abs($0) }.max()!
    report("chain, start of \(name): \(worst) dB")
    // Of speech every word is another loudness.
    #expect(worst <= (name == "speech" ? 3 : 0.3), "\(worst)")
  }

  @Test(arguments: sounds) func pausesHoldTheGain(name: String) {
    let made = Chain(
      TestSound.joined([
        sound(name, -26, seconds: 20), TestSound(silence: 5, channels: 2), sound(name, -26, seconds: 1),
      ]))
    let before = made.gains[1999]
    // The gain goes on to where the last words sent it: half a second.
    let drift = made.gains[2000..<2500].map { abs($0 - before) }.max()!
    report("chain, pause after \(name): \(drift) dB")
    #expect(drift <= 0.2, "\(drift)")
  }

  /// Much louder than the ceiling, and by two meters not above it.
  @Test(.enabled(if: OtherMeter.isHere, "ffmpeg is not installed"), arguments: [44_100, 48_000])
  func theCeilingByAnotherMeter(rate: Int) throws {
    for kind in HardSound.allCases {
      let hard = kind.sound(rate: rate, seconds: 3).prefix(channels: 2).limited()
      let found = try OtherMeter.truePeak(TestSound(channels: hard.channels, rate: rate))
      report("ceiling by ffmpeg, \(kind) at \(rate): \(found) dBTP")
      #expect(found <= -1 + 0.1, "\(kind): \(found)")
    }
    let made = Chain(sound("pink", -8, seconds: 10), boost: 30)
    #expect(try OtherMeter.truePeak(made.sound) <= -0.9)
  }
}
