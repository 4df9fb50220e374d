import AudioCore

/// What was seen of a sound while it was rendered, at even steps of time: decibels, or nothing where there is none.
struct RenderTrace {
  /// Seconds from one point to the next.
  let step: Double
  let gainNames: [String]
  private(set) var before: [Double] = []
  private(set) var after: [Double] = []
  private(set) var momentary: [Double] = []
  private(set) var shortTerm: [Double] = []
  /// One series a node that has a gain.
  private(set) var gains: [[Double]]

  init(step: Double, gainNames: [String]) {
    self.step = step
    self.gainNames = gainNames
    gains = gainNames.map { _ in [] }
  }

  var seconds: Double { Double(after.count) * step }

  mutating func note(before: Float, after: Float, momentary: Double?, shortTerm: Double?, gains: [Double]) {
    self.before.append(Decibels(amplitude: Double(before)).value)
    self.after.append(Decibels(amplitude: Double(after)).value)
    self.momentary.append(momentary ?? -.infinity)
    self.shortTerm.append(shortTerm ?? -.infinity)
    for (index, gain) in gains.enumerated() { self.gains[index].append(gain) }
  }
}
