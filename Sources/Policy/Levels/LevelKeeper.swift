public import AudioCore
import Glibc

/// Keeps one stream from being too loud by its own volume, and never goes above the user's. Thread: any, it is a value;
/// time comes with each call.
public struct LevelKeeper: Sendable {
  /// What a status shows of it.
  public struct Snapshot: Sendable, Equatable {
    /// How much quieter than the user's volume, in dB.
    public var reduction: Double
    /// The user's volumes, when the user set them while we were there.
    public var ceiling: [Float]?
    /// Left alone: the user set the volume and the rule is strict.
    public var isDeferred: Bool
    public var volumes: [Float]
  }

  /// Writes of ours that come back as observations.
  private struct Echo {
    var volumes: [Float]
    /// Our factor to the user's volumes in it.
    var scale: Double
    var at: HostTime
  }

  public static let mostChannels = 64
  private static let mostEchoes = 16
  /// Of a volume: servers store them in steps.
  private static let tolerance: Float = 1e-3
  private static let least: Float = 1e-6
  /// A write that nothing was heard of for so long is in effect.
  private static let echoTime = HostDuration.milliseconds(500)
  private static let oldestEcho = HostDuration.seconds(2)
  /// Below it nothing is made of a measurement.
  private static let lowestScale = 0.01

  public var settings: LevelSettings
  private var envelopes = LevelEnvelopes()
  /// What the user wants, by channel; ours is this vector times one factor of at most 1.
  private(set) var user: [Float]
  private var isCeiling: Bool
  private var isDeferred = false
  /// Our factor as far as is known to be in effect, and as written last.
  private var scale: Double
  private var writtenCut: Double
  private var writtenAt: HostTime?
  private var echoes: [Echo] = []

  /// - Parameters:
  ///   - volumes: what the stream has now, by channel, linear.
  ///   - memory: what is remembered of its application.
  public init(_ settings: LevelSettings, volumes: [Float], memory: LevelMemory.Entry? = nil) {
    self.settings = settings
    let volumes = Self.sane(volumes)
    if let memory, let recalled = memory.recall(volumes) {
      (user, scale, isCeiling) = (recalled.user, recalled.scale, memory.isCeiling)
    } else {
      (user, scale, isCeiling) = (volumes, 1, false)
    }
    writtenCut = -20 * log10(max(scale, Self.lowestScale))
  }

  /// The reduction that is wanted now, in dB, before the dead band.
  public var cut: Double { isDeferred ? 0 : envelopes.cut }

  public var snapshot: Snapshot {
    Snapshot(
      reduction: isDeferred ? 0 : max(0, writtenCut), ceiling: isCeiling ? user : nil, isDeferred: isDeferred,
      volumes: user.map { $0 * Float(scale) })
  }

  /// What to remember of the application.
  public var memory: LevelMemory.Entry {
    LevelMemory.Entry(user: user, isCeiling: isCeiling, written: echoes.last?.volumes ?? user)
  }

  // MARK: What happens

  /// Sound was measured behind the stream's volume.
  public mutating func hear(_ block: LevelBlock, at now: HostTime) {
    settle(now)
    guard block.peak.isFinite, block.meanSquare.isFinite, block.peak >= 0, block.meanSquare >= 0 else { return }
    let gain = 1 / max(scale, Self.lowestScale)
    envelopes.hear(
      peak: block.peak * gain, meanSquare: block.meanSquare * gain * gain, seconds: block.seconds, settings)
  }

  /// Nothing came for so long.
  public mutating func hearSilence(for duration: HostDuration, at now: HostTime) {
    settle(now)
    if duration > .seconds(10) { return envelopes.reset() }
    envelopes.hear(peak: 0, meanSquare: 0, seconds: Double(duration.nanoseconds) / 1e9, settings)
  }

  /// The stream's volumes were seen. True when it was somebody else who set them.
  @discardableResult
  public mutating func observe(_ volumes: [Float], at now: HostTime) -> Bool {
    let volumes = Self.sane(volumes)
    guard !volumes.isEmpty else { return false }
    echoes.removeAll { now - $0.at > Self.oldestEcho && Self.scaled(user, scale) != $0.volumes }
    // They come in the order of the writes, some of which may be passed over.
    if let index = echoes.firstIndex(where: { Self.same($0.volumes, volumes) }) {
      scale = echoes[index].scale
      // What was written before it is over.
      echoes.removeFirst(index)
      return false
    }
    if Self.same(Self.scaled(user, scale), volumes) { return false }
    if volumes.count != user.count, let spread = Self.spread(user, to: volumes.count),
      Self.same(Self.scaled(spread, scale), volumes)
    {
      // The same volume in other channels.
      user = spread
      echoes = []
      return false
    }
    adopt(volumes)
    return true
  }

  private mutating func adopt(_ volumes: [Float]) {
    let (old, new) = (Double(user.max() ?? 0), Double(volumes.max() ?? 0))
    if old > 1e-4, new > 1e-4 { envelopes.shift(by: 20 * log10(new / old)) } else { envelopes.reset() }
    user = volumes
    isCeiling = true
    isDeferred = settings.deference == .strict
    scale = 1
    writtenCut = 0
    echoes = []
  }

  // MARK: What to do

  /// The volumes to write now, if any.
  public mutating func decide(at now: HostTime) -> [Float]? {
    settle(now)
    guard !isDeferred, settings.isEnabled, (user.max() ?? 0) > 1e-4 else { return nil }
    let cut = envelopes.cut
    // All the way back, for no remainder of the dead band should stay.
    let returns = cut < 0.05 && writtenCut > 0
    guard returns || abs(cut - writtenCut) >= settings.deadBand.value, cut != writtenCut else { return nil }
    if let writtenAt, now - writtenAt < settings.writeInterval { return nil }
    return write(returns ? 0 : cut, at: now)
  }

  /// When `decide` may have something to say again after it was too early.
  public var nextWrite: HostTime? { writtenAt.map { $0 + settings.writeInterval } }

  /// The user's volumes, to be written when the stream is let go; nil when they are there.
  public mutating func restore(at now: HostTime) -> [Float]? {
    guard writtenCut > 0 || scale < 1 else { return nil }
    envelopes.reset()
    return write(0, at: now)
  }

  /// The user wants the level kept again, from the volume there is.
  public mutating func reset() {
    isDeferred = false
    isCeiling = false
    envelopes.reset()
  }

  private mutating func write(_ cut: Double, at now: HostTime) -> [Float] {
    let factor = pow(10, -cut / 20)
    let volumes = Self.scaled(user, factor)
    if echoes.count >= Self.mostEchoes { echoes.removeFirst() }
    echoes.append(Echo(volumes: volumes, scale: factor, at: now))
    writtenCut = cut
    writtenAt = now
    return volumes
  }

  /// Nobody said that the last write took effect; it will have.
  private mutating func settle(_ now: HostTime) {
    guard let last = echoes.last, now - last.at > Self.echoTime else { return }
    scale = last.scale
  }

  private static func sane(_ volumes: [Float]) -> [Float] {
    volumes.prefix(mostChannels).map { $0.isFinite ? min(max($0, 0), 100) : 0 }
  }

  private static func scaled(_ volumes: [Float], _ factor: Double) -> [Float] {
    factor == 1 ? volumes : volumes.map { Float(Double($0) * factor) }
  }

  static func same(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= max(tolerance * max($0, $1), least) }
  }

  /// A volume that is the same in all channels, in so many.
  private static func spread(_ volumes: [Float], to count: Int) -> [Float]? {
    guard let first = volumes.first, same(volumes, [Float](repeating: first, count: volumes.count)) else { return nil }
    return [Float](repeating: first, count: count)
  }
}
