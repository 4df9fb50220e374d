public import AudioCore

/// How one layout becomes another: a gain for each pair of channels. Built by control, read by render as flat floats.
///
/// A position both layouts have goes over at unity; one the source lacks stays silent, except where the same sound has
/// another name (mono, 5.1 with side instead of rear speakers). A position the target lacks is folded as ITU-R BS.775
/// folds it: centre and surrounds at −3 dB, low-frequency effects left out.
public struct ChannelMatrix: Equatable, Sendable {
  public let input: ChannelLayout
  public let output: ChannelLayout
  /// `gains[out * input.count + in]`.
  public private(set) var gains: [Float]

  private static let minus3dB: Float = 0.70710678

  public init(from input: ChannelLayout, to output: ChannelLayout) {
    self.input = input
    self.output = output
    gains = Array(repeating: 0, count: input.count * output.count)
    if output == .mono, input != .mono {
      foldToMono()
      return
    }
    for label in input.labels { place(label) }
  }

  public subscript(out: Int, in source: Int) -> Float { gains[out * input.count + source] }

  private mutating func add(_ gain: Float, _ source: ChannelLabel, to target: ChannelLabel) {
    guard let from = input.index(of: source), let to = output.index(of: target) else { return }
    gains[to * input.count + from] += gain
  }

  private func has(_ label: ChannelLabel) -> Bool { output.index(of: label) != nil }

  private mutating func place(_ label: ChannelLabel) {
    if has(label) {
      add(1, label, to: label)
      return
    }
    switch label {
    case .mono:
      add(1, label, to: .frontLeft)
      add(1, label, to: .frontRight)
    case .frontCenter:
      add(Self.minus3dB, label, to: .frontLeft)
      add(Self.minus3dB, label, to: .frontRight)
    case .rearLeft: fold(label, sibling: .sideLeft, front: .frontLeft)
    case .rearRight: fold(label, sibling: .sideRight, front: .frontRight)
    case .sideLeft: fold(label, sibling: .rearLeft, front: .frontLeft)
    case .sideRight: fold(label, sibling: .rearRight, front: .frontRight)
    case .frontLeft, .frontRight, .lowFrequency: break
    }
  }

  /// A surround goes to the other pair of surrounds (at unity where that pair has no sound of its own), else to the front.
  private mutating func fold(_ label: ChannelLabel, sibling: ChannelLabel, front: ChannelLabel) {
    if has(sibling) {
      add(input.index(of: sibling) == nil ? 1 : Self.minus3dB, label, to: sibling)
    } else {
      add(Self.minus3dB, label, to: front)
    }
  }

  private mutating func foldToMono() {
    let stereo = ChannelMatrix(from: input, to: .stereo)
    for source in 0..<input.count { gains[source] = (stereo[0, in: source] + stereo[1, in: source]) / 2 }
  }
}
