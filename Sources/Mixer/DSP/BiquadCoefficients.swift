/// A second-order section, normalised: y = b0·x + b1·x₁ + b2·x₂ − a1·y₁ − a2·y₂.
public struct BiquadCoefficients: Hashable, Sendable, BitwiseCopyable {
  public var b0: Double
  public var b1: Double
  public var b2: Double
  public var a1: Double
  public var a2: Double

  @_noLocks
  public init(b0: Double, b1: Double, b2: Double, a1: Double, a2: Double) {
    self.b0 = b0
    self.b1 = b1
    self.b2 = b2
    self.a1 = a1
    self.a2 = a2
  }

  /// What passes everything as it is.
  public static var identity: Self { @_noLocks get { Self(b0: 1, b1: 0, b2: 0, a1: 0, a2: 0) } }
}
