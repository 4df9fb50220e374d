import AudioCore
import Control
import Metering
import Mixer
import Wiring

/// What nodes of the graph measure: levels of those that only measure, and what every other says in decibels.
@ControlActor
final class NodeMeters: MeterSource {
  private unowned let graph: GraphRoom
  private var gauges: [LevelGauge] = []

  init(_ graph: GraphRoom) { self.graph = graph }

  func collect() -> [MeterReading] {
    gauges = []
    return graph.graph.sortedNodes.compactMap { node in
      guard let processor = graph.station.engine.processor(of: node.id) else { return nil }
      return Self.reading(of: node, processor, as: node.name, &gauges)
    }
  }

  /// Nil for a node that measures nothing. The gauge that was read is added to `gauges`.
  static func reading(
    of node: GraphNode, _ processor: Processor, as name: String, _ gauges: inout [LevelGauge]
  ) -> MeterReading? {
    let block = processor.readings
    var levels: LevelWindow?
    if let gauge = block.gauge {
      gauges.append(gauge)
      levels = gauge.take()
    }
    let figures = block.specs.indices.compactMap { index -> MeterFigure? in
      let spec = block.specs[index]
      guard let name = Self.name(spec) else { return nil }
      let value = block.value(index)
      // Nothing was heard for so long that there is no such figure.
      let isKnown = spec.unit == .decibels || value > Decibels.floor.value
      return MeterFigure(name, isKnown ? value : nil, spec.name == "reduction" ? .highest : .latest)
    }
    guard levels != nil || !figures.isEmpty else { return nil }
    let layout = node.settings["channels"].flatMap { setting -> ChannelLayout? in
      if case .text(let title) = setting { ChannelLayout(title: title) } else { nil }
    }
    return MeterReading(
      MeterName(.node, name), facts: ["type": node.kind], labels: layout?.names ?? [], levels: levels, figures: figures)
  }

  /// Its unit belongs to the name; levels per channel have a place of their own.
  private static func name(_ spec: ReadingSpec) -> String? {
    switch spec.unit {
    case .loudness: "\(spec.name)_lufs"
    case .decibels: spec.name == "range" ? "range_lu" : "\(spec.name)_db"
    case .decibelsFullScale where spec.name == "true_peak": "true_peak_dbtp"
    case .decibelsFullScale: spec.name.contains(".") ? nil : "\(spec.name)_dbfs"
    default: nil
    }
  }

  func rest() {
    for gauge in gauges { gauge.rest() }
    gauges = []
  }
}
