import AudioCore

/// When the next period is due. Pure; time is an argument.
///
/// A sound card says so itself: it has no room until it has played something. `null` and files take whatever they are given
/// at once; who never says no has no clock, and is paced by ours.
struct Pace {
  enum Turn: Hashable {
    case now
    case at(HostTime)
    /// Until the device says.
    case device
  }

  private let length: HostDuration
  private var hasClock = false
  private var due: HostTime

  /// The device has just been filled, or its recording begun: right now it has nothing for us.
  init(period: FrameCount, rate: SampleRate, startedAt now: HostTime) {
    length = period.duration(at: rate)
    due = now + length
  }

  mutating func turn(isReady: Bool, at now: HostTime) -> Turn {
    guard isReady else {
      hasClock = true
      return .device
    }
    return hasClock || now >= due ? .now : .at(due)
  }

  /// A period went through. Periods that were missed are not made up for.
  mutating func passed(at now: HostTime) {
    due = due + length
    if now - due > length { due = now + length }
  }
}
