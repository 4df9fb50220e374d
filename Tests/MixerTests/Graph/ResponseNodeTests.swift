import AudioCore
import CRenderGuard
import Glibc
import Mixer
import SoundFiles
import TestSupport
import Testing

/// Nodes that sound as the responses in a file, or of a model, say.
@Suite struct ResponseNodeTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ name: String, rate: Int = 48_000, _ planes: [[Float]]) throws -> String {
    let path = directory.path + "/" + name
    let file = try SoundFileLibrary().writer(
      path: path, kind: .wav, encoding: .float32, rate: SampleRate(hertz: rate), channels: planes.count)
    let samples = planes[0].indices.flatMap { frame in planes.map { $0[frame] } }
    try file.write(samples, frames: planes[0].count)
    return path
  }

  /// One click in each channel, later and softer from one to the next.
  private func clicks(_ channels: Int) -> [[Float]] {
    (0..<channels).map { channel in (0..<40).map { $0 == 2 * channel ? Float(channel + 1) / 16 : 0 } }
  }

  /// A node between the driver's ends.
  private func rig(
    _ kind: String, _ settings: [String: SettingValue], parameters: [String: Double] = [:],
    layout: ChannelLayout = .stereo, out: ChannelLayout = .stereo, signal: @escaping OfflineRun.Signal
  ) throws -> (rig: GraphRig, node: NodeID, latency: Int) {
    let rig = GraphRig(layout: layout, files: SoundFileLibrary(), signal: signal)
    var node = NodeID(0)
    let report = try rig.edit { graph in
      let input = try graph.add("input", "in", settings: ["channels": .text(layout.title)])
      node = try graph.add(kind, "under test", settings: settings, parameters: parameters, from: [input])
      try graph.add("output", "out", settings: ["channels": .text(out.title)], from: [node])
    }
    return (rig, node, report.latency.value)
  }

  private func refusal(_ kind: String, _ settings: [String: SettingValue]) -> String? {
    do {
      _ = try rig(kind, settings) { _, _ in 0 }
    } catch GraphError.refused(_, let refusal) {
      return refusal.code
    } catch { return "\(error)" }
    return nil
  }

  private func noise(_ channel: Int, _ position: Int64) -> Float { MixRig.noise(channel, position) * 0.3 }

  @Test func oneResponseIsForAll() throws {
    let path = try write("one.wav", [[0, 0, 0, 0.5]])
    let (rig, _, latency) = try rig("convolver", ["path": .text(path)]) { noise($0, $1) }
    rig.play(5000, quantum: 97)
    #expect(latency == 0)
    for channel in 0..<2 {
      #expect((3..<5000).allSatisfy { rig.played[channel][$0] == noise(channel, Int64($0 - 3)) * 0.5 })
    }
  }

  @Test func channelsHaveTheirOwn() throws {
    let pair = try rig("convolver", ["path": .text(try write("two.wav", clicks(2)))]) { noise($0, $1) }.rig
    pair.play(100)
    #expect((2..<100).allSatisfy { pair.played[1][$0] == noise(1, Int64($0 - 2)) / 8 })
    // Left to left and right, right to left and right.
    let whole = try rig("convolver", ["path": .text(try write("four.wav", clicks(4)))]) { noise($0, $1) }.rig
    whole.play(100)
    for frame in 10..<100 {
      let now = Int64(frame)
      let left = noise(0, now) / 16 + noise(1, now - 4) * 3 / 16
      let right = noise(0, now - 2) / 8 + noise(1, now - 6) / 4
      #expect(abs(whole.played[0][frame] - left) < 1e-7 && abs(whole.played[1][frame] - right) < 1e-7)
    }
  }

  @Test func whatCannotBeIsRefused() throws {
    #expect(refusal("convolver", [:]) == "missing_setting")
    #expect(refusal("convolver", ["path": .text(directory.path + "/none.wav")]) == "file_error")
    let three = try write("three.wav", clicks(3))
    #expect(refusal("convolver", ["path": .text(three)]) == "bad_response")
    #expect(refusal("spatial", ["path": .text(three), "from": .text("stereo")]) == "bad_response")
    let empty = try write("empty.wav", [[]])
    #expect(refusal("convolver", ["path": .text(empty)]) == "empty_response")
    let long = try write("long.wav", [[Float](repeating: 0.1, count: 4 * 48_000 + 1)])
    #expect(refusal("convolver", ["path": .text(long)]) == "long_response")
    let slow = try write("slow.wav", rate: 4000, clicks(1))
    #expect(refusal("convolver", ["path": .text(slow)]) == "bad_response")
    let engine = Engine(EngineSettings())
    var graph = engine.graph
    try graph.add("convolver", "no files here", settings: ["path": .text(three)])
    #expect(throws: GraphError.self) { try engine.commit(graph) }
  }

  /// A click at another rate is nothing but the latency that is declared, and dry sound waits as long.
  @Test(arguments: [24_000, 44_100, 96_000]) func otherRatesAreResampled(rate: Int) throws {
    let path = try write("rate.wav", rate: rate, [[1] + [Float](repeating: 0, count: 200)])
    let sound: OfflineRun.Signal = { _, position in Float(sin(Double(position) / 6) + sin(Double(position) / 50)) / 4 }
    for mix in [0, 0.5, 1] {
      let (rig, _, latency) = try rig("convolver", ["path": .text(path)], parameters: ["mix": mix], signal: sound)
      rig.play(6000)
      #expect(latency > 0 && latency < 400)
      #expect(
        (2000..<6000).allSatisfy { abs(rig.played[0][$0] - sound(0, Int64($0 - latency))) < 2e-4 }, "\(mix), \(latency)"
      )
    }
  }

  @Test func switchesDoNotClick() throws {
    func tail(_ frames: Int, _ seed: Float) -> [[Float]] {
      // Mild ones: what a low tone becomes is a low tone of about the same level.
      (0..<2).map { channel in
        (0..<frames).map { (1 + seed * MixRig.noise(channel, Int64($0))) / Float(frames) }
      }
    }
    let (first, second) = (try write("a.wav", tail(50, 0.2)), try write("b.wav", tail(3000, 0.2)))
    let (rig, node, _) = try rig("convolver", ["path": .text(first)]) { _, position in
      Float(sin(Double(position) * 2 * .pi * 50 / 48_000)) / 2
    }
    rig.play(4800)
    for (name, value) in [("enabled", 0.0), ("enabled", 1), ("mix", 0.3), ("gain", -20), ("mix", 1), ("gain", 0)] {
      _ = try rig.engine.commit([.set(node, name, value)])
      rig.play(4800)
    }
    // Another file: the engine fades between two convolvers.
    _ = try rig.engine.commit([.configure(node, "path", .text(second))])
    rig.play(24_000)
    #expect(largestStep(rig.played[0]) < 0.012, "\(largestStep(rig.played[0]))")
    #expect(rig.played[0].suffix(4800).contains { abs($0) > 0.01 })
  }

  @Test func offIsBitExact() throws {
    let path = try write("off.wav", [[Float](repeating: 0.01, count: 700)])
    let convolver = try rig("convolver", ["path": .text(path)], parameters: ["enabled": 0]) { noise($0, $1) }.rig
    let folded = try rig(
      "spatial", ["from": .text("5.1")], parameters: ["enabled": 0, "gain": -12, "rear": 6], layout: .surround51
    ) { noise($0, $1) }.rig
    let map = try rig("channel_map", [:], layout: .surround51) { noise($0, $1) }.rig
    let stereo = try rig("spatial", ["from": .text("stereo")], parameters: ["enabled": 0]) { noise($0, $1) }.rig
    for rig in [convolver, folded, map, stereo] { rig.play(3000, quantum: 111) }
    for channel in 0..<2 {
      for rig in [convolver, stereo] {
        #expect((0..<3000).allSatisfy { rig.played[channel][$0] == noise(channel, Int64($0)) })
      }
      #expect(folded.played[channel] == map.played[channel])
    }
  }

  /// The order of the file: which channel's sound goes through which response to which ear.
  @Test func filesOfHeadsAreInHeSuVisOrder() throws {
    let whole = try write("whole.wav", clicks(14))
    let half = try write("half.wav", clicks(7))
    // FL FR FC LFE RL RR SL SR
    let wholes = [[0, 1], [8, 7], [6, 13], [], [4, 5], [12, 11], [2, 3], [10, 9]]
    let halves = [[0, 1], [1, 0], [6, 6], [], [4, 5], [5, 4], [2, 3], [3, 2]]
    for (path, places) in [(whole, wholes), (half, halves)] {
      for channel in [0, 1, 2, 4, 5, 6, 7] {
        let rig = try rig("spatial", ["path": .text(path)], layout: .surround71) { from, position in
          from == channel && position == 10 ? 1 : 0
        }.rig
        rig.play(200)
        for ear in 0..<2 {
          let place = places[channel][ear]
          let heard = rig.played[ear].enumerated().filter { abs($0.element) > 1e-6 }
          #expect(heard.map(\.offset) == [10 + 2 * place], "\(channel) \(ear)")
          #expect(abs((heard.first?.element ?? 0) - Float(place + 1) / 16) < 1e-6)
        }
      }
    }
  }

  /// Low frequencies in both ears at −10 dB; nothing else of their channel.
  @Test func lowFrequenciesAreInBothEars() throws {
    for (frequency, level, within) in [(30.0, -10.0, 0.3), (2000, -60, 3)] {
      let rig = try rig("spatial", [:], layout: .surround71) { channel, position in
        channel == 3 ? Float(sin(Double(position) * 2 * .pi * frequency / 48_000)) : 0
      }.rig
      rig.play(48_000)
      #expect(rig.played[0] == rig.played[1])
      let power = rig.played[0].suffix(24_000).reduce(0.0) { $0 + Double($1) * Double($1) } / 24_000
      #expect(abs(10 * log10(2 * power) - level) < within, "\(10 * log10(2 * power))")
    }
  }

  @Test func headphonesChangeWithoutAClick() throws {
    let (rig, node, latency) = try rig("spatial", [:], layout: .surround71) { channel, position in
      Float(sin(Double(position) * 2 * .pi * 60 / 48_000 + Double(channel))) / 8
    }
    #expect(latency == 0)
    rig.play(4800)
    render_guard_count_apart(1)
    for (name, value) in [("enabled", 0.0), ("enabled", 1), ("rear", -60), ("gain", -20), ("rear", 0), ("gain", 0)] {
      _ = try rig.engine.commit([.set(node, name, value)])
      rig.play(4800, quantum: 333)
    }
    #expect((0..<Int32(4)).map { render_guard_apart_hits_of($0) } == [0, 0, 0, 0])
    render_guard_count_apart(0)
    _ = try rig.engine.commit([.configure(node, "path", .text(try write("head.wav", clicks(14))))])
    rig.play(9600)
    for ear in 0..<2 {
      // The sound itself begins with a step.
      let largest = largestStep(rig.played[ear].dropFirst(1000))
      #expect(largest < 0.01, "\(largest)")
    }
  }
}
