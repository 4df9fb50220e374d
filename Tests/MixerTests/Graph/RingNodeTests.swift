import AppRings
import AudioCore
import CAppRing
import CRenderGuard
import Glibc
import Mixer
import Testing

/// Rings of applications as ends of a graph. One after the other: descriptors and mappings of the process are counted.
@Suite(.serialized) struct RingNodeTests {
  /// Every bit of the mantissa in use, in each frame of each channel.
  static func noise(_ channel: Int, _ frame: Int) -> Float { MixRig.noise(channel, Int64(frame)) }

  /// Counts what render must not do while `body` runs.
  func guarded(_ body: () throws -> Void) rethrows {
    render_guard_count_apart(1)
    try body()
    let hits = (0..<Int32(4)).map { render_guard_apart_hits_of($0) }
    render_guard_count_apart(0)
    #expect(hits == [0, 0, 0, 0])
  }

  // MARK: Sound

  @Test(arguments: [256, 37, 1000]) func soundComesThroughToTheBit(quantum: Int) throws {
    let ring = try TestRing(.source, capacity: 4096, high: 64)
    let rig = RingGraph()
    let node = try rig.play(ring)
    rig.settle()
    var (written, heard) = (ring.put(2048, Self.noise), [[Float]](repeating: [], count: 2))
    guarded {
      for _ in 0..<40 {
        let out = rig.advance(quantum)
        for channel in 0..<2 { heard[channel] += out[channel] }
        written += ring.put(quantum) { Self.noise($0, written + $1) }
        #expect(ring.notice.period == UInt32(quantum))
      }
    }
    for channel in 0..<2 {
      #expect(heard[channel].enumerated().allSatisfy { $1 == Self.noise(channel, $0) })
    }
    #expect(rig.reading(node, "fill") == Double(2048 - quantum) && rig.reading(node, "xruns") == 0)
    #expect(rig.engine.readings(of: node).map(\.name) == ["fill", "xruns", "lost", "closed"])
  }

  @Test(arguments: [256, 37, 1000]) func graphReachesTheApplicationToTheBit(quantum: Int) throws {
    let ring = try TestRing(.sink, capacity: 4096)
    let rig = RingGraph(signal: MixRig.noise)
    let node = try rig.record(ring)
    rig.settle()
    _ = ring.get(4096)
    let first = Int(rig.run.position)
    var got = [[Float]](repeating: [], count: 2)
    guarded {
      for _ in 0..<40 {
        rig.advance(quantum)
        let new = ring.get(4096)
        for channel in 0..<2 { got[channel] += new[channel] }
        #expect(ring.notice.period == UInt32(quantum))
      }
    }
    #expect(got[0].count == 40 * quantum)
    for channel in 0..<2 {
      #expect(got[channel].enumerated().allSatisfy { $1 == Self.noise(channel, first + $0) })
    }
    #expect(rig.reading(node, "xruns") == 0 && rig.reading(node, "lost") == 0)
  }

  /// The time beside a position is that of the frames' cycle, however it was cut.
  @Test func timeOfTheGraphIsBesideThePosition() throws {
    let ring = try TestRing(.source)
    let rig = RingGraph(block: 240)
    _ = try rig.play(ring)
    for _ in 0..<4 { rig.advance(960) }
    #expect(ring.notice.read_at == 60_000_000 + 15_000_000)
  }

  /// Channels of the ring, and of the node.
  @Test(arguments: [
    (1, "stereo", [[1, 1]]), (2, "mono", [[0.5, 0.5], [0.5, 0.5]]), (2, "stereo", [[1, 0], [0, 1]]),
    (2, "FL FR LFE", [[1, 0], [0, 1]]), (6, "stereo", [[1, 0], [0, 1], [0.7071, 0.7071], [0, 0], [0.7071, 0]]),
    (2, "SL SR", [[0.7071, 0], [0, 0.7071]]), (3, "stereo", [[1, 0], [0, 1], [0, 0]]),
  ])
  func channelsAreMapped(channels: Int, layout: String, heard: [[Float]]) throws {
    for (channel, expected) in heard.enumerated() {
      let ring = try TestRing(.source, channels: channels, high: 64)
      let rig = RingGraph()
      _ = try rig.play(ring, settings: ["channels": .text(layout)])
      rig.settle()
      ring.put(1024) { at, _ in at == channel ? 0.25 : 0 }
      let out = rig.advance(512)
      for side in 0..<2 { #expect(abs(out[side][300] - 0.25 * expected[side]) < 1e-4, "\(channel) \(side)") }
    }
  }

  @Test(arguments: [
    (1, "stereo", [0.5]), (2, "mono", [1, 1]), (3, "stereo", [1, 0, 0]), (8, "stereo", [1, 0, 0, 0]),
  ])
  func channelsOfASinkAreMapped(channels: Int, layout: String, got: [Float]) throws {
    let ring = try TestRing(.sink, channels: channels, capacity: 4096)
    let rig = RingGraph { channel, _ in channel == 0 ? 0.25 : 0 }
    _ = try rig.record(ring, settings: ["channels": .text(layout)])
    for _ in 0..<4 { rig.advance(512) }
    let frames = ring.get(4096)
    for (channel, expected) in got.enumerated() { #expect(frames[channel].last == 0.25 * expected) }
  }

  // MARK: Other rates

  /// The level of a tone in what was heard, in dB about what it should be, and the greatest distance from the tone.
  private func error(_ heard: ArraySlice<Float>, pitch: Double, rate: Double, level: Double) -> (
    gain: Double, rest: Double
  ) {
    var (sine, cosine) = (0.0, 0.0)
    let step = 2 * Double.pi * pitch / rate
    for (index, sample) in heard.enumerated() {
      sine += Double(sample) * sin(step * Double(index))
      cosine += Double(sample) * cos(step * Double(index))
    }
    (sine, cosine) = (2 * sine / Double(heard.count), 2 * cosine / Double(heard.count))
    let rest = heard.enumerated().map { index, sample in
      abs(Double(sample) - sine * sin(step * Double(index)) - cosine * cos(step * Double(index)))
    }
    return (20 * log10((sine * sine + cosine * cosine).squareRoot() / level), rest.max() ?? 1)
  }

  @Test(arguments: [44_100, 96_000, 8000, 192_000]) func otherRatesKeepTheirLevel(rate: Int) throws {
    let ring = try TestRing(.source, capacity: 16_384, high: 64, rate: rate)
    let rig = RingGraph()
    let node = try rig.play(ring)
    rig.settle()
    var written = 0
    func tone(_ channel: Int, _ frame: Int) -> Float {
      Float((channel == 0 ? 0.5 : 0.25) * sin(2 * .pi * 1000 * Double(frame) / Double(rate)))
    }
    guarded {
      for period in 0..<150 {
        let due = (period + 2) * 480 * rate / 48_000
        written += ring.put(due - written) { tone($0, written + $1) }
        rig.advance(480)
      }
    }
    for (channel, level) in [0.5, 0.25].enumerated() {
      let (gain, rest) = error(rig.played[channel].suffix(48_000), pitch: 1000, rate: 48_000, level: level)
      #expect(abs(gain) < 0.01 && rest < 2e-5, "\(gain) dB, \(rest)")
    }
    #expect(rig.reading(node, "xruns") == 0 && rig.reading(node, "lost") == 0)
    // What goes in is what comes out: the ring neither fills nor runs dry.
    #expect(abs((rig.reading(node, "fill") ?? 0) - Double(480 * rate / 48_000)) < 3)
  }

  @Test(arguments: [44_100, 96_000, 8000]) func sinksOfOtherRatesGetTheirLevel(rate: Int) throws {
    let ring = try TestRing(.sink, capacity: 16_384, rate: rate)
    let rig = RingGraph { channel, position in
      Float((channel == 0 ? 0.5 : 0.25) * sin(2 * .pi * 1000 * Double(position) / 48_000))
    }
    let node = try rig.record(ring)
    var got = [[Float]](repeating: [], count: 2)
    guarded {
      for _ in 0..<150 {
        rig.advance(480)
        let new = ring.get(16_384)
        for channel in 0..<2 { got[channel] += new[channel] }
      }
    }
    let due = 150 * 480 * rate / 48_000
    #expect(got[0].count <= due && got[0].count > due - rate / 200)
    for (channel, level) in [0.5, 0.25].enumerated() {
      let (gain, rest) = error(got[channel].suffix(rate), pitch: 1000, rate: Double(rate), level: level)
      #expect(abs(gain) < 0.01 && rest < 2e-5, "\(gain) dB, \(rest)")
    }
    #expect(rig.reading(node, "xruns") == 0)
  }

  /// What runs beside a resampled ring is held back as long.
  @Test func latencyOfAnotherRateIsBalanced() throws {
    let ring = try TestRing(.source, capacity: 16_384, high: 64, rate: 44_100)
    let rig = RingGraph { channel, position in channel == 0 && position == 24_000 ? 1 : 0 }
    rig.directory.add(ring.ring, identifier: "r9", name: "")
    var graph = rig.engine.graph
    let source = try graph.add("app_source", "game", settings: ["ring": .text("r9"), "channels": .text("mono")])
    let right = try graph.add(
      "channel_map", "right", settings: ["from": .text("mono"), "to": .text("stereo"), "matrix": .numbers([0, 1])],
      from: [source])
    let input = try graph.add("input", "in")
    try graph.add("output", "out", from: [right, input])
    let report = try rig.engine.commit(graph)
    #expect(report.latency.value > 40 && report.latency.value < 70)
    for _ in 0..<48 { rig.advance(500) }
    // A click in the cycle that begins at 24000; the ring is empty till then.
    ring.put(8000) { _, frame in frame == 0 ? 1 : 0 }
    for _ in 0..<4 { rig.advance(500) }
    let clicks = rig.played.map { $0.indices.max { (a, b) in abs(rig.played[0][a]) < abs(rig.played[0][b]) } ?? 0 }
    let later = rig.played[1].indices.max { abs(rig.played[1][$0]) < abs(rig.played[1][$1]) } ?? 0
    #expect(clicks[0] == 24_000 + report.latency.value && abs(later - clicks[0]) <= 1, "\(clicks[0]) \(later)")
  }

  // MARK: Applications that go, or break every rule

  @Test(arguments: [44_100, 48_000]) func hostileMemoryLeavesTheGraphFinite(rate: Int) throws {
    for seed in 0..<8 as Range<UInt64> {
      var random = SeededGenerator(seed)
      let ring = try TestRing(.source, channels: 1 + Int(seed), capacity: 256, high: 64, rate: rate)
      let rig = RingGraph(signal: { channel, _ in channel == 0 ? 0.125 : 0 })
      let node = try rig.play(ring)
      let memory = UnsafeMutableRawPointer(ring.end.shared!).assumingMemoryBound(to: UInt64.self)
      let words = ring.ring.format.bytes / 8
      guarded {
        for _ in 0..<500 {
          switch Int.random(in: 0..<4, using: &random) {
          case 0:
            cappring_set_written(&ring.end, ring.notice.read &+ UInt64.random(in: 0...2000, using: &random) &- 1000)
          case 1: for _ in 0..<16 { memory[Int.random(in: 0..<words, using: &random)] = random.next() }
          case 2: for word in 0..<64 { memory[word] = random.next() }
          default:
            ring.put(Int.random(in: 0...200, using: &random)) { _, _ in
              Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            }
          }
          let heard = rig.advance(Int.random(in: 1...700, using: &random))
          #expect(heard.allSatisfy { $0.allSatisfy { $0.isFinite && abs($0) < 400 } })
        }
      }
      #expect(ring.ring.facts().faults.count >= 2)
      // When the application comes to its senses, so does the sound.
      cappring_set_written(&ring.end, ring.notice.read)
      for _ in 0..<100 { rig.advance(480) }
      #expect(rig.reading(node, "fill") == 0)
      for _ in 0..<20 {
        ring.put(128) { _, _ in 0.25 }
        rig.advance(64)
      }
      #expect(abs((rig.played[0].last ?? 0) - 0.25 * (seed == 0 ? 1 : heardGain(channels: 1 + Int(seed)))) < 1e-3)
    }
  }

  /// How loud all channels together are on the left.
  private func heardGain(channels: Int) -> Float {
    guard let layout = ChannelLayout(channels: channels), layout != .stereo else { return 1 }
    return ChannelMatrix(from: layout, to: .stereo).gains.prefix(channels).reduce(0, +)
  }

  @Test func readersThatLieLoseSoundAndNothingElse() throws {
    let ring = try TestRing(.sink, capacity: 256)
    let rig = RingGraph(signal: MixRig.noise)
    let node = try rig.record(ring)
    var random = SeededGenerator(3)
    guarded {
      for _ in 0..<2000 {
        cappring_set_read(&ring.end, ring.notice.written &+ UInt64.random(in: 0...1000, using: &random) &- 600)
        rig.advance(Int.random(in: 1...600, using: &random))
      }
    }
    #expect(ring.ring.facts().faults.count >= 2 && (rig.reading(node, "lost") ?? 0) > 0)
    // What makes sense again is believed again; the step back to it is not.
    for _ in 0..<2 {
      cappring_set_read(&ring.end, ring.notice.written)
      rig.advance(200)
    }
    cappring_set_read(&ring.end, ring.notice.written)
    let first = Int(rig.run.position)
    rig.advance(200)
    #expect(ring.get(256)[1].suffix(50) == (first + 150..<first + 200).map { Self.noise(1, $0) }[...])
  }

  @Test(arguments: [48_000, 44_100]) func aKilledWriterIsSilence(rate: Int) throws {
    let ring = try TestRing(.source, capacity: 512, high: 64, rate: rate)
    let rig = RingGraph()
    let node = try rig.play(ring)
    let writer = cappring_start_writer(&ring.end)
    try #require(writer > 0)
    let patience = renderNow() + .seconds(20)
    while ring.ring.facts().frames < 20_000, renderNow() < patience { rig.advance(64) }
    kill(writer, SIGKILL)
    var status: Int32 = 0
    #expect(waitpid(writer, &status, 0) == writer)
    #expect(rig.reading(node, "closed") == 0)
    // Its connection ends with it. The period after that has the fade; what a resampler still holds comes first.
    ring.ring.close()
    let before = rig.played[0].suffix(64).max() ?? 0
    let last = rig.advance(256)
    #expect(before > 0)
    #expect(last.allSatisfy { $0.suffix(40).allSatisfy { abs($0) < 1e-3 } })
    let after = rig.advance(256)
    #expect(after.allSatisfy { $0.suffix(100).allSatisfy { $0 == 0 } })
    #expect(rig.reading(node, "closed") == 1 && rig.reading(node, "fill") == 0)
    #expect(rig.engine.graph.nodes.count == 2, "the node stays")
  }

  /// Without its connection's end too, when what it had written is over.
  @Test func aWriterThatStopsIsSilence() throws {
    let ring = try TestRing(.source, capacity: 512, high: 64)
    let rig = RingGraph()
    let node = try rig.play(ring)
    rig.settle()
    ring.put(512) { _, frame in Float(sin(Double(frame) / 30)) * 0.5 }
    for _ in 0..<3 { rig.advance(256) }
    #expect(largestStep(rig.played[0].suffix(768)) < 0.03)
    #expect(rig.played[0].suffix(100).allSatisfy { $0 == 0 })
    #expect(rig.reading(node, "xruns") == 1)
  }
}
