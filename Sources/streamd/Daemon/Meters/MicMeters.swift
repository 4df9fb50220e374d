import AudioCore
import Control
import Metering
import Settings
import Wiring

/// The microphone that applications record, and everybody who talks.
@ControlActor
final class MicMeters: MeterSource {
  private unowned let daemon: Daemon
  private var gauges: [LevelGauge] = []

  init(_ daemon: Daemon) { self.daemon = daemon }

  func collect() -> [MeterReading] {
    gauges = []
    guard let microphones = daemon.microphones else { return [] }
    var readings: [MeterReading] = []
    let name = microphones.settings.name
    let labels = microphones.settings.channels == 1 ? ["MONO"] : ["FL", "FR"]
    if let levels = take(microphones.uplink.gauge(ofDevice: name)) {
      readings.append(MeterReading(MeterName(.mic, name), labels: labels, levels: levels))
    }
    for entry in microphones.entries {
      guard let levels = take(microphones.uplink.gauge(of: entry.talker)) else { continue }
      readings.append(
        MeterReading(
          MeterName(.talker, entry.identifier), facts: ["name": entry.name],
          labels: levels.channels == 2 ? ["FL", "FR"] : ["MONO"], levels: levels))
    }
    return readings
  }

  private func take(_ gauge: LevelGauge?) -> LevelWindow? {
    guard let gauge else { return nil }
    gauges.append(gauge)
    return gauge.take()
  }

  func rest() {
    for gauge in gauges { gauge.rest() }
    gauges = []
  }
}
