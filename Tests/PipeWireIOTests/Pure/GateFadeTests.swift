import AudioCore
import Testing

@testable import PipeWireIO

@Suite struct GateFadeTests {
  /// Interleaved stereo of one value, as a server delivers it, shaped block by block.
  private final class Rig {
    private var fade: GateFade
    private(set) var heard: [Float] = []
    private var time: Int64 = 0
    private let samples = UnsafeMutablePointer<Float>.allocate(capacity: 2 * 8192)
    private let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)

    init(isUp: Bool) {
      fade = GateFade(channels: 2, isUp: isUp)
      planes[0] = samples
      planes[1] = samples + 1
    }

    deinit {
      samples.deallocate()
      planes.deallocate()
    }

    var isUp: Bool { fade.isUp }
    var isDown: Bool { fade.isDown }

    func pass(_ frames: Int, leaving: Bool = false, back: Int = 0, value: (Int) -> Float = { _ in 1 }) {
      for frame in 0..<frames {
        samples[2 * frame] = value(frame)
        samples[2 * frame + 1] = -value(frame)
      }
      time -= Int64(back) * 1_000_000_000 / 48_000
      let input = Block(channels: UnsafePointer(planes), channelCount: 2, frames: frames, stride: 2)
      let isShaped = fade.shape(input, isLeaving: leaving, time: time, rate: 48_000)
      #expect(isShaped)
      time += Int64(frames) * 1_000_000_000 / 48_000
      for frame in 0..<frames {
        let (left, right) = (fade.planes[0][frame], fade.planes[1][frame])
        #expect(left == -right)
        heard.append(left)
      }
    }

    var steepest: Float { zip(heard, heard.dropFirst()).map { abs($1 - $0) }.max() ?? 0 }
  }

  @Test(arguments: [16, 64, 240, 256, 1024]) func fallsAsLateAsItCanAndRisesAtOnce(quantum: Int) {
    let rig = Rig(isUp: true)
    var frames = 0
    while !rig.isDown {
      rig.pass(quantum, leaving: true)
      frames += quantum
    }
    // Not a frame more than the fade or the block takes.
    #expect(frames == max(quantum, (GateFade.length + quantum - 1) / quantum * quantum))
    if quantum >= GateFade.length {
      #expect(rig.heard[0..<(quantum - GateFade.length)].allSatisfy { $0 == 1 })
      #expect(rig.heard[quantum - 2] > 0)
    }
    #expect(rig.heard.last == 0)
    rig.pass(quantum, leaving: true)
    #expect(rig.heard.last == 0)
    while !rig.isUp { rig.pass(quantum) }
    #expect(rig.heard.last == 1)
    #expect(rig.heard[frames + quantum] > 0)
    #expect(rig.steepest < 1.5 / 240 + 1e-4)
  }

  /// A sound that begins later than its link rises too; a sound after a long silence begins as it is.
  @Test func waitsForASoundButNotForEver() {
    let rig = Rig(isUp: false)
    rig.pass(256) { _ in 0 }
    rig.pass(256) { $0 < 100 ? 0 : 1 }
    #expect(rig.heard[256 + 100] > 0 && rig.heard[256 + 100] < 0.001 && rig.heard[256 + 99] == 0)
    #expect(rig.steepest < 1.5 / 240 + 1e-4)
    let late = Rig(isUp: false)
    for _ in 0..<10 { late.pass(256) { _ in 0 } }
    #expect(late.isUp)
  }

  /// Links of one sink bring their sound in different cycles: the channel that comes later rises too.
  @Test func eachChannelRisesByItself() {
    let samples = UnsafeMutablePointer<Float>.allocate(capacity: 2 * 256)
    let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)
    defer {
      samples.deallocate()
      planes.deallocate()
    }
    (planes[0], planes[1]) = (samples, samples + 256)
    var fade = GateFade(channels: 2, isUp: false)
    var heard: [[Float]] = [[], []]
    for block in 0..<4 {
      for frame in 0..<256 { (samples[frame], samples[256 + frame]) = (block > 0 ? 1 : 0, 1) }
      let input = Block(channels: UnsafePointer(planes), channelCount: 2, frames: 256)
      let isShaped = fade.shape(input, isLeaving: false, time: Int64(block) * 5_333_333, rate: 48_000)
      #expect(isShaped)
      for channel in 0..<2 { heard[channel] += UnsafeBufferPointer(start: fade.planes[channel], count: 256) }
    }
    let isUp = fade.isUp
    #expect(isUp)
    for channel in heard {
      #expect(zip(channel, channel.dropFirst()).allSatisfy { abs($1 - $0) < 1.5 / 240 + 1e-4 } && channel.last == 1)
    }
    #expect(heard[0][255] == 0 && heard[0][256] > 0 && heard[1][0] > 0)
  }

  /// Of a cycle that begins before the last one's end only the rest can be heard: the rise is in that.
  @Test func risesWhereTheLastSoundEnded() {
    let rig = Rig(isUp: true)
    rig.pass(1024, leaving: true)
    rig.pass(256, back: 600)
    rig.pass(256)
    rig.pass(256)
    let next = Array(rig.heard.dropFirst(1024))
    #expect(next[0..<600].allSatisfy { $0 == 0 })
    #expect(next[602] > 0 && next[767] < 1)
    #expect(rig.steepest < 1.5 / 240 + 1e-4)
    // A clock that is far off says nothing.
    let other = Rig(isUp: true)
    other.pass(256, leaving: true)
    other.pass(256, back: 48_000)
    #expect(other.heard[256] > 0)
  }

  /// A change that is called off.
  @Test func turnsBackHalfWay() {
    let rig = Rig(isUp: true)
    rig.pass(100, leaving: true)
    #expect(!rig.isDown)
    rig.pass(256)
    #expect(rig.isUp && rig.heard.last == 1)
    #expect(rig.heard.allSatisfy { $0 > 0 })
    #expect(rig.steepest < 1.5 / 240 + 1e-4)
  }
}
