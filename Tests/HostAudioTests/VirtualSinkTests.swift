import AudioCore
import AudioIO
import Glibc
import PipeWireIO
import Synchronization
import TestSupport
import Testing

/// Our own sink against a real server: what is played into it is what arrives.
@Suite(.serialized) struct VirtualSinkTests {
  static let name = "streamd.test-sink"

  private struct Rig {
    let server: PrivatePipeWire
    let backend: PipeWireBackend
    let client: SinkClient
    let stream: any AudioStream

    init(channels: Int, meetings: Meetings? = nil) throws {
      server = try PrivatePipeWire()
      backend = try PipeWireBackend(remote: server.remote)
      let client = SinkClient(channels: channels, meetings: meetings)
      self.client = client
      stream = try backend.open(
        StreamRequest(
          role: .virtualSink, name: VirtualSinkTests.name, description: "Living-room TV",
          layout: ChannelLayout(channels: channels)),
        client: client, events: { client.heard($0) })
      try stream.start()
      try #require(waitUntil(timeout: 15) { client.isRunning }, "\(client.states)")
    }

    /// Plays a file of numbered tones to its end and returns what arrived.
    func play(_ tone: TestTone, seconds: Double) throws -> [[Float]] {
      let file = server.runtimeDirectory + "/tone.wav"
      try tone.write(to: file, seconds: seconds)
      client.record()
      let player = try server.play(file, to: VirtualSinkTests.name)
      #expect(player.wait(timeout: 20) == 0, "\(player.standardError)")
      return client.recorded
    }
  }

  /// Where `samples` begins in `heard`, bit for bit.
  private func place(of samples: [Float], in heard: [Float]) -> Int? {
    let key = Array(samples[1..<65])
    return heard.indices.dropLast(samples.count).first { start in
      heard[start] == key[0] && heard[start..<start + key.count].elementsEqual(key)
    }.map { $0 - 1 }
  }

  @Test(arguments: Breadth.of([2, 6, 8], brief: [8])) func everyChannelArrivesBitForBit(channels: Int) throws {
    let rig = try Rig(channels: channels)
    let tone = TestTone(channels: channels)
    let heard = try rig.play(tone, seconds: 1.5)
    // The last cycle of a player that ends may be cut short.
    let played = tone.samples(frames: 64_000)
    let start = try #require(place(of: played[0], in: heard[0]), "the first channel did not arrive")
    for channel in 0..<channels {
      #expect(Array(heard[channel][start..<start + 64_000]) == played[channel], "channel \(channel)")
    }
    rig.stream.stop()
    #expect(try !rig.server.nodes().contains(Self.name))
  }

  @Test func itIsASinkLikeAnyOther() throws {
    let rig = try Rig(channels: 6)
    let listing = try rig.server.run(["wpctl", "status"]).standardOutput
    let sinks = try #require(listing.firstRange(of: "Sinks:"))
    let sources = try #require(listing[sinks.upperBound...].firstRange(of: "Sink endpoints:"))
    #expect(listing[sinks.upperBound..<sources.lowerBound].contains("Living-room TV"), "\(listing)")
    let ports = try rig.server.ports().filter { $0.hasPrefix(Self.name + ":playback_") }
    #expect(Set(ports) == Set(["FL", "FR", "FC", "LFE", "RL", "RR"].map { "\(Self.name):playback_\($0)" }))
    // It may be there, but it is not for us to make it the default.
    #expect(rig.backend.defaultSink.state.effective == PrivatePipeWire.sinkName)
    #expect(rig.stream.report.format == StreamFormat(rate: .codec, layout: .surround51))
  }

  /// Volume and mute may be moved; what arrives is what was played.
  @Test func itsVolumeDoesNotColourTheSound() throws {
    let rig = try Rig(channels: 2)
    let id = try #require(try rig.server.nodeIdentifier(Self.name))
    for step in ["0.4", "0.4", "0.1"] { #expect(try rig.server.run(["wpctl", "set-volume", id, step]).status == 0) }
    #expect(try rig.server.run(["wpctl", "set-mute", id, "1"]).status == 0)
    let shown = try rig.server.run(["wpctl", "get-volume", id]).standardOutput
    #expect(shown.contains("0.10") && shown.contains("MUTED"), "\(shown)")
    let tone = TestTone(channels: 2)
    let heard = try rig.play(tone, seconds: 1.5)
    let played = tone.samples(frames: 64_000)
    #expect(place(of: played[0], in: heard[0]) != nil && place(of: played[1], in: heard[1]) != nil)
    // The same volume once more changes nothing that shows, and nothing that sounds.
    #expect(try rig.server.run(["wpctl", "set-volume", id, "0.1"]).status == 0)
    let start = rig.client.frames
    let again = try rig.play(tone, seconds: 1.5).map { Array($0[start...]) }
    #expect(place(of: played[0], in: again[0]) != nil && place(of: played[1], in: again[1]) != nil)
  }

  @Test(arguments: [64, 1024]) func soundArrivesInTheCycleItWasPlayedIn(quantum: Int) throws {
    let meetings = Meetings()
    let rig = try Rig(channels: 2, meetings: meetings)
    try rig.server.setQuantum(quantum)
    let player = try rig.backend.open(
      StreamRequest(role: .playback(to: .named(Self.name)), name: "player", description: "player", layout: .stereo),
      client: NumberPlayer(meetings), events: { _ in })
    try player.start()
    #expect(waitUntil(timeout: 15) { meetings.same.load(ordering: .relaxed) > 100 })
    player.stop()
    #expect(meetings.late.load(ordering: .relaxed) == 0)
  }

  @Test func itComesBackWithTheServer() throws {
    let rig = try Rig(channels: 8)
    for _ in 0..<2 {
      rig.server.kill(.pipewire)
      #expect(waitUntil(timeout: 10) { !rig.client.isRunning })
      try rig.server.restartServer()
      #expect(waitUntil(timeout: 15) { rig.client.isRunning }, "\(rig.client.states)")
    }
    let tone = TestTone(channels: 8)
    let heard = try rig.play(tone, seconds: 1.5)
    let played = tone.samples(frames: 64_000)
    for channel in 0..<8 { #expect(place(of: played[channel], in: heard[channel]) != nil, "channel \(channel)") }
    #expect(rig.client.events.count { if case .format = $0 { true } else { false } } == 1)
  }

  @Test func aLostSessionManagerIsNamed() throws {
    let server = try PrivatePipeWire(wirePlumber: false)
    let backend = try PipeWireBackend(remote: server.remote)
    let client = SinkClient(channels: 2)
    let stream = try backend.open(
      StreamRequest(role: .virtualSink, name: Self.name, description: "x"), client: client,
      events: { client.heard($0) })
    try stream.start()
    #expect(
      waitUntil(timeout: 10) {
        if case .waiting(let error)? = client.states.last { error.hint == "is WirePlumber running?" } else { false }
      }, "\(client.states)")
    stream.stop()
    #expect(client.states.last == .stopped)
  }

  /// The way most games take: a PulseAudio client that knows the sink by name and maps its channels itself.
  @Test func pulseClientsFindTheirChannels() throws {
    let rig = try Rig(channels: 6)
    let pulse = try rig.server.start(["pipewire-pulse"])
    defer { pulse.stop() }
    var environment = rig.server.environment
    environment["PULSE_SERVER"] = "unix:" + rig.server.runtimeDirectory + "/pulse/native"
    #expect(
      waitUntil(timeout: 10) {
        (try? Child.run(["pactl", "list", "sinks"], environment: environment).standardOutput.contains(Self.name))
          ?? false
      })
    let sinks = try Child.run(["pactl", "list", "sinks"], environment: environment).standardOutput
    #expect(sinks.contains("Channel Map: front-left,front-right,front-center,lfe,rear-left,rear-right"), "\(sinks)")
    let tone = TestTone(channels: 6)
    let file = rig.server.runtimeDirectory + "/pulse.wav"
    try tone.write(to: file, seconds: 2)
    rig.client.record()
    let player = try Child.run(["paplay", "--device=\(Self.name)", file], environment: environment)
    #expect(player.status == 0, "\(player.standardError)")
    let heard = rig.client.recorded
    let middle = heard[0].count / 2
    for (channel, frequency) in tone.frequencies.enumerated() {
      let part = heard[channel][middle - 12_000..<middle + 12_000]
      #expect(abs(ToneAnalysis.level(of: frequency, in: part, rate: 48_000) + 20) < 0.5, "channel \(channel)")
      #expect(ToneAnalysis.strongest(of: tone.frequencies, in: part, rate: 48_000) == frequency)
    }
  }
}
