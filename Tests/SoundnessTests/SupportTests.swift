import Glibc
import TestSupport
import Testing

/// The instruments of the other tests, tested themselves.
@Suite struct InstrumentTests {
  @Test func toneLevelsAreExact() {
    for (frequency, level) in [(997.0, -20.0), (61.0, -3.0), (3499.0, -60.0)] {
      let samples = TestTone(frequencies: [frequency], level: level).samples(frames: 24000)[0]
      #expect(abs(ToneAnalysis.level(of: frequency, in: samples, rate: 48000) - level) < 0.01)
      #expect(abs(ToneAnalysis.overallLevel(of: samples) - level) < 0.05)
      #expect(ToneAnalysis.level(of: 1499, in: samples, rate: 48000) < level - 90)
    }
    #expect(
      ToneAnalysis.level(of: 997, in: [Float](repeating: 0, count: 4800), rate: 48000) == -200)
  }

  @Test func swappedChannelsAreTold() {
    let tone = TestTone(channels: 8)
    let channels = tone.samples(frames: 9600)
    for (index, channel) in channels.enumerated() {
      #expect(
        ToneAnalysis.strongest(of: tone.frequencies, in: channel, rate: 48000)
          == tone.frequencies[index])
    }
  }

  @Test func waveFilesComeBack() throws {
    let directory = try TemporaryDirectory()
    let wave = WaveFile(
      rate: 44100, channels: TestTone(channels: 6, rate: 44100).samples(frames: 1000))
    try wave.write(to: directory.path + "/tone.wav")
    let read = try WaveFile(reading: directory.path + "/tone.wav")
    #expect(read.rate == 44100)
    #expect(read.channels == wave.channels)
    #expect(throws: SupportError.self) { try WaveFile(reading: "/dev/null") }
  }

  @Test func unbrokenSineHasNoBreaks() {
    let samples = TestTone(frequencies: [997]).samples(frames: 96000)[0]
    #expect(SineContinuity(frequency: 997).breaks(in: samples).isEmpty)
  }

  /// One frame lost or doubled, a gap, a click: each is one break at its place.
  @Test(arguments: ["lost", "doubled", "gap", "click"])
  func breaksAreFound(_ fault: String) throws {
    var samples = TestTone(frequencies: [997]).samples(frames: 48000)[0]
    switch fault {
    case "lost": samples.remove(at: 20000)
    case "doubled": samples.insert(samples[20000], at: 20000)
    case "gap": for frame in 20000..<20480 { samples[frame] = 0 }
    default: samples[20000] += 0.1
    }
    let found = SineContinuity(frequency: 997).breaks(in: samples)
    #expect(found.count == 1, "\(found)")
    let first = try #require(found.first)
    #expect(first.frames.contains(20000))
    #expect(first.kind == (fault == "gap" ? .gap : .jump))
  }

  /// A pitch that wanders by a hundredth of a hertz is told apart from what is beside the sine.
  @Test(arguments: [-45.0, -65.0]) func followedTonesAreJudgedByWhatIsBesideThem(noise: Double) throws {
    var (phase, state) = (0.0, UInt64(1))
    let tone = (0..<96_000).map { frame in
      phase += 2 * .pi * (997.02 + 0.01 * sin(Double(frame) / 30_000)) / 48_000
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let random = Double(state >> 40) / Double(1 << 23) - 1
      // Even noise has a third of a full wave's power more than a sine of its peak.
      return Float(0.1 * (sin(phase) + random * (3.0 / 2).squareRoot() * pow(10, noise / 20)))
    }
    let verdict = try #require(ToneVerdict(following: tone, near: 997))
    #expect(abs(verdict.level + 20) < 0.01 && abs(verdict.residual - noise) < 0.5, "\(verdict)")
    #expect(abs(verdict.detune - 0.03) < 0.01, "\(verdict)")
    // One break is a machine's that stopped; seven a second are not.
    let once = Array(tone[..<50_000]) + Array(tone[50_007...])
    #expect(abs(try #require(ToneVerdict(following: once, near: 997)).residual - noise) < 0.5)
    let often = stride(from: 0, to: 95_000, by: 7000).flatMap { Array(tone[$0 + 7..<min($0 + 7000, 96_000)]) }
    #expect(try #require(ToneVerdict(following: often, near: 997)).residual > -20)
  }

  @Test func childrenEndWithTheirGroup() throws {
    let child = try Child(["sh", "-c", "echo started; echo oops >&2; sleep 1000 & echo $!; wait"])
    #expect(waitUntil(timeout: 5) { child.standardOutput.split(separator: "\n").count == 2 })
    let grandchild = try #require(
      child.standardOutput.split(separator: "\n").last.flatMap { pid_t($0) })
    #expect(child.status == nil)
    #expect(child.stop() == 128 + SIGTERM)
    #expect(child.standardError == "oops\n")
    // Ended, though whoever has inherited it may not have collected it yet: such a process has no program any more.
    var program = [CChar](repeating: 0, count: 16)
    #expect(waitUntil(timeout: 5) { readlink("/proc/\(grandchild)/exe", &program, program.count) < 0 })
    #expect(try Child.run(["sh", "-c", "exit 7"]).status == 7)
    #expect(throws: SupportError.self) { try Child(["/nonexistent/program"]) }
  }
}

/// The private server, and that its null sink carries sound.
@Suite(.serialized) struct PrivatePipeWireTests {
  @Test(arguments: [2, 6, 8])
  func sinkCarriesEachChannel(channels: Int) throws {
    let server = try PrivatePipeWire(sinkChannels: channels)
    defer { server.stop() }
    let directory = try TemporaryDirectory()
    let tone = TestTone(channels: channels)
    try tone.write(to: directory.path + "/tone.wav", seconds: 5)
    let positions = ["FL", "FR", "FC", "LFE", "RL", "RR", "SL", "SR"].prefix(channels)
    let player = try server.play(directory.path + "/tone.wav")
    #expect(waitUntil(timeout: 5) { ((try? server.links()) ?? []).count >= channels })
    let recording = directory.path + "/heard.wav"
    let recorder = try server.start([
      "pw-cat", "--record", "--target", "0", "--channels", "\(channels)",
      "--channel-map", positions.joined(separator: ","),
      "--format", "f32", "-P", "{ node.name = tape }", recording,
    ])
    #expect(waitUntil(timeout: 5) { ((try? server.ports()) ?? []).contains("tape:input_FL") })
    for position in positions {
      try server.run(["pw-link", "private-sink:monitor_\(position)", "tape:input_\(position)"])
    }
    let links = try server.links()
    #expect(links.contains(PortLink(output: "private-sink:monitor_FL", input: "tape:input_FL")))
    waitUntil(timeout: 10) { size(of: recording) > 72000 * channels * 4 || player.status != nil }
    recorder.signal(SIGINT)
    #expect(recorder.wait(timeout: 5) != nil)
    let wave = try WaveFile(reading: recording)
    #expect(wave.channels.count == channels)
    for (index, channel) in wave.channels.enumerated() {
      let middle = channel.dropFirst(24000).prefix(24000)
      let level = ToneAnalysis.level(of: tone.frequencies[index], in: middle, rate: 48000)
      #expect(abs(level + 20) < 0.1, "channel \(index): \(level) dBFS")
    }
  }

  private func size(of path: String) -> Int {
    var facts = stat()
    return stat(path, &facts) == 0 ? Int(facts.st_size) : 0
  }

  @Test func serverIsKilledAndComesBack() throws {
    let server = try PrivatePipeWire.start(microphone: true)
    defer { server.stop() }
    let first = try #require(server.pid(of: .pipewire))
    server.kill(.pipewire)
    #expect(server.pid(of: .pipewire) == nil)
    #expect(kill(first, 0) != 0)
    try server.restartServer()
    #expect(server.pid(of: .pipewire) != nil)
    #expect(try server.nodes().contains(PrivatePipeWire.sinkName))
    #expect(try server.ports().contains("private-mic:capture_FL"))
  }

  @Test func graphCanBeChanged() throws {
    let server = try PrivatePipeWire(sinkChannels: 0)
    defer { server.stop() }
    #expect(try server.nodes().contains(PrivatePipeWire.sinkName) == false)
    try server.createSink("second", channels: 6)
    #expect(try server.ports().contains("second:monitor_LFE"))
    try server.createNode("voice", mediaClass: "Audio/Source/Virtual", channels: 1)
    try server.setQuantum(64)
    try server.setRate(44100)
    let settings = try server.run(["pw-metadata", "-n", "settings", "0"]).standardOutput
    #expect(settings.contains("'clock.force-quantum' value:'64'"))
    #expect(settings.contains("'clock.force-rate' value:'44100'"))
    try server.destroyNode("second")
    #expect(try server.nodes().contains("second") == false)
  }

  @Test func serversDoNotSeeEachOther() throws {
    let one = try PrivatePipeWire(wirePlumber: false)
    let other = try PrivatePipeWire(sinkChannels: 0, wirePlumber: false)
    #expect(try one.nodes().contains(PrivatePipeWire.sinkName))
    #expect(try other.nodes().contains(PrivatePipeWire.sinkName) == false)
    let pids = [one, other].compactMap { $0.pid(of: .pipewire) }
    #expect(pids.count == 2)
    one.stop()
    other.stop()
    for pid in pids { #expect(kill(pid, 0) != 0) }
    #expect(access(one.runtimeDirectory, F_OK) != 0)
  }
}
