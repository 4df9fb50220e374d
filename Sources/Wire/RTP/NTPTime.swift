/// A wall-clock time as the wire carries it: seconds since 1900 in the upper 32 bits, their fraction in the lower.
public struct NTPTime: Hashable, Comparable, Sendable {
  public var bits: UInt64

  public init(bits: UInt64) { self.bits = bits }

  /// From nanoseconds since 1970, as CLOCK_REALTIME counts. Wraps in 2036 like every NTP time.
  public init(unixNanoseconds: Int64) {
    let (seconds, rest) = unixNanoseconds.floorDivided(by: 1_000_000_000)
    let whole = UInt64(truncatingIfNeeded: seconds &+ Self.epochOffset) & 0xFFFF_FFFF
    // Rounded to nearest, so that the way back gives the same nanosecond.
    let fraction = (UInt64(rest) << 32 + 500_000_000) / 1_000_000_000
    bits = whole << 32 &+ fraction
  }

  /// Nanoseconds since 1970. Times before 1970 are read as the era after 2036.
  public var unixNanoseconds: Int64 {
    var seconds = Int64(bits >> 32) - Self.epochOffset
    if seconds < 0 { seconds += 1 << 32 }
    let fraction = (bits & 0xFFFF_FFFF) * 1_000_000_000
    return seconds * 1_000_000_000 + Int64((fraction + 1 << 31) >> 32)
  }

  public static func < (a: Self, b: Self) -> Bool { a.bits < b.bits }

  private static let epochOffset: Int64 = 2_208_988_800
}

extension Int64 {
  fileprivate func floorDivided(by divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
