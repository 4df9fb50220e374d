import AudioCore
import Synchronization

/// What render keeps of a ring that an application writes. Format and positions are our own: of the shared memory only the
/// writer's line is read, each word once a period, and each sample once, into memory of our own, before anything looks
/// at it.
struct RingInput: ~Copyable {
  let channels: Int
  private let capacity: Int
  private let low: Int
  private let high: Int
  /// A gap longer than this is a pause, and a heart that is silent for it has stopped: one second.
  private let second: Int
  /// What waits is all there is when nothing was added for so long: 20 ms.
  private let patience: Int
  private let writer: UnsafeMutablePointer<EndLine>
  private let own: UnsafeMutablePointer<EndLine>
  private let notice: UnsafeMutablePointer<NoticeLine>
  private let samples: UnsafePointer<Float>
  private let scratch: UnsafeMutablePointer<Float>
  fileprivate let counts: UnsafeMutablePointer<RingCounts>
  fileprivate let gate: UnsafeMutablePointer<RingGate>
  private let bell: BellFace

  /// Frames taken, and the writer's position in the last period.
  private var position: UInt64 = 0
  private var seen: UInt64 = 0
  private var beat: UInt64 = 0
  private var isPlaying = false
  private var isAlive = true
  /// Frames of silence since the sound broke off; nil when it had not begun or the break has become a pause.
  private var gap: Int?
  private var tail: FadeTail
  private var rise: FadeIn
  private var life: LifeSign
  private var law: BellLaw

  private static var chunk: Int { @_noLocks get { 256 } }
  /// +24 dBFS. Bit patterns of numbers beyond are higher, and those of what is no number higher still.
  private static var loudest: UInt32 { @_noLocks get { 0x4180_0000 } }

  init(
    _ format: RingFormat, _ memory: RingMemory, counts: UnsafeMutablePointer<RingCounts>,
    gate: UnsafeMutablePointer<RingGate>, bell: BellFace
  ) {
    channels = format.channels
    capacity = format.capacity.value
    low = format.low.value
    high = format.high.value
    second = format.rate.hertz
    patience = format.rate.hertz / 50
    writer = (memory.base + RingLayout.writerLine).assumingMemoryBound(to: EndLine.self)
    own = (memory.base + RingLayout.readerLine).assumingMemoryBound(to: EndLine.self)
    notice = (memory.base + RingLayout.noticeLine).assumingMemoryBound(to: NoticeLine.self)
    samples = UnsafePointer((memory.base + RingLayout.dataOffset).assumingMemoryBound(to: Float.self))
    scratch = .allocate(capacity: Self.chunk * format.channels)
    self.counts = counts
    self.gate = gate
    self.bell = bell
    let fade = format.rate.hertz / 400
    tail = FadeTail(channels: format.channels, length: fade)
    rise = FadeIn(length: fade)
    life = LifeSign(limit: format.rate.hertz)
    law = BellLaw(patience: format.rate.hertz / 50)
  }

  deinit { scratch.deallocate() }

  /// Fills `frames` frames of every plane. Thread: render.
  @_noLocks
  mutating func read(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, _ frames: Int, _ period: Int, _ now: HostTime
  ) {
    let filled = filled(frames)
    var isHeard = isPlaying
    var taken = 0
    if filled < 0 {
      isPlaying = false
    } else {
      if !isPlaying, begins(filled, frames) {
        isPlaying = true
        isHeard = true
      }
      if isPlaying {
        taken = filled < frames ? filled : frames
        take(planes, taken)
        if taken < frames {
          isPlaying = false
          counts.pointee.xruns.add(1, ordering: .relaxed)
        }
      }
    }
    end(planes, taken, frames, breaksOff: isHeard && !isPlaying)
    publish(period, now)
    counts.pointee.fill.store(filled < 0 ? 0 : filled &- taken, ordering: .relaxed)
    guard filled >= 0, writer.pointee.waits.load(ordering: .relaxed) != 0 else { return }
    if law.shouldRing(isDue: filled &- taken <= low, position: seen, frames: frames) { bell.ring() }
  }

  /// Frames that wait; negative when there is nothing to be had from this ring.
  @_noLocks
  private mutating func filled(_ frames: Int) -> Int {
    let written = writer.pointee.position.load(ordering: .acquiring)
    let moved = written != seen
    let before = seen
    seen = written
    let alive = life.isAlive(beat: writer.pointee.beat.load(ordering: .relaxed), moved: moved, frames: frames)
    if gate.pointee.isClosed.load(ordering: .relaxed) { return -1 }
    let distance = Int64(bitPattern: written &- position)
    if distance < 0 || Int64(bitPattern: written &- before) < 0 { return refuse(.backwards) }
    if distance > Int64(capacity) { return refuse(.beyondCapacity) }
    if !alive {
      if isAlive { counts.pointee.count(.vanished) }
      isAlive = false
      // Nobody answers for what it left: should it come back, it begins anew.
      position = written
      return -1
    }
    isAlive = true
    return Int(truncatingIfNeeded: distance)
  }

  @_noLocks
  private func refuse(_ fault: RingFault) -> Int {
    counts.pointee.count(fault)
    notice.pointee.refused.add(1, ordering: .relaxed)
    return -1
  }

  @_noLocks
  private mutating func begins(_ filled: Int, _ frames: Int) -> Bool {
    let most = frames < capacity ? frames : capacity
    guard filled > 0, filled >= (high > most ? high : most) || life.still >= patience else { return false }
    if let gap {
      counts.pointee.lost.add(gap, ordering: .relaxed)
      rise.begin()
    }
    gap = nil
    return true
  }

  @_noLocks
  private mutating func take(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, _ count: Int) {
    var done = 0
    var bad = 0
    while done < count {
      let place = Int(truncatingIfNeeded: position) & (capacity &- 1)
      var run = count &- done
      if run > capacity &- place { run = capacity &- place }
      if run > Self.chunk { run = Self.chunk }
      renderCopy(scratch, from: samples + place &* channels, floats: run &* channels)
      var channel = 0
      while channel < channels {
        bad &+= clean(scratch + channel, planes[channel] + done, run)
        channel += 1
      }
      position &+= UInt64(run)
      done &+= run
    }
    if bad > 0 { counts.pointee.count(.notSound, bad) }
    counts.pointee.frames.add(count, ordering: .relaxed)
    rise.apply(planes, channels: channels, frames: count)
  }

  /// One channel out of the interleaved frames; returns how many samples were none.
  @_noLocks
  private func clean(_ from: UnsafeMutablePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ count: Int) -> Int {
    var bad: UInt32 = 0
    var peak: UInt32 = 0
    for index in 0..<count {
      let bits = from[index &* channels].bitPattern
      let size = bits & 0x7FFF_FFFF
      let isBad = size > Self.loudest
      bad &+= isBad ? 1 : 0
      let kept = isBad ? 0 : size
      peak = kept > peak ? kept : peak
      to[index] = Float(bitPattern: isBad ? 0 : bits)
    }
    counts.pointee.peak.max(peak, ordering: .relaxed)
    return Int(bad)
  }

  /// Silence after what was taken, and the sound that has ended dying away in it.
  @_noLocks
  private mutating func end(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, _ taken: Int, _ frames: Int, breaksOff: Bool
  ) {
    var channel = 0
    while channel < channels {
      renderZero(planes[channel] + taken, floats: frames &- taken)
      channel += 1
    }
    tail.add(planes, from: 0, to: breaksOff ? taken : frames)
    tail.remember(planes, taken)
    if breaksOff {
      tail.begin()
      tail.add(planes, from: taken, to: frames)
      gap = frames &- taken
    } else if !isPlaying, let silence = gap {
      gap = silence > second ? nil : silence &+ frames
    }
  }

  @_noLocks
  private mutating func publish(_ period: Int, _ now: HostTime) {
    beat &+= 1
    own.pointee.time.store(now.nanoseconds, ordering: .relaxed)
    own.pointee.position.store(position, ordering: .releasing)
    own.pointee.beat.store(beat, ordering: .relaxed)
    notice.pointee.period.store(UInt32(truncatingIfNeeded: period), ordering: .relaxed)
    notice.pointee.xruns.store(UInt64(counts.pointee.xruns.load(ordering: .relaxed)), ordering: .relaxed)
    notice.pointee.lost.store(UInt64(counts.pointee.lost.load(ordering: .relaxed)), ordering: .relaxed)
    counts.pointee.period.store(period, ordering: .relaxed)
    counts.pointee.isMoving.store(isPlaying, ordering: .relaxed)
  }
}

extension RingInput {
  var sight: RingSight { @_noLocks get { RingSight(counts, gate) } }
}

/// Shut by control when the application has gone.
struct RingGate: ~Copyable {
  let isClosed = Atomic<Bool>(false)
}
