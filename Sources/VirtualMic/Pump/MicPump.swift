public import AudioCore
import AudioIO
import Synchronization

/// Carries what talkers say into the virtual microphones, for as long as the daemon lives.
///
/// - Devices are opened at once, not with the first word, and opened again when they die; talkers keep their senders and
///   notice nothing.
/// - While no device is open frames are taken and dropped, so the queue never fills; what came before a device was open is
///   not heard through it.
/// - A frame that is no sound costs its talker that frame and nobody else anything.
/// - Mute drops frames before they are decoded, and what was buffered.
///
/// It is passive: one thread calls `step` when the queue's signal wakes it or the time it named has come.
public final class MicPump: @unchecked Sendable {
  public enum Next: Hashable, Sendable {
    /// Call again when the signal wakes you, at the latest then. Nil is no time at all.
    case wait(until: HostTime?)
    /// The last sender is gone and its last frame was heard. The devices are closed.
    case finished
  }

  private struct Line {
    let voice: any TalkerVoice
    var heard: HostTime
    var due: HostTime?
  }

  public let queue: FrameQueue
  private let tuning: PumpTuning
  private let makeVoice: @Sendable (TalkerID) -> any TalkerVoice
  private let voiceLimit: Int
  private let desk = Mutex(Desk())
  private let published = Mutex(MicReport())

  // The rest belongs to the pump's thread.
  private var mouths: [Mouth] = []
  private var lines: [TalkerID: Line] = [:]
  private var counts: [TalkerID: MicReport.Talker] = [:]
  private var strangers: UInt64 = 0
  private var events: [MicEvent] = []
  private var ended = false

  /// More events than this between two pulls: the oldest go.
  static let eventLimit = 256

  /// `voiceLimit` bounds the talkers that hold a decoder; the one unheard for longest gives way.
  public init(
    _ queue: FrameQueue, tuning: PumpTuning = PumpTuning(), voiceLimit: Int = 16,
    voice: @escaping @Sendable (TalkerID) -> any TalkerVoice
  ) {
    precondition(voiceLimit > 0)
    self.queue = queue
    self.tuning = tuning
    self.voiceLimit = voiceLimit
    makeVoice = voice
  }

  // MARK: Thread: any

  /// Wants a device from now on. One of the same name is replaced.
  public func add(_ device: MicDeviceID, for audience: MicAudience, opener: @escaping MicOpener) {
    order { $0.orders.devices.append(.add(device, audience, opener)) }
  }

  public func remove(_ device: MicDeviceID) { order { $0.orders.devices.append(.remove(device)) } }

  /// Lets a talker be heard: by everyone's devices, and by its own if it has one. Others are dropped and counted.
  public func admit(_ talker: TalkerID, own: MicDeviceID? = nil, muted: Bool = false) {
    order { $0.admit(talker, Desk.Admission(own: own, isMuted: muted)) }
  }

  /// Nothing of this talker is heard any more, not even what waits in the queue.
  public func dismiss(_ talker: TalkerID) { order { $0.dismiss(talker) } }

  /// No frame of this talker is decoded after this returns, but for one in work.
  public func setMuted(_ muted: Bool, of talker: TalkerID) { order { $0.mute(muted, talker) } }

  public func setMuted(_ muted: Bool) { order { $0.mute(muted) } }

  /// The server is known to be back: devices that wait for their next attempt need not wait it out.
  public func serverReturned() { order { $0.orders.serverReturned = true } }

  public var report: MicReport { published.withLock { $0 } }

  private func order(_ change: (inout Desk) -> Void) {
    desk.withLock { change(&$0) }
    queue.signal.wake()
  }

  // MARK: Thread: the pump's

  /// Does what is due.
  public func step(now: HostTime) -> Next {
    guard !ended, !queue.isFinished else { return end() }
    obey(desk.withLock { $0.takeOrders() }, at: now)
    for mouth in mouths { mouth.settle(at: now, tell) }
    for entry in queue.takeAll() { receive(entry, at: now) }
    stepVoices(at: now)
    dropIdleVoices(at: now)
    publish()
    if queue.isFinished { return end() }
    let times = mouths.map { $0.deadline ?? now } + lines.values.compactMap(\.due)
    return .wait(until: times.min())
  }

  /// What happened since the last call.
  public func takeEvents() -> [MicEvent] {
    let taken = events
    events = []
    return taken
  }

  private func tell(_ event: MicEvent) {
    if events.count >= Self.eventLimit { events.removeFirst() }
    events.append(event)
  }

  /// Closes the devices and the queue, whatever is in it.
  public func end() -> Next {
    guard !ended else { return .finished }
    ended = true
    queue.close()
    for mouth in mouths { mouth.close() }
    lines = [:]
    publish()
    mouths = []
    return .finished
  }

  private func obey(_ orders: Desk.Orders, at now: HostTime) {
    for order in orders.devices {
      switch order {
      case .add(let id, let audience, let opener):
        mouths.removeAll { $0.id == id }
        mouths.append(Mouth(id, audience, tuning: tuning, start: now, opener: opener))
      case .remove(let id): mouths.removeAll { $0.id == id }
      }
    }
    if orders.serverReturned { for mouth in mouths { mouth.serverReturned(at: now) } }
    for talker in orders.silenced {
      lines[talker] = nil
      for mouth in mouths { mouth.device?.silence(talker) }
    }
    for talker in orders.dismissed {
      hangUp(talker)
      counts[talker] = nil
    }
  }

  private func receive(_ entry: FrameQueue.Entry, at now: HostTime) {
    let talker = entry.talker
    let pass = desk.withLock { $0.pass(talker) }
    if case .stranger = pass {
      strangers += 1
      return
    }
    counts[talker, default: .init()].lastFrame = entry.arrival
    guard case .speak(let own) = pass else {
      counts[talker, default: .init()].muted += 1
      return
    }
    // What came before a device was open is not for it.
    let reached = mouths.filter { $0.hears(talker, own: own) && ($0.device.map { $0.since <= entry.arrival } ?? false) }
    guard !reached.isEmpty else {
      counts[talker, default: .init()].undelivered += 1
      return
    }
    guard let voice = voice(of: talker, at: now) else {
      counts[talker, default: .init()].crowded += 1
      return
    }
    counts[talker, default: .init()].frames += 1
    let before = voice.garbage
    voice.insert(entry.frame, at: entry.arrival)
    sound(voice, of: talker, through: reached, at: now)
    countGarbage(of: talker, since: before, voice)
  }

  private func stepVoices(at now: HostTime) {
    let due = lines.filter { $0.value.due.map { $0 <= now } ?? false }
    for (talker, line) in due.sorted(by: { $0.key.number < $1.key.number }) {
      guard case .speak(let own) = desk.withLock({ $0.pass(talker) }) else { continue }
      let before = line.voice.garbage
      sound(line.voice, of: talker, through: mouths.filter { $0.hears(talker, own: own) }, at: now)
      countGarbage(of: talker, since: before, line.voice)
    }
  }

  private func sound(_ voice: any TalkerVoice, of talker: TalkerID, through reached: [Mouth], at now: HostTime) {
    let due = voice.step(at: now) { samples in
      for mouth in reached { mouth.push(samples, channels: voice.channels, of: talker, at: now, tell) }
    }
    lines[talker]?.due = due
  }

  private func countGarbage(of talker: TalkerID, since before: UInt64, _ voice: any TalkerVoice) {
    let old = counts[talker, default: .init()].garbage
    let new = old + (voice.garbage - before)
    counts[talker, default: .init()].garbage = new
    // The highest power of two among the counts just passed.
    if new > old, new.leadingZeroBitCount < old.leadingZeroBitCount { tell(.garbage(talker, count: new)) }
  }
}

extension MicPump {
  private func voice(of talker: TalkerID, at now: HostTime) -> (any TalkerVoice)? {
    if lines[talker] == nil {
      if lines.count >= voiceLimit {
        let quiet = lines.filter { now - $0.value.heard > tuning.staleGap }
        let oldest = quiet.min { ($0.value.heard, $0.key.number) < ($1.value.heard, $1.key.number) }
        guard let oldest else { return nil }
        hangUp(oldest.key)
      }
      lines[talker] = Line(voice: makeVoice(talker), heard: now)
    }
    lines[talker]?.heard = now
    return lines[talker]?.voice
  }

  private func dropIdleVoices(at now: HostTime) {
    for (talker, line) in lines where now - line.heard > tuning.voiceIdle { hangUp(talker) }
  }

  private func hangUp(_ talker: TalkerID) {
    lines[talker] = nil
    for mouth in mouths { mouth.device?.close(talker) }
  }

  private func publish() {
    desk.withLock { desk in
      for mouth in mouths { mouth.mute(desk.mutes(mouth.id, mouth.audience)) }
    }
    var report = MicReport()
    report.devices = mouths.map(\.report)
    report.talkers = counts
    report.voices = lines.count
    report.strangers = strangers
    report.dropped = queue.dropped
    published.withLock { $0 = report }
  }
}

extension Mouth {
  fileprivate func hears(_ talker: TalkerID, own: MicDeviceID?) -> Bool { audience == .everyone || own == id }
}
