public import AudioCore
import CKernels

/// Up to 32 bands for up to eight channels, each band for all channels or some. No latency.
///
/// A curve that changes nothing leaves every finite sample as it is, bit for bit: also after another one, once that has
/// died away. A new curve is reached in 20 ms; where it cuts into the past, the past is what the old one made of it.
/// What is no number comes out as silence.
///
/// Thread: render, but for its life.
public struct Equalizer: ~Copyable, @unchecked Sendable {
  private let channels: Int
  private let groups: Int
  /// Of one group after the other, all bands.
  private let lanes: UnsafeMutablePointer<EqualizerLanes>
  /// What fills four bands up: they pass everything as it is.
  private let spare: UnsafeMutablePointer<EqualizerLanes>
  /// A stretch of two groups.
  private let scratch: UnsafeMutablePointer<SIMD2<Double>>
  /// Two groups at a time, by a kernel that needs more than every machine has.
  private let isWide: Bool
  private let sections: UnsafeMutablePointer<UnsafePointer<Double>?>
  private let states: UnsafeMutablePointer<UnsafeMutablePointer<Double>?>
  private let glideLength: Int
  private var glides = InlineArray<32, Int>(repeating: 0)
  private var isNeutral = InlineArray<32, Bool>(repeating: true)
  /// Bands that do something, in order.
  private var order = InlineArray<32, Int>(repeating: 0)
  private var active = InlineArray<32, Bool>(repeating: false)
  private var activeCount = 0
  private var preamp: Smoother
  /// Place in the grid at which bands are looked at, so that it does not depend on how blocks are cut.
  private var place = 0

  private static var grid: Int { @_noLocks get { 64 } }
  private static var bands: Int { @_noLocks get { 32 } }

  /// Thread: control.
  public init(format: StreamFormat) { self.init(format: format, allowsWide: true) }

  init(format: StreamFormat, allowsWide: Bool) {
    channels = format.layout.count
    groups = (channels + 1) / 2
    lanes = .allocate(capacity: groups * 32)
    lanes.initialize(repeating: EqualizerLanes(), count: groups * 32)
    spare = .allocate(capacity: 8)
    spare.initialize(repeating: EqualizerLanes(), count: 8)
    scratch = .allocate(capacity: 2 * 64)
    scratch.initialize(repeating: SIMD2(0, 0), count: 2 * 64)
    sections = .allocate(capacity: 8)
    states = .allocate(capacity: 8)
    isWide = groups > 1 && allowsWide && ckernels_available()
    let length = format.rate.frames(in: .milliseconds(20))
    glideLength = length.value
    preamp = Smoother(1, length: length)
  }

  deinit {
    lanes.deallocate()
    spare.deallocate()
    scratch.deallocate()
    sections.deallocate()
    states.deallocate()
  }

  public var latency: FrameCount { 0 }

  /// Forgets the past and is where it was going.
  @_noLocks
  public mutating func reset() {
    for index in 0..<groups &* Self.bands {
      lanes[index].now = lanes[index].target
      lanes[index].s1 = SIMD2(0, 0)
      lanes[index].s2 = SIMD2(0, 0)
    }
    for band in 0..<Self.bands {
      glides[band] = 0
      active[band] = !isNeutral[band]
    }
    var target = preamp
    target.advance(.max)
    preamp.snap(target.value)
    place = 0
    collect()
  }

  /// Where to go from here on; `reset` is there at once.
  @_noLocks
  public mutating func aim(_ curve: borrowing EqualizerCurve) {
    preamp.aim(curve.preamp)
    for band in 0..<Self.bands {
      let section = curve.sections[band]
      let isUsed = band < curve.count && section.channels != 0
      if !isUsed && isNeutral[band] { continue }
      var changes = false
      for group in 0..<groups {
        let place = group &* Self.bands &+ band
        if !active[band] { begin(place, like: section.coefficients) }
        let target = isUsed ? set(section, group) : Self.neutral(lanes[place].now)
        if target == lanes[place].target { continue }
        let lane = lanes + place
        lane.pointee.aim(target, over: Double(glideLength))
        changes = true
      }
      isNeutral[band] = !isUsed
      if changes {
        glides[band] = glideLength
        active[band] = true
      }
    }
    collect()
  }

  @_noLocks
  private func set(_ section: EqualizerCurve.Section, _ group: Int) -> EqualizerLanes.Set {
    let own = section.coefficients
    let first = section.channels >> UInt8(2 &* group) & 1 != 0 ? own : own.neutral
    let second = section.channels >> UInt8(2 &* group &+ 1) & 1 != 0 ? own : own.neutral
    return EqualizerLanes.Set(first, second)
  }

  /// A band that did nothing begins with the poles it is about to have.
  @_noLocks
  private func begin(_ place: Int, like coefficients: BiquadCoefficients) {
    let set = EqualizerLanes.Set(coefficients.neutral, coefficients.neutral)
    lanes[place].now = set
    lanes[place].target = set
    lanes[place].s1 = SIMD2(0, 0)
    lanes[place].s2 = SIMD2(0, 0)
  }

  @_noLocks
  private static func neutral(_ set: EqualizerLanes.Set) -> EqualizerLanes.Set {
    var neutral = set
    neutral.b0 = SIMD2(1, 1)
    neutral.b1 = SIMD2(-set.c1[0], -set.c1[1])
    neutral.b2 = SIMD2(-set.c2[0], -set.c2[1])
    return neutral
  }

  @_noLocks
  private mutating func collect() {
    activeCount = 0
    for band in 0..<Self.bands where active[band] {
      order[activeCount] = band
      activeCount &+= 1
    }
  }

  @_noLocks
  public mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int) {
    for channel in 0..<channels { Sanitised.clean(planes[channel], frames: frames) }
    var done = 0
    while done < frames {
      var count = frames &- done < Self.grid &- place ? frames &- done : Self.grid &- place
      for index in 0..<activeCount {
        let left = glides[order[index]]
        if left > 0 && left < count { count = left }
      }
      if activeCount > 0 || !preamp.isSettled || preamp.value != 1 { run(planes, from: done, frames: count) }
      done &+= count
      place &+= count
      if place == Self.grid { rest() }
    }
  }

  @_noLocks
  private mutating func run(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, from: Int, frames: Int) {
    let gain = preamp
    var group = 0
    while group < groups {
      let width = isWide && group &+ 1 < groups ? 2 : 1
      for index in 0..<width {
        preamp = gain
        let first = planes[2 &* (group &+ index)] + from
        let hasSecond = 2 &* (group &+ index) &+ 1 < channels
        read(scratch + index &* Self.grid, first, hasSecond ? planes[2 &* (group &+ index) &+ 1] + from : first, frames)
      }
      filter(lanes + group &* Self.bands, width, frames)
      for index in 0..<width {
        let channel = 2 &* (group &+ index)
        Self.write(scratch + index &* Self.grid, 0, planes[channel] + from, frames)
        if channel &+ 1 < channels {
          Self.write(scratch + index &* Self.grid, 1, planes[channel &+ 1] + from, frames)
        }
      }
      group &+= width
    }
    for index in 0..<activeCount {
      let band = order[index]
      guard glides[band] > 0 else { continue }
      glides[band] = glides[band] &- frames
      guard glides[band] == 0 else { continue }
      for group in 0..<groups {
        let place = group &* Self.bands &+ band
        lanes[place].now = lanes[place].target
      }
    }
  }

  @_noLocks
  private mutating func read(
    _ scratch: UnsafeMutablePointer<SIMD2<Double>>, _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>,
    _ frames: Int
  ) {
    if preamp.isSettled {
      let gain = Double(preamp.value)
      for frame in 0..<frames { scratch[frame] = SIMD2(Double(first[frame]), Double(second[frame])) * gain }
      return
    }
    for frame in 0..<frames {
      scratch[frame] = SIMD2(Double(first[frame]), Double(second[frame])) * Double(preamp.next())
    }
  }

  /// Beyond what 32 bits hold there is nothing to write.
  @_noLocks
  private static func write(
    _ scratch: UnsafePointer<SIMD2<Double>>, _ lane: Int, _ plane: UnsafeMutablePointer<Float>, _ frames: Int
  ) {
    let limit = 3e38
    for frame in 0..<frames {
      var sample = scratch[frame][lane]
      // False for what is no number.
      if !(sample.magnitude < limit) { sample = sample > 0 ? limit : sample < 0 ? -limit : 0 }
      plane[frame] = Float(sample)
    }
  }

  @_noLocks
  private func filter(_ lanes: UnsafeMutablePointer<EqualizerLanes>, _ width: Int, _ frames: Int) {
    var index = 0
    while index < activeCount {
      let band = order[index]
      // As many as stand still, up to four.
      var length = glides[band] > 0 ? 0 : 1
      while length > 0 && length < 4 && index &+ length < activeCount && glides[order[index &+ length]] == 0 {
        length &+= 1
      }
      if length == 0 {
        for half in 0..<width {
          let lane = lanes + (half &* Self.bands &+ band)
          lane.pointee.glide(scratch + half &* Self.grid, frames: frames)
        }
      } else if width == 2 {
        wide(lanes, from: index, bands: length, frames)
      } else if length == 1 {
        let lane = lanes + band
        lane.pointee.run(scratch, frames: frames)
      } else {
        let first = lanes + band
        let second = lanes + order[index &+ 1]
        let third = length > 2 ? lanes + order[index &+ 2] : spare
        let fourth = length > 3 ? lanes + order[index &+ 3] : spare + 1
        EqualizerLanes.runFour(
          &first.pointee, &second.pointee, &third.pointee, &fourth.pointee, scratch, frames: frames)
      }
      index &+= length > 0 ? length : 1
    }
  }

  @_noLocks
  private func wide(_ lanes: UnsafeMutablePointer<EqualizerLanes>, from index: Int, bands: Int, _ frames: Int) {
    for place in 0..<8 {
      let (half, slot) = (place / 4, place % 4)
      let own = slot < bands ? lanes + (half &* Self.bands &+ order[index &+ slot]) : spare + (place &- 1)
      let raw = UnsafeMutableRawPointer(own)
      sections[place] = UnsafePointer(raw.assumingMemoryBound(to: Double.self))
      states[place] = (raw + EqualizerLanes.stateOffset).assumingMemoryBound(to: Double.self)
    }
    let samples = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Double.self)
    ckernels_biquads(sections, states, samples, samples + 2 &* Self.grid, frames)
  }

  /// Lets bands go that change nothing and have nothing left to say, and the past where it became too much for numbers.
  @_noLocks
  private mutating func rest() {
    place = 0
    var changes = false
    for group in 0..<groups { keepWithinNumbers(lanes + group &* Self.bands) }
    for index in 0..<activeCount {
      let band = order[index]
      guard isNeutral[band], glides[band] == 0 else { continue }
      var isQuiet = true
      for group in 0..<groups where !lanes[group &* Self.bands &+ band].isQuiet { isQuiet = false }
      guard isQuiet else { continue }
      active[band] = false
      changes = true
    }
    if changes { collect() }
  }

  /// Thirty-two bands can raise the loudest sample beyond all numbers, or swing up while they change.
  @_noLocks
  private func keepWithinNumbers(_ lanes: UnsafeMutablePointer<EqualizerLanes>) {
    var isSound = true
    for index in 0..<activeCount where !lanes[order[index]].isWithinNumbers { isSound = false }
    guard !isSound else { return }
    for index in 0..<activeCount {
      let lane = lanes + order[index]
      lane.pointee.s1 = SIMD2(0, 0)
      lane.pointee.s2 = SIMD2(0, 0)
    }
  }
}
