import Testing

extension Sound {
  /// What is above 2 kHz in the first channel, in dBFS, at its highest: where a low tone has nothing and a click has.
  var clickLevel: Double {
    let low = HardSound.below(1400 / Double(rate), channels[0])
    return decibels(zip(channels[0], low).dropFirst(400).dropLast(400).map { abs($0 - $1) }.max() ?? 0)
  }

  /// For a tone of 100 Hz and −20 dBFS whose processor was changed on the way.
  func expectNoClick(_ name: String) {
    let samples = channels[0]
    let most = zip(samples.dropFirst(), samples).map { abs($0 - $1) }.max()!
    report("\(name): largest step \(most), click \(clickLevel) dBFS")
    #expect(most < 0.02, "\(name)")
    #expect(clickLevel < -70, "\(name)")
  }
}
