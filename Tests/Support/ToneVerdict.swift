import Glibc

/// What a recorder made of a steady sine that was on all the while.
public struct ToneVerdict: Sendable, CustomStringConvertible {
  /// Peak in dBFS.
  public var level: Double
  /// All that is not the sine, noise, distortion and breaks, in decibels relative to it. A pitch that is off by a
  /// thousandth of a hertz shows here as more than −60 dB.
  public var residual: Double
  /// Largest difference from the pitch it should have, in hertz, where the pitch is followed.
  public var detune = 0.0

  /// Judges a second from the middle of a recording, or as much as there is. Nil for less than half a second.
  public init?(of samples: [Float], frequency: Double, rate: Int = 48000) {
    let length = min(samples.count, rate)
    guard length >= rate / 2 else { return nil }
    let start = (samples.count - length) / 2
    self.init(fit: SineContinuity(frequency: frequency, rate: rate).fit(samples[start..<start + length]))
  }

  /// Judges the cleanest tenth of a second.
  public init?(bestOf samples: [Float], frequency: Double, rate: Int = 48000) {
    let length = rate / 10
    let fitter = SineContinuity(frequency: frequency, rate: rate)
    let verdicts = stride(from: 0, through: samples.count - length, by: length).map {
      ToneVerdict(fit: fitter.fit(samples[$0..<$0 + length]))
    }
    guard let best = verdicts.min(by: { $0.residual < $1.residual }) else { return nil }
    self = best
  }

  /// Judges all but the worst fifth of the tenths of a second after the first half second: where a machine that others use
  /// as well stops for a moment, a sender is late and a packet is concealed, which is as it should be and none of the
  /// matter here. The pitch may be off and wander, as it does where somebody follows a clock, and is told apart; what is
  /// beside the sine at its own pitch counts.
  public init?(following samples: [Float], near frequency: Double, rate: Int = 48000) {
    let length = rate / 10
    // Of a short recording what lies behind its beginning.
    let sound =
      samples.count >= 2 * rate
      ? samples[(rate / 2)..<(samples.count - 2 * length)] : samples[(max(samples.count - rate, 0) / 2)...]
    let count = sound.count / length
    guard count >= 10 else { return nil }
    let judged = (0..<count).map { place in
      let part = sound.dropFirst(place * length).prefix(length)
      let pitch = Self.pitch(of: part, near: frequency, rate: rate)
      return (verdict: ToneVerdict(fit: SineContinuity(frequency: pitch, rate: rate).fit(part)), pitch: pitch)
    }
    // The worst that counts.
    let rank = count - count / 5 - 1
    self = judged.map(\.verdict).sorted { $0.residual < $1.residual }[rank]
    // By itself: a break that falls on an edge looks like another pitch.
    detune = judged.map { $0.pitch - frequency }.sorted { abs($0) < abs($1) }[rank]
  }

  /// The pitch that a stretch has itself, from how the phase of its second half follows that of the first.
  private static func pitch(of part: ArraySlice<Float>, near frequency: Double, rate: Int) -> Double {
    let half = part.count / 2
    var pitch = frequency
    for _ in 0..<4 {
      let step = 2 * Double.pi * pitch / Double(rate)
      let phases = [part.prefix(half), part.suffix(half)].map { stretch in
        // A window, so that the sine's mirror at the negative pitch stays out.
        let (re, im) = stretch.indices.reduce((0.0, 0.0)) { sum, index in
          let angle = step * Double(index - part.startIndex)
          let place = (Double(index - stretch.startIndex) + 0.5) / Double(half)
          let sample = Double(stretch[index]) * (0.5 - 0.5 * cos(2 * .pi * place))
          return (sum.0 + sample * cos(angle), sum.1 - sample * sin(angle))
        }
        return atan2(im, re)
      }
      pitch += remainder(phases[1] - phases[0], 2 * .pi) / (2 * .pi) * Double(rate) / Double(half)
    }
    return pitch
  }

  private init(fit: (amplitude: Double, residual: Double)) {
    level = ToneAnalysis.decibels(fit.amplitude)
    residual = ToneAnalysis.decibels(fit.residual) - level
  }

  public var description: String {
    "level \(rounded(level)) dBFS, residual \(rounded(residual)) dB"
      + (detune == 0 ? "" : ", off by \((detune * 1e5).rounded() / 1e5) Hz")
  }

  private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
