import AudioCore
import CRenderGuard
import Glibc

/// Sound that a test makes: planar, of any length.
struct TestSound {
  var channels: [[Float]]
  var rate: Int

  var frames: Int { channels.first?.count ?? 0 }

  init(channels: [[Float]], rate: Int = 48_000) {
    self.channels = channels
    self.rate = rate
  }

  init(silence seconds: Double, channels: Int, rate: Int = 48_000) {
    let frames = Int((seconds * Double(rate)).rounded())
    self.init(channels: Array(repeating: Array(repeating: 0, count: frames), count: channels), rate: rate)
  }

  /// The same sine in every channel; `level` is its peak in dBFS, `phase` in degrees.
  init(
    sine frequency: Double, level: Double, seconds: Double, channels: Int, rate: Int = 48_000, phase: Double = 0
  ) {
    let frames = Int((seconds * Double(rate)).rounded())
    let amplitude = pow(10, level / 20)
    let turn = 2 * Double.pi * frequency / Double(rate)
    let plane = (0..<frames).map { Float(amplitude * sin(turn * Double($0) + phase * .pi / 180)) }
    self.init(channels: Array(repeating: plane, count: channels), rate: rate)
  }

  /// White noise of an RMS in dBFS, another in every channel.
  init(noise level: Double, seconds: Double, channels: Int, rate: Int = 48_000, seed: UInt64 = 1) {
    let frames = Int((seconds * Double(rate)).rounded())
    // Uniform: its RMS is its peak over the square root of three.
    let amplitude = pow(10, level / 20) * 3.0.squareRoot()
    var random = TestRandom(seed: seed)
    self.init(
      channels: (0..<channels).map { _ in (0..<frames).map { _ in Float(amplitude * random.bipolar()) } }, rate: rate)
  }

  static func + (first: Self, second: Self) -> Self {
    TestSound(channels: zip(first.channels, second.channels).map { $0 + $1 }, rate: first.rate)
  }

  static func joined(_ parts: [Self]) -> Self {
    var sound = parts[0]
    for part in parts.dropFirst() {
      for channel in sound.channels.indices { sound.channels[channel] += part.channels[channel] }
    }
    return sound
  }

  func scaled(by decibels: Double) -> Self {
    let gain = Float(pow(10, decibels / 20))
    return TestSound(channels: channels.map { $0.map { $0 * gain } }, rate: rate)
  }

  func keeping(last seconds: Double) -> Self {
    TestSound(channels: channels.map { Array($0.suffix(Int(seconds * Double(rate)))) }, rate: rate)
  }

  /// Hands out planes of `block` frames after the other, inside render sections. What `body` writes stays.
  mutating func render(
    block: Int = 512, _ body: (UnsafePointer<UnsafeMutablePointer<Float>>, Int) -> Void
  ) {
    let count = channels.count
    let total = frames
    let samples = UnsafeMutablePointer<Float>.allocate(capacity: count * max(total, 1))
    let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: count)
    defer {
      samples.deallocate()
      planes.deallocate()
    }
    for channel in 0..<count {
      channels[channel].withUnsafeBufferPointer { plane in
        if let base = plane.baseAddress { (samples + channel * total).update(from: base, count: total) }
      }
    }
    var done = 0
    while done < total {
      let size = min(block, total - done)
      for channel in 0..<count { (planes + channel).initialize(to: samples + channel * total + done) }
      streamd_render_guard_enter()
      body(planes, size)
      streamd_render_guard_exit()
      done += size
    }
    for channel in 0..<count {
      channels[channel] = Array(UnsafeBufferPointer(start: samples + channel * total, count: total))
    }
  }
}

struct TestRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// From 0 to 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
  /// From −1 to 1.
  mutating func bipolar() -> Double { unit() * 2 - 1 }
}

/// Whether the long forms were asked for.
let isSoak = getenv("STREAMD_SOAK") != nil
