import AudioCore
import Control
import Metering
import Mixer
import Wiring

/// What the nodes of the profile's buses measure: gain, reduction and loudness. The buses' levels are among the captures'.
@ControlActor
final class RouteMeters: MeterSource {
  private unowned let routing: RoutingRoom
  private var gauges: [LevelGauge] = []

  init(_ routing: RoutingRoom) { self.routing = routing }

  func collect() -> [MeterReading] {
    gauges = []
    var readings: [MeterReading] = []
    for (name, bus) in routing.buses.sorted(by: { $0.key < $1.key }) {
      for node in bus.nodes {
        guard let processor = bus.processor(of: node.id) else { continue }
        if let reading = NodeMeters.reading(of: node, processor, as: "\(name).\(node.name)", &gauges) {
          readings.append(reading)
        }
      }
    }
    return readings
  }

  func rest() {
    for gauge in gauges { gauge.rest() }
    gauges = []
  }
}
