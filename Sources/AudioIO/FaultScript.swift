public import AudioCore

/// What goes wrong in an offline run, and at which cycle. Cycles count from the start of the domain.
public struct FaultScript: Sendable {
  public enum Fault: Sendable, Equatable {
    /// The call comes late by this much; the position is right.
    case lateWake(HostDuration)
    /// Cycles that never happen: the position jumps.
    case missedCycles(Int)
    /// The device is gone for this many cycles; the stream is not called meanwhile.
    case deviceLost(cycles: Int)
    /// The server is gone for this many cycles.
    case serverLost(cycles: Int)
    case quantum(Int)
    case layout(ChannelLayout)
  }

  private var faults: [Int: [Fault]] = [:]

  public init() {}

  public mutating func at(cycle: Int, _ fault: Fault) { faults[cycle, default: []].append(fault) }
  func faults(at cycle: Int) -> [Fault] { faults[cycle] ?? [] }
}
