// Conversions between linear amplitude and decibels. Glibc's logarithm is no render call: coefficients and levels are
// computed by the control side.
import Glibc

extension Decibels {
  /// Thread: control.
  public init(amplitude: Double) {
    self.init(amplitude > 1e-6 ? max(20 * log10(amplitude), Decibels.floor.value) : Decibels.floor.value)
  }

  /// Thread: control.
  public var amplitude: Double { value <= Decibels.floor.value ? 0 : pow(10, value / 20) }
}
