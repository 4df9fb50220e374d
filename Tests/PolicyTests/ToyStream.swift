import AudioCore
import Glibc

@testable import Policy

/// A stream that plays steadily behind its volumes, and a server that says a while later what was written.
struct ToyStream {
  var keeper: LevelKeeper
  var volumes: [Float]
  var quantum: Int
  var rate = 48_000
  var echoDelay = HostDuration.milliseconds(10)
  /// Whether the server says anything.
  var echoes = true
  /// Of the sound before its volumes.
  var peak = 0.0
  var meanSquare = 0.0
  private(set) var now = HostTime(nanoseconds: 0)
  private var pending: [(at: HostTime, volumes: [Float])] = []
  private(set) var writes: [(at: HostTime, volumes: [Float])] = []
  /// The reduction asked for at the end of each block.
  private(set) var curve: [(seconds: Double, cut: Double)] = []

  init(_ settings: LevelSettings, volumes: [Float], quantum: Int, memory: LevelMemory.Entry? = nil) {
    keeper = LevelKeeper(settings, volumes: volumes, memory: memory)
    (self.volumes, self.quantum) = (volumes, quantum)
  }

  /// In dB: the greatest channel's volume to full.
  var volume: Double { 20 * log10(Double(volumes.max() ?? 0)) }

  mutating func play(peak decibels: Double, mean: Double) {
    peak = pow(10, decibels / 20)
    meanSquare = pow(10, mean / 10)
  }

  mutating func run(_ seconds: Double) {
    curve = []
    let start = now
    while Double((now - start).nanoseconds) / 1e9 < seconds {
      block()
      curve.append((Double((now - start).nanoseconds) / 1e9, keeper.cut))
    }
  }

  mutating func set(_ volumes: [Float]) -> Bool {
    self.volumes = volumes
    pending = []
    return keeper.observe(volumes, at: now)
  }

  private mutating func block() {
    let gain = Double(volumes.max() ?? 0)
    now = now + HostDuration(nanoseconds: Int64(quantum) * 1_000_000_000 / Int64(rate))
    keeper.hear(
      LevelBlock(peak: peak * gain, meanSquare: meanSquare * gain * gain, frames: quantum, rate: rate), at: now)
    while let first = pending.first, first.at <= now {
      pending.removeFirst()
      volumes = first.volumes
      if echoes { keeper.observe(first.volumes, at: now) }
    }
    if let wanted = keeper.decide(at: now) { write(wanted) }
  }

  mutating func write(_ wanted: [Float]) {
    writes.append((now, wanted))
    pending.append((now + echoDelay, wanted))
  }

  /// When the reduction first was so great, or so small, between the ends of two blocks.
  func time(ofCut cut: Double) -> Double? {
    for (one, other) in zip(curve, curve.dropFirst())
    where (one.cut - cut) * (other.cut - cut) <= 0 && one.cut != other.cut {
      return one.seconds + (other.seconds - one.seconds) * (cut - one.cut) / (other.cut - one.cut)
    }
    return nil
  }
}
