import AudioCore
import Capture
import Control
import Metering
import OpusCodec
import Wiring

/// What each client is sent, after its gain. An encoder is read once, however many sessions share it.
@ControlActor
final class SessionMeters: MeterSource {
  private unowned let daemon: Daemon

  init(_ daemon: Daemon) { self.daemon = daemon }

  func collect() -> [MeterReading] {
    var read: [Int: LevelWindow] = [:]
    return daemon.allSessions.map { session in
      let levels = read[session.encoderIdentity] ?? LevelWindow(session.statistics(resetLevels: true))
      read[session.encoderIdentity] = levels
      return MeterReading(
        MeterName(.session, session.identifier), facts: ["name": session.spec.name, "bus": session.heard.title],
        labels: session.spec.configuration.layout.names, levels: levels)
    }
  }

  /// Encoders measure while they encode, looked at or not.
  func rest() {}
}

extension LevelWindow {
  fileprivate init(_ statistics: FrameEncoder.Statistics) {
    self.init(channels: statistics.peaks.count)
    peaks = statistics.peaks
    frames = statistics.measuredFrames
    squares = statistics.powers.map { $0 * Double(statistics.measuredFrames) }
  }
}
