import AudioCore
import Control
import Glibc
import Metering

/// Levels for whoever asks now and then: measured ten times a second from the first question on, and until nobody has asked
/// for a while.
@ControlActor
final class LevelMeter {
  private let board: MeterBoard
  private var listener: MeterBoard.Listener?
  private var last: JSON?
  /// Since `readSince` was asked last.
  private var since = MeterWindow(from: renderNow())
  private var restAt = renderNow()
  private var waiting: [CheckedContinuation<JSON, Never>] = []

  /// After the last question of each kind: those who gather figures ask once a minute at least.
  private static let rest = HostDuration.seconds(10)
  private static let longRest = HostDuration.seconds(75)
  static let floor = -60.0

  init(_ board: MeterBoard) { self.board = board }

  /// The latest tenth of a second; the first question waits for one.
  func read() async -> JSON {
    stayAwake(Self.rest)
    if let last { return last }
    return await withCheckedContinuation { waiting.append($0) }
  }

  /// All that was measured since this was asked last, at once: nothing the first time. Whoever asks shares it.
  func readSince() -> JSON {
    stayAwake(Self.longRest)
    return since.take().json
  }

  private func stayAwake(_ time: HostDuration) {
    restAt = max(restAt, renderNow() + time)
    guard listener == nil else { return }
    since = MeterWindow(from: renderNow())
    listener = board.open(rate: 10) { [weak self] in self?.take($0) }
  }

  private func take(_ window: MeterWindow) {
    let report = Self.report(of: window)
    last = report
    since.add(window)
    let answered = waiting
    waiting = []
    for continuation in answered { continuation.resume(returning: report) }
    guard renderNow() > restAt, let listener else { return }
    board.close(listener)
    self.listener = nil
    last = nil
  }

  static func report(of window: MeterWindow) -> JSON {
    var vu = JSONObject()
    var channels = JSONObject()
    for group in [MeterName.Group.channel, .bus, .mic, .talker, .session] {
      for reading in window.readings(group) {
        guard let levels = reading.levels else { continue }
        let isPlain = group == .bus || group == .channel
        let name = isPlain ? reading.name.id : "\(group.rawValue):\(reading.name.id)"
        let means = (0..<levels.channels).map { levels.rms($0) ?? .floor }
        // The mean of powers, which silence in one channel does not hide.
        let mean = means.reduce(0) { $0 + power(of: $1) } / Double(max(means.count, 1))
        vu[name] = bounded(10 * log10(max(mean, 1e-12)))
        channels[name] = .object(
          JSONObject(
            means.enumerated().map { index, level in
              (index < reading.labels.count ? reading.labels[index] : "\(index + 1)", bounded(level.value))
            }))
      }
    }
    return [
      "vu": .object(vu), "channels": .object(channels),
      "span_ms": JSON(((window.end - window.begin).milliseconds * 10).rounded() / 10),
    ]
  }

  private static func power(of level: Decibels) -> Double { pow(10, level.value / 10) }

  private static func bounded(_ level: Double) -> JSON {
    JSON((min(max(level, floor), 0) * 10).rounded() / 10)
  }
}
