import AudioCore
import CALSA
import CALSASystem

/// What a device's channels are, as far as it says, and how they become a stream's and back.
struct DeviceChannels: Hashable, Sendable {
  /// One for each channel of the device; nil where nobody is meant to hear anything.
  let labels: [ChannelLabel?]

  /// More than that no device of ours is asked for.
  static let limit = 32

  init(labels: [ChannelLabel?]) { self.labels = labels }

  /// From the device's own map, else ALSA's usual order.
  init(count: Int, map: UnsafePointer<snd_pcm_chmap_t>?) {
    let usual: [ChannelLabel?] = [
      .frontLeft, .frontRight, .rearLeft, .rearRight, .frontCenter, .lowFrequency, .sideLeft, .sideRight,
    ]
    let known = (0..<count).map { Self.label(calsa_position(map, UInt32($0))) }
    if known.contains(where: { $0 != nil }) {
      // A position that is named twice is served once.
      var seen: Set<ChannelLabel> = []
      labels = known.map { label in label.flatMap { seen.insert($0).inserted ? $0 : nil } }
    } else if count == 1 {
      labels = [.mono]
    } else {
      labels = (0..<count).map { $0 < usual.count ? usual[$0] : nil }
    }
  }

  /// The layout in which the device's channels are told to a client that takes whatever there is: in the house's order
  /// where the house knows the set.
  var layout: ChannelLayout {
    let named = labels.compactMap { $0 }
    if let known = ChannelLayout(channels: named.count), Set(known.labels) == Set(named) { return known }
    return ChannelLayout(Array(named.prefix(ChannelLayout.limit))) ?? .mono
  }

  /// The gain from each of `from` to each of `to`: `[to][from]`. What has no place of its own goes to its neighbours at
  /// equal power; low frequencies without a loudspeaker are left out.
  static func gains(from: [ChannelLabel?], to: [ChannelLabel?]) -> [[Float]] {
    let halfPower = Float(0.5).squareRoot()
    var gains = to.map { target in from.map { source in target != nil && target == source ? Float(1) : 0 } }
    func index(_ label: ChannelLabel) -> Int? { to.firstIndex(of: label) }
    for (column, source) in from.enumerated() {
      guard let source, !to.contains(source) else { continue }
      let isLeft: Bool? =
        switch source {
        case .frontLeft, .rearLeft, .sideLeft: true
        case .frontRight, .rearRight, .sideRight: false
        case .mono, .frontCenter, .lowFrequency: nil
        }
      if source == .lowFrequency { continue }
      if let mono = index(.mono) ?? (source == .mono ? index(.frontCenter) : nil) {
        // The mean of left and right: their sum would clip a voice that is the same in both.
        gains[mono][column] = source == .mono || source == .frontCenter ? 1 : 0.5
        continue
      }
      switch isLeft {
      case .some(let isLeft):
        let fallbacks: [ChannelLabel] =
          isLeft ? [.rearLeft, .sideLeft, .frontLeft] : [.rearRight, .sideRight, .frontRight]
        guard let target = fallbacks.lazy.filter({ $0 != source }).compactMap(index).first else { continue }
        let isBehind = source != .frontLeft && source != .frontRight
        let targetIsFront = to[target] == .frontLeft || to[target] == .frontRight
        gains[target][column] = isBehind && targetIsFront ? halfPower : 1
      case nil:
        for target in [index(.frontLeft), index(.frontRight)].compactMap({ $0 }) {
          gains[target][column] = source == .mono ? 1 : halfPower
        }
      }
    }
    return gains
  }

  private static func label(_ position: UInt32) -> ChannelLabel? {
    switch position {
    case SND_CHMAP_MONO.rawValue: .mono
    case SND_CHMAP_FL.rawValue: .frontLeft
    case SND_CHMAP_FR.rawValue: .frontRight
    case SND_CHMAP_FC.rawValue: .frontCenter
    case SND_CHMAP_LFE.rawValue: .lowFrequency
    case SND_CHMAP_RL.rawValue: .rearLeft
    case SND_CHMAP_RR.rawValue: .rearRight
    case SND_CHMAP_SL.rawValue: .sideLeft
    case SND_CHMAP_SR.rawValue: .sideRight
    default: nil
    }
  }
}
