/// Gives a counter that wraps its missing upper bits: each value is taken to be the one nearest to the newest so far.
public struct Unwrapper<Counter: FixedWidthInteger & UnsignedInteger & Sendable>: Hashable, Sendable {
  /// The largest value so far; nil before the first.
  public private(set) var newest: Int64?

  public init() {}

  /// Thread: any one at a time.
  public mutating func unwrap(_ value: Counter) -> Int64 {
    let extended = peek(value)
    newest = max(newest ?? extended, extended)
    return extended
  }

  /// What `unwrap` would return, remembering nothing.
  public func peek(_ value: Counter) -> Int64 {
    // One turn above zero, so that values from before the first one stay positive.
    guard let newest else { return Int64(value) + (1 << Int64(Counter.bitWidth)) }
    let distance = value &- Counter(truncatingIfNeeded: newest)
    let half = Counter(1) << Counter(Counter.bitWidth - 1)
    return distance < half ? newest + Int64(distance) : newest - Int64(0 &- distance)
  }
}

public typealias SequenceUnwrapper = Unwrapper<UInt16>
public typealias TimestampUnwrapper = Unwrapper<UInt32>
