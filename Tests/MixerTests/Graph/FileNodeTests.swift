import AudioCore
import CRenderGuard
import Glibc
import Mixer
import SoundFiles
import TestSupport
import Testing

/// Files in and out, through real ones.
@Suite struct FileNodeTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func path(_ name: String) -> String { directory.path + "/" + name }

  private func engine() -> Engine {
    var settings = EngineSettings()
    settings.files = SoundFileLibrary()
    return Engine(settings)
  }

  private func write(
    _ name: String, rate: Int = 48_000, channels: Int = 2, frames: Int, _ signal: (Int, Int) -> Float
  ) throws {
    let file = try SoundFileLibrary().writer(
      path: path(name), kind: .wav, encoding: .float32, rate: SampleRate(hertz: rate), channels: channels)
    let samples = (0..<frames).flatMap { frame in (0..<channels).map { signal($0, frame) } }
    try file.write(samples, frames: frames)
  }

  private func read(_ name: String) throws -> (samples: [[Float]], rate: Int) {
    let file = try SoundFileLibrary().reader(path: path(name))
    var raw = [Float](repeating: 0, count: 1 << 20)
    let frames = try file.read(&raw, frames: raw.count / file.channels)
    return (
      (0..<file.channels).map { channel in (0..<frames).map { raw[$0 * file.channels + channel] } }, file.rate.hertz
    )
  }

  /// Plays the file to the driver, cycle by cycle; what came, of the first two channels.
  private func played(_ settings: [String: SettingValue], loop: Bool = false, frames: Int) throws -> [[Float]] {
    let engine = engine()
    var graph = engine.graph
    let source = try graph.add("file_source", "f", settings: settings, parameters: ["loop": loop ? 1 : 0])
    try graph.add("output", "o", from: [source])
    try engine.commit(graph)
    let run = OfflineRun(engine)
    var out: [[Float]] = [[], []]
    render_guard_count_apart(1)
    while out[0].count < frames {
      let block = run.advance(FrameCount(min(frames - out[0].count, 997)))
      for channel in 0..<2 { out[channel] += UnsafeBufferPointer(start: block.channel(channel), count: block.frames) }
    }
    #expect((0..<Int32(4)).allSatisfy { render_guard_apart_hits_of($0) == 0 })
    render_guard_count_apart(0)
    #expect(engine.readings(of: source).allSatisfy { $0.value == 0 })
    return out
  }

  @Test func fileComesThroughToTheBit() throws {
    try write("a.wav", frames: 100_000) { MixRig.noise($0, Int64($1)) }
    let out = try played(["path": .text(path("a.wav"))], frames: 110_000)
    for channel in 0..<2 {
      #expect((0..<100_000).allSatisfy { out[channel][$0] == MixRig.noise(channel, Int64($0)) })
      #expect(out[channel][100_000...].allSatisfy { $0 == 0 })
    }
  }

  @Test func loopHasNoSeam() throws {
    try write("loop.wav", channels: 1, frames: 4801) { _, frame in Float(frame) / 4801 }
    let out = try played(["path": .text(path("loop.wav"))], loop: true, frames: 20_000)
    #expect(out[1].enumerated().allSatisfy { $1 == Float($0 % 4801) / 4801 }, "mono is heard on both sides")
  }

  @Test func startSeeks() throws {
    try write("s.wav", frames: 48_000) { _, frame in Float(frame) / 48_000 }
    let out = try played(["path": .text(path("s.wav")), "start": .number(0.5)], frames: 1000)
    #expect(out[0][0] == 0.5 && out[0][999] == Float(24_999) / 48_000)
    #expect(try played(["path": .text(path("s.wav")), "start": .number(500)], frames: 100)[0].allSatisfy { $0 == 0 })
  }

  @Test(arguments: [44_100, 96_000, 8000]) func otherRatesAreResampled(rate: Int) throws {
    let pitch = 997.0
    try write("r.wav", rate: rate, frames: rate) {
      Float(sin(2 * .pi * pitch * Double($1) / Double(rate))) * ($0 == 0 ? 0.5 : 0.25)
    }
    let out = try played(["path": .text(path("r.wav"))], frames: 60_000)
    for (channel, level) in [0.5, 0.25].enumerated() {
      var worst = 0.0
      for frame in 2000..<46_000 {
        worst = max(worst, abs(Double(out[channel][frame]) - level * sin(2 * .pi * pitch * Double(frame) / 48_000)))
      }
      #expect(worst < 2e-5, "\(worst)")
    }
    #expect(out[0][50_000...].allSatisfy { abs($0) < 1e-6 })
    #expect(out[0][47_000..<47_900].contains { abs($0) > 0.1 }, "the end is missing")
  }

  /// Whole numbers are half a step off by rounding and a whole one by dither.
  @Test(arguments: [
    ("wav", "f32", 0.0), ("wav", "s16", 4.6e-5), ("wav", "s24", 2e-7), ("flac", "s16", 4.6e-5), ("flac", "f32", 2e-7),
  ])
  func recordingHoldsWhatWasHeard(format: String, encoding: String, error: Double) throws {
    let engine = engine()
    let signal: OfflineRun.Signal = { MixRig.noise($0, $1) * 0.9 }
    var graph = engine.graph
    let source = try graph.add("input", "i")
    let sink = try graph.add(
      "file_sink", "s",
      settings: ["path": .text(path("rec")), "format": .text(format), "encoding": .text(encoding)], from: [source])
    try engine.commit(graph)
    let run = OfflineRun(engine, signal: signal)
    for _ in 0..<100 { _ = run.advance(480) }
    #expect(engine.readings(of: sink).first?.value == 0)
    try engine.commit([.remove(sink)])
    for _ in 0..<10 { _ = run.advance(480) }
    #expect(engine.takeTroubles().isEmpty)
    let (samples, rate) = try read("rec")
    #expect(rate == 48_000 && samples.count == 2)
    #expect(samples[0].count >= 48_000 + 720 && samples[0].count <= 48_000 + 1440)
    for channel in 0..<2 {
      let same = (0..<48_000).allSatisfy {
        abs(Double(samples[channel][$0]) - Double(signal(channel, Int64($0)))) <= error
      }
      #expect(same)
      #expect(abs(samples[channel].last ?? 1) < 0.01, "it ends with a fade")
    }
  }

  @Test func sameRecordingTwiceIsTheSameFile() throws {
    func record(_ name: String) throws -> [UInt8] {
      let engine = engine()
      var graph = engine.graph
      let tone = try graph.add("tone", "t", settings: ["wave": .text("pink")])
      let sink = try graph.add("file_sink", "s", settings: ["path": .text(path(name))], from: [tone])
      try engine.commit(graph)
      let run = OfflineRun(engine)
      for _ in 0..<20 { _ = run.advance(480) }
      try engine.commit([.remove(sink)])
      for _ in 0..<10 { _ = run.advance(480) }
      guard let file = fopen(path(name), "r") else { throw SupportError("no file") }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 1 << 18)
      return Array(bytes.prefix(fread(&bytes, 1, bytes.count, file)))
    }
    let first = try record("one.wav")
    #expect(first.count > 20_000)
    #expect(try record("two.wav") == first)
  }

  @Test func whatCannotBeOpenedRefusesTheEdit() throws {
    try write("text.wav", frames: 1) { _, _ in 0 }
    let engine = engine()
    for (kind, settings, code) in [
      ("file_source", ["path": SettingValue.text(path("nothing.wav"))], "file_error"),
      ("file_source", [:], "missing_setting"), ("file_source", ["path": .text(directory.path)], "file_error"),
      ("file_sink", ["path": .text(path("no/such/folder.wav"))], "file_error"),
      ("file_sink", ["path": .text(path("x.ogg")), "format": .text("mp3")], "bad_setting"),
    ] {
      do throws(GraphError) {
        try engine.commit([.add(GraphNode(id: NodeID(1), name: "f", kind: kind, settings: settings))])
        Issue.record("\(kind) \(settings) was accepted")
      } catch {
        #expect(error.code == code, "\(error)")
      }
    }
    #expect(engine.graph.nodes.isEmpty && engine.generation == 0)
    let without = Engine()
    #expect(throws: GraphError.self) {
      try without.commit([
        .add(GraphNode(id: NodeID(1), name: "f", kind: "file_source", settings: ["path": .text(path("text.wav"))]))
      ])
    }
  }
}
