import AudioCore
import CRenderGuard
import Glibc
import Testing

@testable import Mixer

/// A way from loudspeakers to a microphone: direct sound after a while, then reflections that fall by 60 dB in 100 ms.
struct EchoRoom {
  private let taps: [(delay: Int, gain: Float)]

  init(_ seed: UInt64, delay milliseconds: Double, decibels level: Double = -6, tail: Double = 0.1, rate: Int = 48_000)
  {
    var chance = Chance(seed)
    let first = Int(milliseconds * Double(rate) / 1000)
    var taps: [(Int, Double)] = [(first, 1)]
    let length = Int(tail * Double(rate))
    for place in stride(from: 37, to: length, by: 7) {
      taps.append((first + place, 0.3 * chance.normal() * pow(10, -3 * Double(place) / Double(length))))
    }
    let power = taps.reduce(0) { $0 + $1.1 * $1.1 }
    self.taps = taps.map { ($0.0, Float($0.1 * amplitude(level) / power.squareRoot())) }
  }

  func heard(_ sound: Sound) -> Sound {
    var echo = [Float](repeating: 0, count: sound.frames)
    echo.withUnsafeMutableBufferPointer { echo in
      sound.channels[0].withUnsafeBufferPointer { far in
        for (delay, gain) in taps where delay < far.count {
          for frame in delay..<far.count { echo[frame] += gain * far[frame - delay] }
        }
      }
    }
    return Sound(rate: sound.rate, [echo])
  }
}

extension Sound {
  static func white(_ level: Double, seconds: Double, seed: UInt64 = 3) -> Sound {
    var chance = Chance(seed)
    return Sound(seconds: seconds) { _, _ in chance.normal() }.levelled(level)
  }

  /// What a canceller makes of it, and what it read at the end.
  func cancelled(
    far: Sound, _ settings: EchoCanceller.Settings = .init(), blocks: [Int] = [256],
    change: (Int, inout EchoCanceller.Settings) -> Void = { _, _ in }
  ) -> (sound: Sound, delay: Double, enhancement: Double) {
    var canceller = EchoCanceller(
      format: StreamFormat(rate: SampleRate(hertz: rate), layout: ChannelLayout(channels: channels.count)!),
      farChannels: far.channels.count, settings: settings)
    let count = channels.count
    var both = Sound(rate: rate, channels + far.channels)
    both.process(blocks: blocks) { planes, place, frames in
      var now = settings
      change(place, &now)
      streamd_render_guard_enter()
      canceller.aim(now)
      canceller.process(planes, far: planes + count, frames: frames)
      streamd_render_guard_exit()
    }
    return (both.prefix(channels: count), Double(canceller.delayMilliseconds), -decibels(canceller.currentGain))
  }

  /// How much softer `output`, which is later by a canceller's delay, is than this in a piece of time.
  func enhancement(_ output: Sound, _ from: Double, _ to: Double) -> Double {
    let (first, last) = (Int(from * Double(rate)), Int(to * Double(rate)))
    return Sound.meanLevel(channels[0][first..<last])
      - Sound.meanLevel(output.channels[0][first + EchoCancelTests.latency..<last + EchoCancelTests.latency])
  }
}
