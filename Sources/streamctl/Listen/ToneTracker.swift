import AudioCore
import Glibc

/// Watches one channel for breaks: learns the sine that is in it and then follows its phase and shape.
///
/// Sound that is dropped, repeated or replaced moves the phase of a steady tone or leaves a residue where the tone should
/// be. Music is no tone: then there is nothing to tell, and no verdict.
struct ToneTracker: Sendable {
  /// Breaks since the tone was learnt; nil while the channel holds no steady tone.
  private(set) var breaks: Int?

  private var recent: [Float] = []
  private var frequency = 0.0
  /// Absolute index of `recent`'s first sample.
  private var origin = 0
  private var lastPhase: Double?
  /// Phase that passes in a hop because the frequency is not known exactly.
  private var slip = 0.0
  /// Phase beyond what the frequency explains, since the last break, over the last hops.
  private var drift: [Double] = []
  private var hopsSinceBreak = 100

  static let learning = 32_768
  static let window = 1920
  static let hop = 960
  /// Hops whose phases are averaged.
  private static let span = 8
  /// A sample more or less at 1 kHz is 0.13; Opus at 48 kbit/s a channel wavers by 0.06.
  private let shiftLimit: Double
  private static let jumpLimit = 0.25
  /// Where a resampler follows a clock, its pitch moves by some hundred millionths while it finds it: at 1 kHz, a tenth of
  /// that in radians over the hops that are averaged.
  private static let followedShift = 0.6

  /// - Parameter isFollowed: the sound has gone through a resampler that follows a clock.
  init(isFollowed: Bool = false) { shiftLimit = isFollowed ? Self.followedShift : 0.1 }
  /// Share of the tone's power that a residue of 1.25 ms may have.
  private static let residueLimit = 0.25

  mutating func feed(_ samples: UnsafeBufferPointer<Float>, channel: Int, channels: Int) {
    for index in stride(from: channel, to: samples.count, by: channels) { recent.append(samples[index]) }
    if breaks == nil { learn() }
    if breaks != nil {
      while recent.count >= Self.window { step() }
    }
  }

  private mutating func learn() {
    guard recent.count >= Self.learning else { return }
    let power = recent.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(recent.count)
    if power > 1e-8, let tone = Spectrum.dominant(recent), tone.amplitude * tone.amplitude / 2 > 0.8 * power {
      frequency = tone.frequency
      breaks = 0
    } else {
      discard(Self.learning / 2)
    }
  }

  private mutating func discard(_ count: Int) {
    recent.removeFirst(count)
    origin += count
  }

  /// One window: the tone's phase against the time since the start, and what is left when the tone is taken out.
  private mutating func step() {
    let omega = 2 * Double.pi * frequency / 48_000
    // Phase at the window's start, kept small so that hours do not cost precision.
    let start = (frequency * Double(origin) / 48_000).truncatingRemainder(dividingBy: 1) * 2 * Double.pi
    var (real, imaginary, weight) = (0.0, 0.0, 0.0)
    for index in 0..<Self.window {
      let hann = Self.shape[index]
      let phase = start + omega * Double(index)
      real += hann * Double(recent[index]) * cos(phase)
      imaginary -= hann * Double(recent[index]) * sin(phase)
      weight += hann
    }
    let (a, b) = (2 * real / weight, 2 * imaginary / weight)
    let residue = worstResidue(a, b, start, omega)
    follow(phase: atan2(b, a), residue: residue, power: (a * a + b * b) / 2)
    discard(Self.hop)
  }

  private func worstResidue(_ a: Double, _ b: Double, _ start: Double, _ omega: Double) -> Double {
    var worst = 0.0
    // Every sample is in the middle half of one window.
    for block in stride(from: Self.window / 4, to: Self.window / 4 + Self.hop, by: 60) {
      var sum = 0.0
      for index in block..<block + 60 {
        let phase = start + omega * Double(index)
        let left = Double(recent[index]) - (a * cos(phase) - b * sin(phase))
        sum += left * left
      }
      worst = max(worst, sum / 60)
    }
    return worst
  }

  /// A codec lets the phase of a steady tone waver and come back; lost sound moves it for good. So the mean of the last
  /// few hops is held against the mean of those before.
  private mutating func follow(phase: Double, residue: Double, power: Double) {
    defer { lastPhase = phase }
    hopsSinceBreak += 1
    guard let lastPhase else { return }
    let moved = remainder(phase - lastPhase - slip, 2 * Double.pi)
    drift.append((drift.last ?? 0) + moved)
    if drift.count > 2 * Self.span { drift.removeFirst() }
    let shift =
      drift.count < 2 * Self.span ? 0 : Self.mean(drift.suffix(Self.span)) - Self.mean(drift.prefix(Self.span))
    let broken =
      abs(shift) > shiftLimit || abs(moved) > Self.jumpLimit || residue > Self.residueLimit * power || power < 1e-9
    if !broken {
      slip += shift / Double(Self.span) / 8
    } else {
      // Windows overlap: one break is seen by up to four of them.
      if hopsSinceBreak > 4 { breaks = (breaks ?? 0) + 1 }
      hopsSinceBreak = 0
      drift = []
    }
  }

  private static func mean(_ values: ArraySlice<Double>) -> Double { values.reduce(0, +) / Double(values.count) }

  private static let shape: [Double] = (0..<window).map { Spectrum.hann($0, window) }
}
