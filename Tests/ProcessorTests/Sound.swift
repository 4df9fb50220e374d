import AudioCore
import Glibc

/// Sound of several channels, and how a processor's tests hear it.
struct Sound: Equatable {
  var rate: Int
  var channels: [[Float]]

  var frames: Int { channels[0].count }

  init(rate: Int = 48_000, _ channels: [[Float]]) {
    self.rate = rate
    self.channels = channels
  }

  init(rate: Int = 48_000, channels: Int = 1, seconds: Double, _ sample: (Int, Double) -> Double) {
    self.rate = rate
    let frames = Int(seconds * Double(rate))
    self.channels = (0..<channels).map { channel in
      (0..<frames).map { Float(sample(channel, Double($0) / Double(rate))) }
    }
  }

  static func sine(
    _ hertz: Double, decibels: Double, rate: Int = 48_000, channels: Int = 1, seconds: Double, phase: Double = 0
  ) -> Sound {
    let amplitude = pow(10, decibels / 20)
    return Sound(rate: rate, channels: channels, seconds: seconds) { _, time in
      amplitude * sin(2 * .pi * hertz * time + phase)
    }
  }

  func prefix(channels count: Int) -> Sound { Sound(rate: rate, Array(channels.prefix(count))) }

  func scaled(_ gain: Float) -> Sound { Sound(rate: rate, channels.map { $0.map { $0 * gain } }) }

  /// The same sound later, with silence before it and nothing behind its end.
  func later(by frames: Int) -> Sound {
    Sound(rate: rate, channels.map { [Float](repeating: 0, count: frames) + $0.dropLast(frames) })
  }

  func slice(_ range: Range<Int>) -> Sound { Sound(rate: rate, channels.map { Array($0[range]) }) }

  var samplePeak: Float { channels.reduce(0) { $1.reduce($0) { max($0, $1.magnitude) } } }

  /// What a processor makes of it in blocks of these sizes, taken in turns.
  func processed(
    blocks: [Int] = [256], by process: (UnsafePointer<UnsafeMutablePointer<Float>>, Int) -> Void
  ) -> Sound {
    var result = self
    result.process(blocks: blocks) { planes, _, count in process(planes, count) }
    return result
  }

  /// The same in place; the processor is told where a block begins.
  mutating func process(
    blocks: [Int], by process: (UnsafePointer<UnsafeMutablePointer<Float>>, Int, Int) -> Void
  ) {
    let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: channels.count)
    let most = blocks.max() ?? 1
    for channel in channels.indices { planes[channel] = .allocate(capacity: most) }
    var (place, turn) = (0, 0)
    while place < frames {
      let count = min(blocks[turn % blocks.count], frames - place)
      turn += 1
      for channel in channels.indices {
        for frame in 0..<count { planes[channel][frame] = channels[channel][place + frame] }
      }
      process(UnsafePointer(planes), place, count)
      for channel in channels.indices {
        for frame in 0..<count { channels[channel][place + frame] = planes[channel][frame] }
      }
      place += count
    }
    for channel in channels.indices { planes[channel].deallocate() }
    planes.deallocate()
  }

  /// Cuts that a result must not depend on.
  static let cuts: [[Int]] = [[1], [64], [256], [1024], [127, 1, 311, 13, 8191, 2, 61]]
}

/// What is left of a tone when the best fitting one has been taken away.
struct ToneResidue {
  let amplitude: Double
  /// Power of the rest over the tone's, in decibels.
  let decibels: Double

  init(_ samples: ArraySlice<Float>, hertz: Double, rate: Int = 48_000) {
    let step = 2 * Double.pi * hertz / Double(rate)
    var (ss, cc, sc, xs, xc) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (index, sample) in samples.enumerated() {
      let (s, c, x) = (sin(step * Double(index)), cos(step * Double(index)), Double(sample))
      (ss, cc, sc, xs, xc) = (ss + s * s, cc + c * c, sc + s * c, xs + x * s, xc + x * c)
    }
    let determinant = ss * cc - sc * sc
    let a = (xs * cc - xc * sc) / determinant
    let b = (xc * ss - xs * sc) / determinant
    amplitude = (a * a + b * b).squareRoot()
    var rest = 0.0
    for (index, sample) in samples.enumerated() {
      let left = Double(sample) - a * sin(step * Double(index)) - b * cos(step * Double(index))
      rest += left * left
    }
    decibels = 10 * log10(max(rest, 1e-30) / Double(samples.count) / (amplitude * amplitude / 2))
  }
}

func decibels(_ amplitude: some BinaryFloatingPoint) -> Double { 20 * log10(max(Double(amplitude), 1e-15)) }

/// Figures are printed when somebody asks for them.
func report(_ line: @autoclosure () -> String) {
  if getenv("STREAMD_FIGURES") != nil { print("  | \(line())") }
}

/// Numbers that are the same in every run.
struct Chance {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func bits() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
  /// −1 to 1, evenly.
  mutating func even() -> Double { Double(Int64(bitPattern: bits()) >> 11) / Double(1 << 52) }
  /// Normal, of variance one.
  mutating func normal() -> Double {
    var sum = 0.0
    for _ in 0..<12 { sum += even() }
    return sum / 2
  }
}

func amplitude(_ decibels: Double) -> Double { pow(10, decibels / 20) }
