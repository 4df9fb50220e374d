import AudioCore
import Glibc
import Testing

/// Drives a resampler in uneven chunks.
struct ResamplerRig: ~Copyable {
  var resampler: SincResampler
  private var random = UInt64(88_172_645_463_325_252)

  init(_ quality: ResamplerQuality, from: Int = 48_000, to: Int = 48_000, channels: Int = 1) {
    resampler = SincResampler(
      quality: quality, from: SampleRate(hertz: from), to: SampleRate(hertz: to), channels: channels)
  }

  mutating func chance(_ bound: Int) -> Int {
    random ^= random << 13
    random ^= random >> 7
    random ^= random << 17
    return Int(random % UInt64(bound))
  }

  /// Feeds all of `input`, `chunk` frames at a time (0: uneven), and returns all that comes out.
  mutating func run(_ input: [Float], chunk: Int = 0, limit: Int = .max) -> [Float] {
    var output: [Float] = []
    var place = 0
    var scratch = [Float](repeating: 0, count: 65_536)
    while place < input.count, output.count < limit {
      let size = min(chunk > 0 ? chunk : 1 + chance(700), input.count - place)
      let taken = input.withUnsafeBufferPointer {
        resampler.feed($0.baseAddress! + place, frames: size, stride: 1, channelStride: 0)
      }
      #expect(taken == size)
      place += size
      let room = min(scratch.count, limit - output.count)
      let made = scratch.withUnsafeMutableBufferPointer {
        resampler.produce(into: $0.baseAddress!, limit: room, stride: 1, channelStride: 0)
      }
      output += scratch[..<made]
    }
    return output
  }
}

/// What is left of a signal after the best fitting sine of a known frequency has been taken away.
struct SineFit {
  let amplitude: Double
  /// Power of the rest over power of the sine, in decibels.
  let residue: Double

  init(_ samples: ArraySlice<Float>, cyclesPerFrame: Double) {
    // Least squares for sine, cosine and a constant.
    var (ss, cc, sc, xs, xc, s1, c1, x1, n) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for (index, sample) in samples.enumerated() {
      let angle = 2 * Double.pi * cyclesPerFrame * Double(index)
      let (s, c, x) = (sin(angle), cos(angle), Double(sample))
      (ss, cc, sc, xs, xc) = (ss + s * s, cc + c * c, sc + s * c, xs + x * s, xc + x * c)
      (s1, c1, x1, n) = (s1 + s, c1 + c, x1 + x, n + 1)
    }
    let (a, b, d) = Self.solve((ss, sc, s1, xs), (sc, cc, c1, xc), (s1, c1, n, x1))
    amplitude = (a * a + b * b).squareRoot()
    var rest = 0.0
    for (index, sample) in samples.enumerated() {
      let angle = 2 * Double.pi * cyclesPerFrame * Double(index)
      let left = Double(sample) - a * sin(angle) - b * cos(angle) - d
      rest += left * left + d * d
    }
    residue = 10 * log10(rest / n / (amplitude * amplitude / 2))
  }

  private typealias Row = (Double, Double, Double, Double)
  private static func solve(_ p: Row, _ q: Row, _ r: Row) -> (Double, Double, Double) {
    func det(
      _ a: Double, _ b: Double, _ c: Double, _ d: Double, _ e: Double, _ f: Double, _ g: Double, _ h: Double,
      _ i: Double
    ) -> Double { a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) }
    let whole = det(p.0, p.1, p.2, q.0, q.1, q.2, r.0, r.1, r.2)
    return (
      det(p.3, p.1, p.2, q.3, q.1, q.2, r.3, r.1, r.2) / whole,
      det(p.0, p.3, p.2, q.0, q.3, q.2, r.0, r.3, r.2) / whole,
      det(p.0, p.1, p.3, q.0, q.1, q.3, r.0, r.1, r.3) / whole
    )
  }
}

@Suite struct ResamplerTests {
  static func tone(_ hertz: Double, rate: Int, frames: Int, amplitude: Double = 0.5) -> [Float] {
    (0..<frames).map { Float(amplitude * sin(2 * .pi * hertz * Double($0) / Double(rate))) }
  }

  /// The output of a steady tone without its beginning.
  static func measure(_ quality: ResamplerQuality, hertz: Double, from: Int, to: Int, ppm: Double = 0) -> SineFit {
    var rig = ResamplerRig(quality, from: from, to: to)
    rig.resampler.correct(ppm: ppm, over: 1)
    let output = rig.run(tone(hertz, rate: from, frames: from / 2))
    return SineFit(output[1000...], cyclesPerFrame: hertz * (1 + ppm * 1e-6) / Double(to))
  }

  static let rates = [44_100, 48_000, 88_200, 96_000, 192_000]

  @Test(arguments: [-500.0, -37, 0, 200, 500]) func voiceIsClean(ppm: Double) {
    for hertz in [100, 997, 5000, 10_000, 15_000, 19_200.0] {
      let fit = Self.measure(.voice, hertz: hertz, from: 48_000, to: 48_000, ppm: ppm)
      #expect(fit.residue < -100, "\(hertz) Hz: \(fit.residue) dB")
      #expect(abs(20 * log10(fit.amplitude / 0.5)) < 0.05, "\(hertz) Hz: \(fit.amplitude)")
    }
  }

  @Test(arguments: rates) func mainIsClean(from: Int) {
    for to in Self.rates {
      for hertz in [997, 10_000, 20_000.0] {
        let fit = Self.measure(.main, hertz: hertz, from: from, to: to, ppm: from == to ? 300 : 0)
        #expect(fit.residue < -120, "\(from) to \(to), \(hertz) Hz: \(fit.residue) dB")
        #expect(abs(20 * log10(fit.amplitude / 0.5)) < 0.01, "\(from) to \(to), \(hertz) Hz: \(fit.amplitude)")
      }
    }
  }

  /// What would come back as an alias inside the pass band is gone.
  @Test(arguments: [(96_000, 44_100), (96_000, 48_000), (192_000, 44_100), (88_200, 48_000)])
  func stopBand(from: Int, to: Int) {
    let edge = Double(to) - 20_000
    for hertz in stride(from: edge, to: Double(from) / 2 - 100, by: (Double(from) / 2 - edge) / 7) {
      var rig = ResamplerRig(.main, from: from, to: to)
      let output = rig.run(Self.tone(hertz, rate: from, frames: from / 2))
      let power = output[1000...].reduce(0.0) { $0 + Double($1) * Double($1) } / Double(output.count - 1000)
      #expect(10 * log10(power / 0.125 + 1e-30) < -120, "\(hertz) Hz: \(10 * log10(power / 0.125 + 1e-30)) dB")
    }
  }

  @Test func voiceIsQuick() {
    let rig = ResamplerRig(.voice)
    #expect(rig.resampler.latency <= FrameCount(64))
  }

  /// A frame comes out where it went in: output frame n lies at input frame n times the ratio.
  @Test func nothingIsShifted() {
    var rig = ResamplerRig(.main, from: 48_000, to: 96_000)
    let output = rig.run(Self.tone(500, rate: 48_000, frames: 4800))
    for index in 2000..<6000 {
      let ideal = 0.5 * sin(2 * .pi * 500 * Double(index) / 96_000)
      #expect(abs(Double(output[index]) - ideal) < 1e-5)
    }
  }

  @Test(arguments: [1, 7, 64, 480, 5000]) func chunksDoNotMatter(chunk: Int) {
    let noise: [Float] = (0..<40_000).map { index in
      var z = UInt64(index) &+ 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      return Float(Int32(truncatingIfNeeded: (z ^ (z >> 27)) >> 16)) / Float(1 << 31)
    }
    func run(_ chunk: Int) -> [Float] {
      var rig = ResamplerRig(.voice)
      rig.resampler.correct(ppm: 500, over: 30_000)
      return rig.run(noise, chunk: chunk)
    }
    #expect(run(chunk) == run(0))
  }

  /// While the ratio moves the output is the tone at the place the ratio says, and nothing else.
  @Test(arguments: [ResamplerQuality.voice, .main]) func aMovingRatioAddsNothing(quality: ResamplerQuality) {
    var rig = ResamplerRig(quality)
    let input = Self.tone(3000, rate: 48_000, frames: 200_000)
    var (place, step, target, slope, left) = (0.0, 1.0, 1.0, 0.0, 0)
    var (error, power) = (0.0, 0.0)
    var fed = 0
    for (round, ppm) in [0, 500, -500, 120, -3, 480, 0.0].enumerated() {
      rig.resampler.correct(ppm: ppm, over: 4800)
      (target, left) = (1 + ppm * 1e-6, 4800)
      slope = (target - step) / 4800
      let output = rig.run(Array(input[fed..<fed + 20_000]), limit: 24_000)
      fed += 20_000
      for (index, sample) in output.enumerated() {
        let ideal = 0.5 * sin(2 * .pi * 3000 * place / 48_000)
        if round > 0 || index > 200 {
          error += (Double(sample) - ideal) * (Double(sample) - ideal)
          power += ideal * ideal
        }
        if left > 0 {
          left -= 1
          step = left == 0 ? target : step + slope
        }
        place += step
      }
    }
    let residue = 10 * log10(error / power)
    #expect(residue < (quality == .main ? -118 : -100), "\(residue) dB")
  }

  /// A device takes whole periods: what is asked for is there, and never much more is fed than it takes.
  @Test(arguments: [(44_100, 48_000), (48_000, 44_100), (48_000, 48_000), (96_000, 44_100), (48_000, 192_000)])
  func whatIsNeededIsEnough(from: Int, to: Int) {
    var resampler = SincResampler(
      quality: .main, from: SampleRate(hertz: from), to: SampleRate(hertz: to), channels: 1)
    let latency = resampler.latency.value
    let silence = [Float](repeating: 0, count: 65_536)
    var output = silence
    var (fed, made) = (0, 0)
    for round in 0..<2_000 {
      let period = [64, 441, 480, 1024, 1][round % 5]
      if round % 100 == 50 { resampler.correct(ppm: round % 200 == 50 ? 300 : -300, over: 5_000) }
      let needed = resampler.needed(for: period)
      #expect(resampler.feed(silence, frames: needed, stride: 1, channelStride: 0) == needed)
      #expect(resampler.produce(into: &output, limit: period, stride: 1, channelStride: 0) == period)
      fed += needed
      made += period
    }
    let used = Double(made) * Double(from) / Double(to)
    #expect(abs(Double(fed) - used) < Double(latency) + 2 + used * 300e-6)
    #expect(resampler.needed(for: 0) == 0)
  }

  @Test func stereoStaysApart() {
    var resampler = SincResampler(
      quality: .voice, from: SampleRate(hertz: 44_100), to: .codec, channels: 2, chunk: FrameCount(512))
    var output = [Float](repeating: 9, count: 2 * 600)
    var made = 0
    for round in 0..<20 {
      let input = (0..<1024).map { index in index % 2 == 0 ? Float(0.25) : -0.5 }
      #expect(resampler.feed(input, frames: 512, stride: 2, channelStride: 1) == 512)
      made = output.withUnsafeMutableBufferPointer {
        resampler.produce(into: $0.baseAddress!, limit: 600, stride: 2, channelStride: 1)
      }
      guard round > 0 else { continue }
      for index in 0..<made {
        #expect(abs(output[2 * index] - 0.25) < 1e-5 && abs(output[2 * index + 1] + 0.5) < 1e-5)
      }
    }
    #expect((555...560).contains(made))
  }

  /// More than fits is refused, not written elsewhere.
  @Test func aFloodIsBounded() {
    var resampler = SincResampler(quality: .voice, from: .codec, to: .codec, channels: 1, chunk: FrameCount(100))
    let input = [Float](repeating: 1, count: 1000)
    let taken = resampler.feed(input, frames: 1000, stride: 1, channelStride: 0)
    #expect((100..<1000).contains(taken))
    #expect(resampler.feed(input, frames: 1000, stride: 1, channelStride: 0) == 0)
  }

  /// Says what a frame costs; asserts nothing about it.
  @Test func cost() {
    for (name, quality, from, to, ppm) in [
      ("voice 48 to 48", ResamplerQuality.voice, 48_000, 48_000, 100.0), ("main 48 to 48", .main, 48_000, 48_000, 100),
      ("main 44.1 to 48", .main, 44_100, 48_000, 0), ("main 44.1 to 48 corrected", .main, 44_100, 48_000, 100),
      ("main 192 to 48", .main, 192_000, 48_000, 0),
    ] {
      for channels in [1, 2] {
        var resampler = SincResampler(
          quality: quality, from: SampleRate(hertz: from), to: SampleRate(hertz: to), channels: channels)
        resampler.correct(ppm: ppm, over: 1)
        let input = [Float](repeating: 0.1, count: 2 * 1024)
        var output = [Float](repeating: 0, count: 2 * 4096)
        var frames = 0
        let start = renderNow()
        while renderNow() - start < .milliseconds(20) {
          for _ in 0..<8 {
            _ = resampler.feed(input, frames: 1024, stride: channels, channelStride: 1)
            frames += output.withUnsafeMutableBufferPointer {
              resampler.produce(into: $0.baseAddress!, limit: 4096, stride: channels, channelStride: 1)
            }
          }
        }
        let spent = Double((renderNow() - start).nanoseconds)
        #expect(frames > 0)
        print(
          "\(name), \(channels) channels: \(Int(spent / Double(frames * channels) * 10) / 10) ns a frame and channel")
      }
    }
  }
}
