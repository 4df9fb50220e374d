import AudioCore
import AudioIO
import Control
import Policy
import Wiring

/// Keeps single applications from being too loud, by their own volumes: measures beside them, asks `LevelKeeper`, writes.
@ControlActor
final class LevelRoom {
  /// What is told of it.
  enum News {
    case attached(node: UInt32, app: String)
    case detached(node: UInt32)
    /// Its volume was written; the reduction is in dB.
    case wrote(node: UInt32, app: String, volumes: [Float], reduction: Double)
  }

  private struct Kept {
    var keeper: LevelKeeper
    let stream: AppStream.ID
    let labels: AppLabels
    var tap: (any AppStreamTap)?
    /// Until when is known what it played.
    var heardUntil: HostTime
  }

  private let book: any AppStreamBook
  private let lease: AppStreamLease?
  private var kept: [UInt32: Kept] = [:]
  private var memory = LevelMemory()
  private var timer: LoopTimer?
  var news: (@ControlActor (News) -> Void)?

  /// Often enough for an attack of a few milliseconds to be a matter of the measurement, and not of this.
  private static let period = Duration.milliseconds(10)
  /// A stream that is paused sends nothing.
  private static let silence = HostDuration.milliseconds(100)

  init(book: any AppStreamBook, lease: AppStreamLease?) {
    self.book = book
    self.lease = lease
  }

  var count: Int { kept.count }

  var snapshots: [(node: UInt32, app: String, snapshot: LevelKeeper.Snapshot)] {
    kept.sorted { $0.key < $1.key }.map { ($0.key, $0.value.labels.title, $0.value.keeper.snapshot) }
  }

  /// Other rules: who is kept, and how.
  func apply(_ effective: Effective, _ rows: [StreamTable.Row]) { follow(effective, rows, ended: []) }

  func follow(_ effective: Effective, _ rows: [StreamTable.Row], ended: [StreamTable.Row]) {
    let now = renderNow()
    for row in ended {
      guard let last = kept.removeValue(forKey: row.stream.id.node) else { continue }
      memory.remember(last.keeper.memory, for: last.labels)
      last.tap?.stop()
      news?(.detached(node: row.stream.id.node))
    }
    for row in rows {
      let node = row.stream.id.node
      guard row.stream.isComplete, let settings = effective.levelSettings(of: row.labels) else {
        if kept[node] != nil { letGo(node, at: now) }
        continue
      }
      if kept[node] != nil {
        kept[node]?.keeper.settings = settings
        if !row.stream.volumes.isEmpty { kept[node]?.keeper.observe(row.stream.volumes, at: now) }
      } else if !row.stream.volumes.isEmpty {
        kept[node] = Kept(
          keeper: LevelKeeper(settings, volumes: row.stream.volumes, memory: memory.entry(for: row.labels)),
          stream: row.stream.id, labels: row.labels, tap: try? book.tap(row.stream.id), heardUntil: now)
        news?(.attached(node: node, app: row.labels.title))
      }
    }
    attendTimer()
  }

  func stop() {
    let now = renderNow()
    for node in kept.keys { letGo(node, at: now) }
    attendTimer()
  }

  /// The user's volume again.
  private func letGo(_ node: UInt32, at now: HostTime) {
    guard var last = kept.removeValue(forKey: node) else { return }
    last.tap?.stop()
    memory.remember(last.keeper.memory, for: last.labels)
    if let volumes = last.keeper.restore(at: now),
      lease == nil || (try? lease?.release(volumesOf: [last.stream])) == nil
    {
      try? book.setVolumes(last.stream, volumes)
    }
    news?(.detached(node: node))
  }

  private func write(_ volumes: [Float], _ stream: AppStream.ID) -> Bool {
    guard let lease else { return (try? book.setVolumes(stream, volumes)) != nil }
    return (try? lease.make([AppStreamLease.Wish(stream, volumes: volumes)]))?.isEmpty ?? false
  }

  private func attendTimer() {
    if kept.isEmpty, let timer {
      EventLoop.shared.cancel(timer)
      self.timer = nil
    } else if !kept.isEmpty, timer == nil {
      timer = EventLoop.shared.schedule(after: Self.period, every: Self.period) { [weak self] in self?.step() }
    }
  }

  private func step() {
    let now = renderNow()
    for node in kept.keys {
      guard var one = kept[node] else { continue }
      for level in one.tap?.drain() ?? [] {
        let count = min(level.channels, 8)
        var (peak, square) = (Float(0), Float(0))
        for channel in 0..<count {
          peak = max(peak, level.peaks[channel])
          square = max(square, level.squares[channel])
        }
        one.keeper.hear(
          LevelBlock(peak: Double(peak), meanSquare: Double(square), frames: level.frames, rate: level.rate), at: now)
        one.heardUntil = now
      }
      if now - one.heardUntil > Self.silence {
        one.keeper.hearSilence(for: now - one.heardUntil, at: now)
        one.heardUntil = now
      }
      if let volumes = one.keeper.decide(at: now), write(volumes, one.stream) {
        news?(
          .wrote(node: node, app: one.labels.title, volumes: volumes, reduction: one.keeper.snapshot.reduction))
      }
      kept[node] = one
    }
  }

  /// False when that stream is not kept.
  func reset(_ node: UInt32) -> Bool {
    guard let one = kept[node] else { return false }
    memory.forget(one.labels)
    kept[node]?.keeper.reset()
    return true
  }
}
