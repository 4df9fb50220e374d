import AudioCore
import Synchronization

/// What render keeps of a ring that an application reads. Nothing waits for the reader: what does not fit is lost and
/// counted, and after that a reader that lags gets one long gap and not many short ones.
struct RingOutput: ~Copyable {
  let channels: Int
  private let capacity: Int
  private let low: Int
  private let high: Int
  private let fade: Int
  private let reader: UnsafeMutablePointer<EndLine>
  private let own: UnsafeMutablePointer<EndLine>
  private let notice: UnsafeMutablePointer<NoticeLine>
  private let samples: UnsafeMutablePointer<Float>
  private let scratch: UnsafeMutablePointer<Float>
  fileprivate let counts: UnsafeMutablePointer<RingCounts>
  fileprivate let gate: UnsafeMutablePointer<RingGate>
  private let bell: BellFace

  /// Frames brought, and the reader's position in the last period.
  private var position: UInt64 = 0
  private var seen: UInt64 = 0
  private var beat: UInt64 = 0
  private var isBlocked = false
  private var isAlive = true
  /// Frames that have still to rise after a gap.
  private var rising = 0
  private var life: LifeSign
  private var law: BellLaw

  private static var chunk: Int { @_noLocks get { 256 } }

  init(
    _ format: RingFormat, _ memory: RingMemory, counts: UnsafeMutablePointer<RingCounts>,
    gate: UnsafeMutablePointer<RingGate>, bell: BellFace
  ) {
    channels = format.channels
    capacity = format.capacity.value
    low = format.low.value
    high = format.high.value
    fade = format.rate.hertz / 400
    reader = (memory.base + RingLayout.readerLine).assumingMemoryBound(to: EndLine.self)
    own = (memory.base + RingLayout.writerLine).assumingMemoryBound(to: EndLine.self)
    notice = (memory.base + RingLayout.noticeLine).assumingMemoryBound(to: NoticeLine.self)
    samples = (memory.base + RingLayout.dataOffset).assumingMemoryBound(to: Float.self)
    scratch = .allocate(capacity: Self.chunk * format.channels)
    self.counts = counts
    self.gate = gate
    self.bell = bell
    life = LifeSign(limit: format.rate.hertz)
    law = BellLaw(patience: format.rate.hertz / 50)
  }

  deinit { scratch.deallocate() }

  /// Takes `frames` frames of every plane. Thread: render.
  @_noLocks
  mutating func write(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, _ frames: Int, _ period: Int, _ now: HostTime
  ) {
    guard !gate.pointee.isClosed.load(ordering: .relaxed) else { return }
    let used = used(frames)
    var given = 0
    if used >= 0 {
      if isBlocked, used <= low {
        isBlocked = false
        rising = fade
      }
      if !isBlocked {
        given = capacity &- used < frames ? capacity &- used : frames
        bring(planes, given, isCut: given < frames)
      }
    }
    if given < frames {
      if !isBlocked { counts.pointee.xruns.add(1, ordering: .relaxed) }
      isBlocked = true
      counts.pointee.lost.add(frames &- given, ordering: .relaxed)
    }
    measure(planes, frames)
    publish(period, now)
    counts.pointee.fill.store(used < 0 ? 0 : used &+ given, ordering: .relaxed)
    guard used >= 0, reader.pointee.waits.load(ordering: .relaxed) != 0 else { return }
    if law.shouldRing(isDue: used &+ given >= high, position: seen, frames: frames) { bell.ring() }
  }

  /// Frames that have not been read; negative when the reader's word makes no sense.
  @_noLocks
  private mutating func used(_ frames: Int) -> Int {
    let read = reader.pointee.position.load(ordering: .acquiring)
    let moved = read != seen
    let before = seen
    seen = read
    let alive = life.isAlive(beat: reader.pointee.beat.load(ordering: .relaxed), moved: moved, frames: frames)
    if !alive, isAlive { counts.pointee.count(.vanished) }
    isAlive = alive
    let distance = Int64(bitPattern: position &- read)
    if distance < 0 { return refuse(.ahead) }
    if Int64(bitPattern: read &- before) < 0 { return refuse(.backwards) }
    if distance > Int64(capacity) { return refuse(.beyondCapacity) }
    return Int(truncatingIfNeeded: distance)
  }

  @_noLocks
  private func refuse(_ fault: RingFault) -> Int {
    counts.pointee.count(fault)
    notice.pointee.refused.add(1, ordering: .relaxed)
    return -1
  }

  /// `isCut`: what follows is lost, so the end is softened.
  @_noLocks
  private mutating func bring(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, _ count: Int, isCut: Bool) {
    let fall = count < fade ? count : fade
    let (fallStep, riseStep) = (1 / Float(fall &+ 1), 1 / Float(fade &+ 1))
    var done = 0
    while done < count {
      let place = Int(truncatingIfNeeded: position) & (capacity &- 1)
      var run = count &- done
      if run > capacity &- place { run = capacity &- place }
      if run > Self.chunk { run = Self.chunk }
      var channel = 0
      while channel < channels {
        let from = planes[channel] + done
        for index in 0..<run { scratch[index &* channels &+ channel] = from[index] }
        channel += 1
      }
      if rising > 0 || isCut {
        var toRise = rising
        for index in 0..<run {
          let left = count &- done &- index
          var gain: Float = isCut && left <= fall ? Float(left) * fallStep : 1
          if toRise > 0 {
            gain = gain * Float(fade &- toRise &+ 1) * riseStep
            toRise &-= 1
          }
          for channel in 0..<channels {
            let sample = scratch + (index &* channels &+ channel)
            sample.pointee = sample.pointee * gain
          }
        }
        rising = toRise
      }
      renderCopy(samples + place &* channels, from: scratch, floats: run &* channels)
      position &+= UInt64(run)
      done &+= run
    }
    counts.pointee.frames.add(count, ordering: .relaxed)
  }

  @_noLocks
  private func measure(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, _ frames: Int) {
    var peak: UInt32 = 0
    var channel = 0
    while channel < channels {
      let from = planes[channel]
      for index in 0..<frames {
        let size = from[index].bitPattern & 0x7FFF_FFFF
        peak = size > peak ? size : peak
      }
      channel += 1
    }
    counts.pointee.peak.max(peak, ordering: .relaxed)
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
    counts.pointee.isMoving.store(!isBlocked, ordering: .relaxed)
  }
}

extension RingOutput {
  var sight: RingSight { @_noLocks get { RingSight(counts, gate) } }
}
