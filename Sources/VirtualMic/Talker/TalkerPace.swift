public import AudioCore

/// What is due, when, and what stands in for what is missing.
extension TalkerPlayout {
  /// Pushes what is due by `now`, in pieces. Returns when more is due; nil when nothing is before another packet comes.
  public func step(at now: HostTime, into push: (UnsafeBufferPointer<Float>) -> Void) -> HostTime? {
    if mustFade {
      sound.fadeOut()
      hand(on: push)
      mustFade = false
      sound.reset()
    }
    // A bound on one call; more is done in the next, which is due at once.
    for _ in 0..<64 {
      guard let head else { return nil }
      if !hasSounded { start(at: now) }
      let due = dueTime(self.head ?? head)
      if now < due { return due }
      if now - due > Self.stall { skip(until: now, push) }
      advance(push)
    }
    return head.map(dueTime)
  }

  /// Whoever steps was away for longer than this: what should have been heard meanwhile is stale.
  private static let stall = HostDuration.milliseconds(200)
  /// Made up at once when nothing is there: often enough to hear a packet that is merely late.
  private static let morsel: Int64 = 480
  /// How far the delay may be from its target, in nanoseconds.
  private static let tooLong = 3e6
  private static let tooShort = -2e6
  /// Frames between two changes of the delay while somebody speaks.
  private static let scalingPause = 4800
  /// A shorter hole in media time is a sender's rounding.
  private static let rounding: Int64 = 240
  private static let quiet: Float = 1e-6

  private func dueTime(_ timestamp: Int64) -> HostTime {
    HostTime(nanoseconds: Int64(Self.nanoseconds(timestamp) + (clock.offset ?? 0) + delay))
  }

  /// Nothing was heard yet: the delay is still free, and what came too late, a backlog, is not heard at all.
  private func start(at now: HostTime) {
    delay = max(clock.target, delay)
    while let first = order.first, order.entries.count > 1,
      first.frames == 0 || now - dueTime(first.timestamp) > .milliseconds(10)
    {
      drop()
    }
    head = order.first?.timestamp ?? head
  }

  private func skip(until now: HostTime, _ push: (UnsafeBufferPointer<Float>) -> Void) {
    while let first = order.first, now - dueTime(first.timestamp + first.frames) > .zero { drop() }
    sound.fadeOut()
    hand(on: push)
    head = order.first?.timestamp
    starvedFrom = nil
  }

  private func drop() {
    let entry = order.removeFirst()
    lastSequence = entry.sequence
    if entry.frames > 0 { counts.skipped += 1 }
  }

  /// One piece of sound, or one decision about what is missing.
  private func advance(_ push: (UnsafeBufferPointer<Float>) -> Void) {
    guard let head else { return }
    while let first = order.first, first.frames > 0, first.timestamp + first.frames <= head { drop() }
    guard let first = order.first else { return starve(head, push) }
    let gap = first.timestamp - head
    if first.frames == 0, gap <= 0 { return pause(push) }
    if gap < Self.rounding { return play(push) }
    let follows = lastSequence.map { first.sequence == $0 + 1 } ?? false
    if follows || sound.isSilent {
      // Nothing is missing, or nothing sounds: silence until the next packet, with the delay set anew.
      sound.fadeOut()
      hand(on: push)
      (self.head, starvedFrom) = (first.timestamp, nil)
      delay = min(delay, max(clock.target, delay - Self.nanoseconds(gap)))
      if delay < clock.target { delay = clock.target }
      return
    }
    starvedFrom = nil
    let step = min(gap, Int64(clock.packet.value))
    self.head = head + step
    if gap <= Int64(clock.packet.value), sound.recover(Int(gap), from: first.body) {
      counts.recoveredFrames += UInt64(gap)
    } else if sound.makeUp(Int(step)) {
      counts.concealedFrames += UInt64(step)
    }
    hand(on: push)
  }

  /// Nothing is held.
  private func starve(_ head: Int64, _ push: (UnsafeBufferPointer<Float>) -> Void) {
    let step = min(Int64(clock.packet.value), Self.morsel)
    guard !sound.isSilent, sound.makeUp(Int(step)) else {
      (self.head, starvedFrom) = (nil, nil)
      return
    }
    starvedFrom = starvedFrom ?? head
    self.head = head + step
    counts.concealedFrames += UInt64(step)
    hand(on: push)
  }

  /// The sender said that nothing follows.
  private func pause(_ push: (UnsafeBufferPointer<Float>) -> Void) {
    lastSequence = order.removeFirst().sequence
    sound.fadeOut()
    hand(on: push)
    (head, starvedFrom) = (order.first?.timestamp, nil)
    isPaused = head == nil
    delay = clock.target
  }

  private func play(_ push: (UnsafeBufferPointer<Float>) -> Void) {
    let isFresh = sound.isSilent
    decodeFirst()
    let excess = delay - clock.target
    // Short packets are put together, when there are more, to leave out a period of them.
    while excess > Self.tooLong, sound.buffer.frames < 960, let next = order.first, next.frames > 0,
      next.sequence == (lastSequence ?? 0) + 1, next.timestamp == head
    {
      decodeFirst()
    }
    if !isFresh { scale(excess) }
    sinceScaling += sound.buffer.frames
    (hasSounded, starvedFrom) = (true, nil)
    hand(on: push)
  }

  private func decodeFirst() {
    let entry = order.removeFirst()
    if sound.play(entry.body, frames: Int(entry.frames)) {
      counts.playedFrames += UInt64(entry.frames)
    } else {
      counts.garbage += 1
      counts.concealedFrames += UInt64(entry.frames)
    }
    lastSequence = entry.sequence
    head = entry.timestamp + entry.frames
  }

  /// Brings the delay nearer to its target by making the piece shorter or longer.
  private func scale(_ excess: Double) {
    let loudness = sound.buffer.power
    peakPower = max(loudness, peakPower * 0.998)
    let isQuiet = loudness < max(Self.quiet, peakPower * 4e-4)
    guard isQuiet || sinceScaling >= Self.scalingPause else { return }
    if excess > Self.tooLong {
      let gone = sound.buffer.shorten(by: Self.frames(excess + 1e6), isQuiet: isQuiet)
      delay -= Self.nanoseconds(Int64(gone))
      counts.removedFrames += UInt64(gone)
      if gone > 0 { sinceScaling = 0 }
    } else if excess < Self.tooShort {
      let more = sound.buffer.lengthen(by: Self.frames(-excess), isQuiet: isQuiet)
      delay += Self.nanoseconds(Int64(more))
      counts.addedFrames += UInt64(more)
      if more > 0 { sinceScaling = 0 }
    }
  }

  private func hand(on push: (UnsafeBufferPointer<Float>) -> Void) {
    guard sound.buffer.frames > 0 else { return }
    sound.buffer.clamp()
    let share = min(Float(sound.buffer.frames) / 9600, 1)
    power += share * (sound.buffer.power - power)
    push(sound.buffer.sound)
    sound.buffer.pass()
  }
}
