/// The window under which a sinc leaks least for its length.
public enum KaiserWindow {
  /// The weight at a place from −1 to 1: one in the middle. Thread: control.
  public static func weight(at place: Double, beta: Double) -> Double {
    height(at: place, beta: beta) / bessel(beta)
  }

  /// The same, of another height in the middle: for who makes the sum of the weights one anyway. Thread: control.
  static func height(at place: Double, beta: Double) -> Double { bessel(beta * (1 - place * place).squareRoot()) }

  /// The modified Bessel function of the first kind of order zero.
  private static func bessel(_ x: Double) -> Double {
    var term = 1.0
    var sum = 1.0
    var count = 1.0
    while term > sum * 1e-17 {
      term *= (x / (2 * count)) * (x / (2 * count))
      sum += term
      count += 1
    }
    return sum
  }
}
