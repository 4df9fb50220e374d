public import AudioCore
import Glibc

/// One figure a node measures, such as a peak or a gain reduction.
public struct ReadingSpec: Hashable, Sendable {
  public let name: String
  public let summary: String
  public let unit: ValueUnit
  /// One for each channel of the first input, named `name.1` and on.
  public let perChannel: Bool
  /// Render writes decibels as they are, not an amplitude.
  public let isLogarithm: Bool

  public init(
    _ name: String, _ summary: String, unit: ValueUnit = .none, perChannel: Bool = false, isLogarithm: Bool = false
  ) {
    self.isLogarithm = isLogarithm
    self.name = name
    self.summary = summary
    self.unit = unit
    self.perChannel = perChannel
  }

  static func expanded(_ specs: [ReadingSpec], channels: Int) -> [ReadingSpec] {
    specs.flatMap { spec in
      guard spec.perChannel else { return [spec] }
      return (1...max(channels, 1)).map {
        ReadingSpec("\(spec.name).\($0)", spec.summary, unit: spec.unit, isLogarithm: spec.isLogarithm)
      }
    }
  }
}

/// The figures of one node, written by render, read by anybody. Each stands for itself: two of them may be of neighbouring
/// blocks.
public final class ReadingBlock: @unchecked Sendable {
  public let specs: [ReadingSpec]
  /// For the processor's state, which must not outlive it.
  public let cells: UnsafeMutablePointer<ParameterCell>
  /// Of a node that only measures: how loud what passes is, for whoever looks.
  public let gauge: LevelGauge?

  init(_ specs: [ReadingSpec], hasGauge: Bool = false) {
    self.specs = specs
    gauge = hasGauge ? LevelGauge() : nil
    cells = .allocate(capacity: max(specs.count, 1))
    for index in specs.indices { (cells + index).initialize(to: ParameterCell(0)) }
  }

  deinit {
    cells.deinitialize(count: specs.count)
    cells.deallocate()
  }

  /// What render wrote last. A figure in decibels is written as an amplitude, whose logarithm is none of render's
  /// business. Thread: any.
  public func value(_ index: Int) -> Double {
    let raw = Double(cells[index].value)
    switch specs[index].unit {
    case .decibels, .decibelsFullScale, .loudness:
      return specs[index].isLogarithm ? raw : Decibels(amplitude: raw).value
    default: return raw
    }
  }

  public var values: [(name: String, value: Double)] { specs.indices.map { (specs[$0].name, value($0)) } }
}
