import AudioCore
import Glibc
import Mixer
import SoundFiles
import TestSupport
import Testing

@testable import GraphFiles
@testable import streamctl

/// Files through chains, by the program itself.
@Suite struct RenderCommandTests {
  private let directory: TemporaryDirectory
  private static let rate = 48_000

  init() throws { directory = try TemporaryDirectory() }

  private func path(_ name: String) -> String { directory.path + "/" + name }

  /// A stereo file of one signal; returns its samples.
  @discardableResult
  private func file(_ name: String, seconds: Double, _ signal: (Int) -> Float) throws -> [Float] {
    let samples = (0..<Int(seconds * Double(Self.rate))).map(signal)
    let file = try SoundFileLibrary().writer(
      path: path(name), kind: .wav, encoding: .float32, rate: .codec, channels: 2)
    try file.write(samples.flatMap { [$0, $0] }, frames: samples.count)
    return samples
  }

  private func run(_ words: String...) -> Int32 { Program.main(["render"] + words) }

  private func measured(_ name: String) throws -> SoundMeasurement {
    SoundMeasurement(of: try SoundFile(path: path(name)))
  }

  private static func bytes(of path: String) throws -> [UInt8] {
    guard let file = fopen(path, "r") else { throw SupportError("\(path) is not there") }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4 << 20)
    return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
  }

  private static func noise(_ level: Double, seed: UInt64 = 1) -> (Int) -> Float {
    var state = seed
    var (slow, fast) = (0.0, 0.0)
    return { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let white = Double(Int64(bitPattern: state) >> 32) / 2_147_483_648
      slow += 0.02 * (white - slow)
      fast += 0.3 * (white - fast)
      return Float(level * (3 * slow + fast))
    }
  }

  /// What is soft enough comes out of the limiter as it went in: to the bit, in time and of the same length.
  @Test func transparentIsBitExact() throws {
    let samples = try file("in.wav", seconds: 1.234, Self.noise(0.4))
    #expect(run(path("in.wav"), "--chain", "transparent", "--out", path("out.wav")) == 0)
    let wave = try WaveFile(reading: path("out.wav"))
    #expect(wave.channels.count == 2 && wave.channels.allSatisfy { $0 == samples })
  }

  @Test func whatIsTooLoudIsLimited() throws {
    try file("in.wav", seconds: 2, Self.noise(3))
    #expect(run(path("in.wav"), "--chain", "transparent", "--out", path("out.wav")) == 0)
    let (before, after) = (try measured("in.wav"), try measured("out.wav"))
    #expect(before.loudness.truePeak.value > 2)
    #expect(after.loudness.truePeak.value <= -0.9 && after.loudness.truePeak.value > -2)
    #expect(after.frames == before.frames)
  }

  /// Each chain that promises a loudness reaches it, from soft and from loud sound, and none goes above its ceiling.
  @Test(arguments: [
    ("voice", -18.0, -1.0), ("music", -16, -1), ("film", -20, -1), ("night", -22, -9), ("party", -13, -1),
    ("broadcast", -23, -1),
  ]) func chainsReachTheirLoudness(name: String, target: Double, ceiling: Double) throws {
    for level in Breadth.of([0.08, 0.5], brief: [name.count % 2 == 0 ? 0.08 : 0.5]) {
      try file("in.wav", seconds: 30, Self.noise(level))
      #expect(run(path("in.wav"), "--chain", name, "--out", path("out.wav")) == 0)
      let wave = try WaveFile(reading: path("out.wav"))
      let end = Array(wave.channels[0].suffix(15 * Self.rate))
      try file("end.wav", seconds: 15) { end[$0] }
      let found = try #require(try measured("end.wav").loudness.integrated)
      #expect(abs(found - target) <= 0.7, "\(name) from \(level): \(found) LUFS")
      #expect(try measured("out.wav").loudness.truePeak.value <= ceiling + 0.1)
    }
  }

  @Test func presetsAreWhole() throws {
    #expect(ChainPresets.all.map(\.name) == ChainPresets.texts.map(\.name))
    try file("in.wav", seconds: 0.5, Self.noise(0.3))
    for chain in ChainPresets.all {
      #expect(!chain.summary.isEmpty)
      #expect(run(path("in.wav"), "--chain", chain.name, "--json") == 0)
      #expect(Program.main(["chain", "graph", chain.name, "--channels", "7.1"]) == 0)
    }
  }

  /// Sixteen bits with dither: a tone far below one step is still there, and nothing is its harmonic.
  @Test func wholeNumbersAreDithered() throws {
    let tone = { (frame: Int) in Float(0.3 / 32_768 * sin(2 * .pi * 1000 * Double(frame) / 48_000)) }
    try file("in.wav", seconds: 4, tone)
    #expect(
      run(path("in.wav"), "--chain", "transparent", "--out", path("out.wav"), "--encoding", "s16") == 0)
    let sound = try SoundFile(path: path("out.wav"))
    #expect(sound.format.contains("16"))
    let wave = try WaveFile(reading: path("out.wav"))
    let expected = 20 * log10(0.3 / 32_768)
    #expect(abs(ToneAnalysis.level(of: 1000, in: wave.channels[0], rate: 48_000) - expected) < 1)
    #expect(ToneAnalysis.level(of: 3000, in: wave.channels[0], rate: 48_000) < expected - 20)
  }

  /// Whole numbers that are written come back as they were.
  @Test func stepsAreKept() throws {
    let steps: [Float] = [0, 1, -1, 32_767, -32_768, 12_345, -4567].map { $0 / 32_768 }
    do {
      let file = try SoundFileLibrary().writer(
        path: path("s.wav"), kind: .wav, encoding: .integer16, rate: .codec, channels: 1)
      try file.write(steps + [2, -2, .nan], frames: steps.count + 3)
    }
    let wave = try WaveFile(reading: path("s.wav"))
    #expect(wave.channels[0] == steps + [32_767 / 32_768, -1, 0])
  }

  /// The picture is read by somebody else: its size, and a dot of each curve's colour.
  @Test func picturesAreDrawn() throws {
    try file("in.wav", seconds: 3, Self.noise(2))
    #expect(run(path("in.wav"), "--chain", "night", "--plot", path("p.png")) == 0)
    let raw = try Child.run([
      "ffmpeg", "-v", "error", "-i", path("p.png"), "-f", "rawvideo", "-pix_fmt", "rgb24", path("p.rgb"),
    ])
    #expect(raw.status == 0, "\(raw)")
    let bytes = try Self.bytes(of: path("p.rgb"))
    #expect(bytes.count == 1200 * 760 * 3)
    var seen: Set<[UInt8]> = []
    for dot in stride(from: 0, to: bytes.count, by: 3) { seen.insert(Array(bytes[dot..<dot + 3])) }
    for ink in [Ink.before, .after, .momentary, .shortTerm, .gain1, .gain2, .gain4] {
      #expect(seen.contains([ink.rgb.red, ink.rgb.green, ink.rgb.blue]), "\(ink)")
    }
    #expect(run(path("in.wav"), "--chain", "night", "--plot", path("p.svg")) == 0)
    let check = try Child.run([
      "python3", "-c",
      "import sys, xml.dom.minidom as x; print(len(x.parse(sys.argv[1]).getElementsByTagName('polyline')))",
      path("p.svg"),
    ])
    #expect(check.status == 0)
  }

  @Test func statusTellsWhatIsWrong() throws {
    try file("in.wav", seconds: 0.1, Self.noise(0.1))
    #expect(run(path("in.wav")) == ExitStatus.usage.rawValue)
    #expect(run("--chain", "night") == ExitStatus.usage.rawValue)
    #expect(run(path("none.wav"), "--chain", "night") == ExitStatus.notFound.rawValue)
    #expect(run(path("in.wav"), "--chain", "nigt") == ExitStatus.notFound.rawValue)
    #expect(run(path("in.wav"), "--chain", path("none.json")) == ExitStatus.notFound.rawValue)
    #expect(run(path("in.wav"), "--chain", "night", "--out", path("x.mp3")) == ExitStatus.usage.rawValue)
    #expect(run(path("in.wav"), "--chain", "night", "--plot", path("x.gif")) == ExitStatus.usage.rawValue)
    #expect(run(path("in.wav"), "--chain", "night", "--out", "/nowhere/x.wav") == ExitStatus.refused.rawValue)
    for (text, status) in [
      ("{", ExitStatus.refused), (#"{"nodes": [{"kind": "limitr"}]}"#, .refused),
      (#"{"nodes": [{"kind": "tone"}]}"#, .refused),
      (#"{"nodes": [{"kind": "crossfeed", "args": {"frequency": 1}}]}"#, .refused),
      (#"{"nodes": [{"kind": "limiter", "args": {"channels": "mono"}}]}"#, .refused), (#"{"nodes": []}"#, .ok),
    ] {
      let stream = try #require(fopen(path("chain.json"), "w"))
      fputs(text, stream)
      fclose(stream)
      #expect(run(path("in.wav"), "--chain", path("chain.json")) == status.rawValue, "\(text)")
    }
    #expect(Program.main(["chain"]) == 0 && Program.main(["chain", "list", "--json"]) == 0)
    #expect(Program.main(["chain", "show", "voice"]) == 0)
    #expect(Program.main(["chain", "shw"]) == ExitStatus.usage.rawValue)
  }
}
