import AudioCore
import Control
import Metering
import Settings
import Wiring

/// What duplex channels play, and how loud what they record is. A channel that stands still is silent.
@ControlActor
final class ChannelMeters: MeterSource {
  private unowned let room: DuplexRoom
  private var gauges: [ObjectIdentifier: LevelGauge] = [:]

  init(_ room: DuplexRoom) { self.room = room }

  func collect() -> [MeterReading] {
    var seen: [ObjectIdentifier: LevelGauge] = [:]
    func take(_ gauge: LevelGauge?) -> LevelWindow? {
      guard let gauge else { return nil }
      seen[ObjectIdentifier(gauge)] = gauge
      return gauge.take()
    }
    let now = renderNow()
    let readings = room.running.map { number, channel in
      let layout = channel.plan.output.format.layout
      let arriving = take(channel.arrivingGauge)
      let (compression, limiting) = channel.reductions(at: now)
      return MeterReading(
        MeterName(.channel, "\(number)"), facts: ["name": room.settings.logical[number]?.name ?? ""],
        labels: layout.names, levels: take(channel.leavingGauge) ?? LevelWindow(channels: layout.count),
        figures: [
          MeterFigure("input_peak_dbfs", arriving.flatMap { Self.highest($0) }, .highest),
          MeterFigure("compression_db", compression, .highest), MeterFigure("limiting_db", limiting, .highest),
        ])
    }
    for (id, gauge) in gauges where seen[id] == nil { gauge.rest() }
    gauges = seen
    return readings
  }

  private static func highest(_ levels: LevelWindow) -> Double? {
    (0..<levels.channels).compactMap { levels.peak($0)?.value }.max()
  }

  func rest() {
    for gauge in gauges.values { gauge.rest() }
    gauges = [:]
  }
}
