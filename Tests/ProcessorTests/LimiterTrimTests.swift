import AudioCore
import Mixer
import Testing

/// Ceilings of single channels, set where people set them: on a node of a graph. libebur128 reads each channel.
@Suite struct LimiterTrimTests {
  private static let trims = [0.0, 6, 0, 12, 3, 24]

  /// What such a node makes of the first six channels.
  private func limited(
    _ sound: Sound, link: String, parameters: [String: Double], thenSet late: [String: Double] = [:]
  ) throws -> Sound {
    let engine = Engine(EngineSettings(block: 512))
    var graph = engine.graph
    let layout = ["channels": SettingValue.text("5.1")]
    let input = try graph.add("input", name: "in", settings: layout)
    let node = try graph.add(
      "limiter", name: "limiter", settings: layout.merging(["link": .text(link)]) { $1 }, parameters: parameters)
    let output = try graph.add("output", name: "out", settings: layout)
    try graph.connect(input, node)
    try graph.connect(node, output)
    try engine.commit(graph)
    let run = OfflineRun(engine, layout: .surround51) { sound.channels[$0][Int($1)] }
    var planes = [[Float]](repeating: [], count: 6)
    while run.position < sound.frames {
      if run.position == 480 * 50 { for (name, value) in late { try engine.commit([.set(node, name, value)]) } }
      let block = run.advance(480)
      for channel in 0..<6 { planes[channel] += UnsafeBufferPointer(start: block.channel(channel), count: 480) }
    }
    return Sound(planes)
  }

  private static var parameters: [String: Double] {
    Dictionary(uniqueKeysWithValues: trims.enumerated().map { ("trim.\($0 + 1)", $1) })
  }

  /// Each channel has a ceiling of its own and gets as near to it as the common one would be.
  @Test(arguments: HardSound.allCases) func eachChannelKeepsItsOwn(kind: HardSound) throws {
    let sound = kind.sound(rate: 48_000, seconds: 1).prefix(channels: 6)
    let peaks = referenceTruePeaks(try limited(sound, link: "none", parameters: Self.parameters))
    report("\(kind): \(peaks)")
    for (channel, trim) in Self.trims.enumerated() {
      #expect(peaks[channel] + 1 + trim <= 0.05, "\(kind), channel \(channel)")
      // Nothing is turned down for another channel's ceiling.
      #expect(peaks[channel] + 1 + trim > -0.75, "\(kind), channel \(channel)")
    }
  }

  /// Channels that share a gain go down together, as far as the lowest ceiling wants.
  @Test(arguments: ["all", "pairs"]) func linkedChannelsGoTogether(link: String) throws {
    let sound = HardSound.drums.sound(rate: 48_000, seconds: 1).prefix(channels: 6)
    let output = try limited(sound, link: link, parameters: Self.parameters)
    let peaks = referenceTruePeaks(output)
    for (channel, trim) in Self.trims.enumerated() { #expect(peaks[channel] + 1 + trim <= 0.05, "channel \(channel)") }
    for (left, right) in link == "all" ? [(0, 5), (1, 2)] : [(0, 1), (4, 5)] {
      for frame in stride(from: 5000, to: 47_000, by: 97) {
        let (a, b) = (sound.channels[left][frame - 88], sound.channels[right][frame - 88])
        let (c, d) = (output.channels[left][frame], output.channels[right][frame])
        // The same gain in both, in the larger's precision.
        #expect(abs(c * b - d * a) <= 1e-6 * max(abs(a), abs(b)), "\(left) and \(right) at \(frame)")
      }
    }
  }

  /// A ceiling that is lowered while it plays holds from the look-ahead on; without any, a bit-exact delay is left.
  @Test func aTrimMayMove() throws {
    let sound = HardSound.white.sound(rate: 48_000, seconds: 1).prefix(channels: 6)
    let output = try limited(sound, link: "none", parameters: [:], thenSet: ["trim.3": 20])
    let later = Sound(output.channels.map { Array($0[24_200...]) })
    for (channel, peak) in referenceTruePeaks(later).enumerated() {
      #expect(peak + 1 + (channel == 2 ? 20 : 0) <= 0.05, "channel \(channel)")
    }
    let calm = sound.scaled(0.01)
    let whole = try limited(calm, link: "all", parameters: [:])
    #expect(whole == calm.later(by: 88))
  }
}
