/// What loudspeakers around a head send to its ears, as somebody measured it.
public struct HeadResponses: Hashable, Sendable {
  public let rate: SampleRate
  /// For each direction that was asked for the left ear's and the right ear's, all of the same length.
  public let planes: [[Float]]

  public init(rate: SampleRate, planes: [[Float]]) {
    self.rate = rate
    self.planes = planes
  }
}
