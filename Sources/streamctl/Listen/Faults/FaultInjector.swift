import AudioCore
import Wire

/// Carries a fault plan out: datagrams in, what is left of them out when its time has come. The same seed and datagrams give
/// the same faults. Reads no clock; holds a bounded number of datagrams.
struct FaultInjector: Sendable {
  let plan: FaultPlan
  private(set) var counts = FaultCounts()
  private var random: FaultRandom
  /// Left of the run of losses that has begun.
  private var losing = 0
  /// Of the newest block, how many were lost.
  private var block: (base: UInt16, lost: Int)?
  private var held: [Held] = []
  private var order: UInt64 = 0

  private struct Held: Sendable {
    var bytes: [UInt8]
    var due: HostTime
    /// Later datagrams that must pass first.
    var passing: Int
    var order: UInt64
  }

  /// What is held back by a reordering comes at the latest then, should nothing follow.
  static let patience = HostDuration.milliseconds(100)
  static let capacity = 1024

  init(_ plan: FaultPlan) {
    self.plan = plan
    random = FaultRandom(state: plan.seed)
  }

  /// Takes what the network brought.
  mutating func take(_ datagram: UnsafeRawBufferPointer, at now: HostTime) {
    // Every datagram draws the same numbers, whatever happens to it: one fault more does not move all others.
    let (loss, reorder, duplicate) = (random.share(), random.share(), random.share())
    let (delay, passing, copyDelay) = (random.share(), 1 + Int(random.share() * 3), random.share())
    if loses(datagram, loss) { return }
    let before = held.count
    defer { letPass(before, at: now) }
    if reorder < plan.reordering {
      counts.reordered += 1
      hold(datagram, until: now + Self.patience, passing: passing)
    } else {
      hold(datagram, until: now + late(delay))
    }
    if duplicate < plan.duplication {
      counts.duplicated += 1
      hold(datagram, until: now + late(copyDelay))
    }
  }

  /// The next datagram whose time has come.
  mutating func next(at now: HostTime) -> [UInt8]? {
    guard let index = first, held[index].due <= now || held.count > Self.capacity else { return nil }
    return held.remove(at: index).bytes
  }

  /// When the next one comes; nil when none is held.
  var due: HostTime? { first.map { held[$0].due } }

  private var first: Int? {
    held.indices.min { (held[$0].due, held[$0].order) < (held[$1].due, held[$1].order) }
  }

  /// One more has passed those that were held before it.
  private mutating func letPass(_ count: Int, at now: HostTime) {
    for index in 0..<count where held[index].passing > 0 {
      held[index].passing -= 1
      guard held[index].passing == 0 else { continue }
      order += 1
      (held[index].due, held[index].order) = (now, order)
    }
  }

  private mutating func late(_ share: Double) -> HostDuration {
    guard plan.jitter > .zero else { return .zero }
    counts.delayed += 1
    return HostDuration(nanoseconds: Int64(Double(plan.jitter.nanoseconds) * share))
  }

  private mutating func hold(_ datagram: UnsafeRawBufferPointer, until due: HostTime, passing: Int = 0) {
    order += 1
    held.append(Held(bytes: [UInt8](datagram), due: due, passing: passing, order: order))
  }

  private mutating func loses(_ datagram: UnsafeRawBufferPointer, _ share: Double) -> Bool {
    guard plan.loss > 0 else { return false }
    if losing == 0 {
      // Runs of `burst` begin so often that the whole share is lost.
      let length = Double(plan.burst)
      guard share < plan.loss / (length - length * plan.loss + plan.loss) else { return false }
      losing = plan.burst
    }
    losing -= 1
    let place = GameStreamPlace(datagram)
    if let limit = plan.blockLimit, let place {
      if block?.base != place.base { block = (place.base, 0) }
      guard block!.lost < limit else { return false }
      block!.lost += 1
    }
    if place?.isParity == true { counts.lostParity += 1 } else { counts.lostData += 1 }
    return true
  }
}

/// Which block of GameStream's a datagram belongs to. Nil for what is none of its datagrams.
struct GameStreamPlace: Hashable, Sendable {
  var base: UInt16
  var isParity: Bool
  /// In milliseconds; of data only.
  var timestamp: UInt32?

  init?(_ datagram: UnsafeRawBufferPointer) {
    guard datagram.count > GameStreamFormat.dataHeaderLength, datagram[0] == 0x80 else { return nil }
    func word(_ offset: Int) -> UInt16 { UInt16(datagram[offset]) << 8 | UInt16(datagram[offset + 1]) }
    switch datagram[1] {
    case GameStreamFormat.dataType:
      (base, isParity) = (word(2) & ~3, false)
      timestamp = UInt32(word(4)) << 16 | UInt32(word(6))
    case GameStreamFormat.parityType where datagram.count > GameStreamFormat.parityHeaderLength:
      (base, isParity) = (word(14), true)
    default: return nil
    }
  }
}

/// Numbers that a seed repeats (SplitMix64).
struct FaultRandom: Sendable {
  var state: UInt64

  /// From 0 to below 1.
  mutating func share() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return Double((mixed ^ mixed >> 31) >> 11) / Double(1 << 53)
  }
}
