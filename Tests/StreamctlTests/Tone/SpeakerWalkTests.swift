import AudioCore
import Control
import TestSupport
import Testing

@testable import streamctl

@Suite struct SpeakerWalkTests {
  /// A round, as every loudspeaker gets it.
  private func round(_ layout: ChannelLayout) -> [[Float]] {
    let walk = SpeakerWalk(layout, amplitude: 0.5, rate: .codec)
    let frames = 480
    var sound = [[Float]](repeating: [], count: layout.count)
    let planes = (0..<layout.count).map { _ in UnsafeMutablePointer<Float>.allocate(capacity: frames) }
    defer { for plane in planes { plane.deallocate() } }
    let turns = SampleRate.codec.frames(in: SpeakerWalk.turn).value * layout.count / frames
    for number in 0..<turns {
      for plane in planes { plane.initialize(repeating: 0, count: frames) }
      planes.withUnsafeBufferPointer { all in
        let block = Block(channels: all.baseAddress!, channelCount: layout.count, frames: frames)
        walk.render(
          Cycle(
            frames: frames, time: HostTime(nanoseconds: 0), position: Int64(number * frames), quantum: frames,
            layout: layout, flags: .none, input: block, output: block))
      }
      for channel in 0..<layout.count { sound[channel] += UnsafeBufferPointer(start: planes[channel], count: frames) }
      #expect(walk.turn == number * frames / SampleRate.codec.frames(in: SpeakerWalk.turn).value)
    }
    return sound
  }

  /// Sounds that a pause of 20 ms ends.
  private func beeps(_ sound: [Float]) -> Int {
    var (count, quiet) = (0, 48_000)
    for sample in sound {
      if abs(sample) > 0.01 {
        if quiet > 960 { count += 1 }
        quiet = 0
      } else {
        quiet += 1
      }
    }
    return count
  }

  @Test(arguments: [1, 2, 6, 8]) func eachLoudspeakerBeepsItsNumberAtItsPitch(channels: Int) throws {
    let layout = try #require(ChannelLayout(channels: channels))
    let sound = round(layout)
    let turn = SampleRate.codec.frames(in: SpeakerWalk.turn).value
    for (place, label) in layout.labels.enumerated() {
      #expect(beeps(sound[place]) == place + 1, "\(label.name)")
      // Nobody else meanwhile.
      let own = Array(sound[place][(place * turn)..<((place + 1) * turn)])
      #expect(beeps(own) == place + 1 && abs((own.map { abs($0) }.max() ?? 0) - 0.5) < 0.02)
      let pitch = SpeakerWalk.pitch(of: label, in: layout)
      let beep = Array(own[480..<5280])
      #expect(ToneAnalysis.level(of: pitch, in: beep, rate: 48_000) > -8, "\(label.name) at \(pitch)")
      // It begins and ends without a click.
      for (one, next) in zip(own, own.dropFirst()) { #expect(abs(next - one) < 0.5 * 0.4) }
    }
    #expect(SpeakerWalk.title(0, in: layout).hasSuffix("1 beep"))
    if channels == 6 { #expect(SpeakerWalk.title(3, in: layout) == "LFE: 4 beeps") }
  }

  @Test func aBarIsAsLongAsItsLevel() {
    #expect(ChannelsCommand.bar(-60) == ".................... -60.0")
    #expect(ChannelsCommand.bar(0) == "####################   0.0")
    #expect(ChannelsCommand.bar(-30).filter { $0 == "#" }.count == 10)
  }
}
