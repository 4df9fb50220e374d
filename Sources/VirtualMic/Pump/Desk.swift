/// What control wants of the pump: who may talk, who is muted, and orders for the pump's next step.
struct Desk {
  struct Admission {
    var own: MicDeviceID?
    var isMuted = false
  }

  enum Pass {
    case stranger
    case muted
    case speak(own: MicDeviceID?)
  }

  enum DeviceOrder {
    case add(MicDeviceID, MicAudience, MicOpener)
    case remove(MicDeviceID)
  }

  struct Orders {
    var devices: [DeviceOrder] = []
    /// Talkers of whom nothing said so far may be heard any more.
    var silenced: Set<TalkerID> = []
    var dismissed: Set<TalkerID> = []
    var serverReturned = false
  }

  var isMuted = false
  var talkers: [TalkerID: Admission] = [:]
  var orders = Orders()

  mutating func takeOrders() -> Orders {
    let taken = orders
    orders = Orders()
    return taken
  }

  func pass(_ talker: TalkerID) -> Pass {
    guard let admission = talkers[talker] else { return .stranger }
    return isMuted || admission.isMuted ? .muted : .speak(own: admission.own)
  }

  mutating func admit(_ talker: TalkerID, _ admission: Admission) {
    talkers[talker] = admission
    if admission.isMuted { orders.silenced.insert(talker) }
  }

  mutating func mute(_ muted: Bool, _ talker: TalkerID) {
    guard talkers[talker] != nil else { return }
    talkers[talker]?.isMuted = muted
    if muted { orders.silenced.insert(talker) }
  }

  mutating func mute(_ muted: Bool) {
    isMuted = muted
    if muted { orders.silenced.formUnion(talkers.keys) }
  }

  mutating func dismiss(_ talker: TalkerID) {
    guard talkers.removeValue(forKey: talker) != nil else { return }
    orders.dismissed.insert(talker)
  }

  /// Whether nobody can be heard through this device because of mute.
  func mutes(_ device: MicDeviceID, _ audience: MicAudience) -> Bool {
    if isMuted || audience == .everyone { return isMuted }
    let owners = talkers.values.filter { $0.own == device }
    return !owners.isEmpty && owners.allSatisfy(\.isMuted)
  }
}
