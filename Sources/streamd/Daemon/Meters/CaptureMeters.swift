import AudioCore
import Control
import Metering
import Mixer
import Wiring

/// What sinks play and what buses of the graph carry, before any session's gain.
@ControlActor
final class CaptureMeters: MeterSource {
  private unowned let daemon: Daemon
  private var gauges: [ObjectIdentifier: LevelGauge] = [:]

  init(_ daemon: Daemon) { self.daemon = daemon }

  func collect() -> [MeterReading] {
    var seen: [ObjectIdentifier: LevelGauge] = [:]
    var readings = daemon.captures.map { key, entry in
      let gauge = entry.downlink.gauge
      seen[ObjectIdentifier(gauge)] = gauge
      return MeterReading(
        MeterName(.bus, key.title), labels: entry.downlink.inputLayout?.names ?? [], levels: gauge.take())
    }
    // Those that nobody hears yet.
    for name in daemon.graph.ends.fed {
      guard let bus = try? daemon.graph.streamBus(name), seen[ObjectIdentifier(bus.renderer.gauge)] == nil else {
        continue
      }
      let gauge = bus.renderer.gauge
      seen[ObjectIdentifier(gauge)] = gauge
      readings.append(
        MeterReading(MeterName(.bus, "bus:\(name)"), labels: bus.layout?.names ?? [], levels: gauge.take()))
    }
    for (id, gauge) in gauges where seen[id] == nil { gauge.rest() }
    gauges = seen
    return readings
  }

  func rest() {
    for gauge in gauges.values { gauge.rest() }
    gauges = [:]
  }
}
