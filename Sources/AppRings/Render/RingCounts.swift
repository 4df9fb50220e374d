import Synchronization

/// Why a period of a ring was silent, or lost, other than for want of sound: what stood in the memory made no sense.
public enum RingFault: String, Sendable, CaseIterable {
  /// More waits than there can be: a jump.
  case beyondCapacity = "beyond_capacity"
  /// A position went back.
  case backwards
  /// The application read what was never written.
  case ahead
  /// Samples that are no numbers, or above +24 dBFS. Counted in samples; each is silence.
  case notSound = "not_sound"
  /// The heart has stopped.
  case vanished
}

/// What a ring's render side counts. Apart from its other state: control reads these while render writes.
struct RingCounts: ~Copyable {
  let frames = Atomic<Int>(0)
  let xruns = Atomic<Int>(0)
  let lost = Atomic<Int>(0)
  let period = Atomic<Int>(0)
  let fill = Atomic<Int>(0)
  let isMoving = Atomic<Bool>(false)
  /// The bits of a float that is not negative are in the order of its value.
  let peak = Atomic<UInt32>(0)
  let beyondCapacity = Atomic<Int>(0)
  let backwards = Atomic<Int>(0)
  let ahead = Atomic<Int>(0)
  let notSound = Atomic<Int>(0)
  let vanished = Atomic<Int>(0)

  func faults(_ fault: RingFault) -> Int {
    switch fault {
    case .beyondCapacity: beyondCapacity.load(ordering: .relaxed)
    case .backwards: backwards.load(ordering: .relaxed)
    case .ahead: ahead.load(ordering: .relaxed)
    case .notSound: notSound.load(ordering: .relaxed)
    case .vanished: vanished.load(ordering: .relaxed)
    }
  }

  /// Thread: render.
  @_noLocks
  func count(_ fault: RingFault, _ amount: Int = 1) {
    switch fault {
    case .beyondCapacity: beyondCapacity.add(amount, ordering: .relaxed)
    case .backwards: backwards.add(amount, ordering: .relaxed)
    case .ahead: ahead.add(amount, ordering: .relaxed)
    case .notSound: notSound.add(amount, ordering: .relaxed)
    case .vanished: vanished.add(amount, ordering: .relaxed)
    }
  }
}
