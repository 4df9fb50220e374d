import AudioCore

/// Gains from the channels of one layout to those of another, as render uses them.
struct ChannelFold: ~Copyable {
  let inputs: Int
  let outputs: Int
  private let gains: UnsafeMutablePointer<Float>

  /// For each channel out one gain for each channel in.
  init(_ gains: [Float], inputs: Int, outputs: Int) {
    precondition(gains.count == inputs * outputs)
    self.inputs = inputs
    self.outputs = outputs
    self.gains = .allocate(capacity: gains.count)
    self.gains.initialize(from: gains, count: gains.count)
  }

  /// Channels of a ring have no names: as many as the layout's are the layout's.
  init(fromRing channels: Int, to layout: ChannelLayout) {
    self.init(
      channels == layout.count
        ? ChannelMatrix.byNumber(from: channels, to: channels) : ChannelMatrix.gains(from: channels, to: layout),
      inputs: channels, outputs: layout.count)
  }

  init(from layout: ChannelLayout, toRing channels: Int) {
    self.init(
      channels == layout.count
        ? ChannelMatrix.byNumber(from: channels, to: channels) : ChannelMatrix.gains(from: layout, to: channels),
      inputs: layout.count, outputs: channels)
  }

  deinit { gains.deallocate() }

  /// What comes out is a number, whatever goes in. Thread: render.
  @_noLocks
  func apply(
    _ from: UnsafePointer<UnsafeMutablePointer<Float>>, _ to: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int
  ) {
    var channel = 0
    while channel < outputs {
      let out = to[channel]
      var isFirst = true
      var source = 0
      while source < inputs {
        let gain = gains[channel &* inputs &+ source]
        if gain != 0 {
          let samples = from[source]
          if isFirst {
            for frame in 0..<frames { out[frame] = finite(samples[frame] * gain) }
          } else {
            for frame in 0..<frames { out[frame] = finite(out[frame] + samples[frame] * gain) }
          }
          isFirst = false
        }
        source += 1
      }
      if isFirst { renderZero(out, floats: frames) }
      channel += 1
    }
  }
}

extension ChannelMatrix {
  /// Gains where one side is only a number of channels: as layouts fold where the number names one, else channel by
  /// channel.
  static func gains(from channels: Int, to layout: ChannelLayout) -> [Float] {
    if let from = ChannelLayout(channels: channels) { return ChannelMatrix(from: from, to: layout).gains }
    return byNumber(from: channels, to: layout.count)
  }

  static func gains(from layout: ChannelLayout, to channels: Int) -> [Float] {
    if let to = ChannelLayout(channels: channels) { return ChannelMatrix(from: layout, to: to).gains }
    return byNumber(from: layout.count, to: channels)
  }

  static func byNumber(from inputs: Int, to outputs: Int) -> [Float] {
    (0..<outputs).flatMap { out in (0..<inputs).map { $0 == out ? 1 : 0 } }
  }
}
