/// A count of frames: one sample of every channel. Never a count of samples or bytes.
@frozen
public struct FrameCount: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral {
  public var value: Int

  @_noLocks @inlinable public init(_ value: Int) { self.value = value }
  @_noLocks @inlinable public init(integerLiteral value: Int) { self.value = value }

  @_noLocks @inlinable public static func < (a: Self, b: Self) -> Bool { a.value < b.value }
  @_noLocks @inlinable public static func + (a: Self, b: Self) -> Self { Self(a.value + b.value) }
  @_noLocks @inlinable public static func - (a: Self, b: Self) -> Self { Self(a.value - b.value) }
  @_noLocks @inlinable public static func += (a: inout Self, b: Self) { a.value += b.value }
  @_noLocks @inlinable public static func -= (a: inout Self, b: Self) { a.value -= b.value }

  /// How long this many frames last.
  @_noLocks @inlinable public func duration(at rate: SampleRate) -> HostDuration {
    HostDuration(nanoseconds: Int64(value) * 1_000_000_000 / Int64(rate.hertz))
  }
}

/// Frames per second.
@frozen
public struct SampleRate: Hashable, Comparable, Sendable {
  public var hertz: Int

  @_noLocks @inlinable public init(hertz: Int) { self.hertz = hertz }
  @_noLocks @inlinable public static func < (a: Self, b: Self) -> Bool { a.hertz < b.hertz }

  /// Opus' and the wire's rate.
  @inlinable public static var codec: SampleRate { @_noLocks get { SampleRate(hertz: 48_000) } }

  /// The whole frames that fit in a duration.
  @_noLocks @inlinable public func frames(in duration: HostDuration) -> FrameCount {
    // Split so that days of nanoseconds times the rate stay inside 64 bits.
    let seconds = duration.nanoseconds / 1_000_000_000
    let rest = duration.nanoseconds % 1_000_000_000
    return FrameCount(Int(seconds) * hertz + Int(rest * Int64(hertz) / 1_000_000_000))
  }
}

/// A level relative to full scale, or a gain.
@frozen
public struct Decibels: Hashable, Comparable, Sendable {
  public var value: Double

  @_noLocks @inlinable public init(_ value: Double) { self.value = value }
  @_noLocks @inlinable public static func < (a: Self, b: Self) -> Bool { a.value < b.value }

  /// The lowest level that is reported: JSON has no minus infinity.
  @inlinable public static var floor: Decibels { @_noLocks get { Decibels(-120) } }
}

/// A point on CLOCK_MONOTONIC.
@frozen
public struct HostTime: Hashable, Comparable, Sendable {
  public var nanoseconds: Int64

  @_noLocks @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
  @_noLocks @inlinable public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }
  @_noLocks @inlinable public static func + (a: Self, b: HostDuration) -> Self {
    Self(nanoseconds: a.nanoseconds + b.nanoseconds)
  }
  @_noLocks @inlinable public static func - (a: Self, b: HostDuration) -> Self {
    Self(nanoseconds: a.nanoseconds - b.nanoseconds)
  }
  @_noLocks @inlinable public static func - (a: Self, b: Self) -> HostDuration {
    HostDuration(nanoseconds: a.nanoseconds - b.nanoseconds)
  }
}

/// A length of time.
@frozen
public struct HostDuration: Hashable, Comparable, Sendable {
  public var nanoseconds: Int64

  @_noLocks @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
  @_noLocks @inlinable public static func milliseconds(_ value: Int64) -> Self { Self(nanoseconds: value * 1_000_000) }
  @_noLocks @inlinable public static func microseconds(_ value: Int64) -> Self { Self(nanoseconds: value * 1_000) }
  @_noLocks @inlinable public static func seconds(_ value: Int64) -> Self { Self(nanoseconds: value * 1_000_000_000) }
  @inlinable public static var zero: Self { @_noLocks get { Self(nanoseconds: 0) } }

  @_noLocks @inlinable public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }
  @_noLocks @inlinable public static func + (a: Self, b: Self) -> Self {
    Self(nanoseconds: a.nanoseconds + b.nanoseconds)
  }
  @_noLocks @inlinable public static func - (a: Self, b: Self) -> Self {
    Self(nanoseconds: a.nanoseconds - b.nanoseconds)
  }
  @_noLocks @inlinable public static func * (a: Self, b: Int64) -> Self { Self(nanoseconds: a.nanoseconds * b) }
  @_noLocks @inlinable public static func / (a: Self, b: Int64) -> Self { Self(nanoseconds: a.nanoseconds / b) }
  @inlinable public var milliseconds: Double { @_noLocks get { Double(nanoseconds) / 1e6 } }
}
