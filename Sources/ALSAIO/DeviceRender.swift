import AudioCore
import CALSASystem
import Synchronization

/// The render half of an opened device: calls the client, changes rate and channels, and writes or reads the device's own
/// samples. Reached through a pointer, so no reference is counted.
///
/// The device deals in whole periods at its own rate; the client in the frames of its rate that make one.
struct DeviceRender: ~Copyable {
  private let client: Unmanaged<RenderClient>
  private let facts: UnsafeMutablePointer<DeviceFacts>
  private let layout: ChannelLayout
  private let isPlayback: Bool
  private let code: SampleCode
  private let rate: SampleRate
  private let deviceRate: SampleRate
  private let deviceChannels: Int
  /// Frames of a period at the device's rate.
  let period: Int
  /// The most frames of a cycle.
  private let room: Int
  private let quantum: Int
  /// Nil where both rates are the same.
  private let resampler: UnsafeMutablePointer<SincResampler>?
  /// One row per channel of what is written: the device's, or the client's.
  private let gains: UnsafeMutablePointer<Float>
  /// The client's channels at its rate, at the device's rate, and one more plane for sums.
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let devicePlanes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let sum: UnsafeMutablePointer<Float>
  private let storage: UnsafeMutablePointer<Float>

  /// The next frame's position; control reads it only when the device thread is gone.
  private(set) var position: Int64
  private(set) var lastTime: HostTime
  private var hasBegun = false
  private var loop = DelayLockedLoop()
  private var isContinuous = false
  /// Frames of a fade that have been heard; all of them where none is going on.
  private var risen: Int

  /// 5 ms.
  private var fade: Int { @_noLocks get { rate.hertz / 200 } }

  init(
    client: Unmanaged<RenderClient>, facts: UnsafeMutablePointer<DeviceFacts>, format: StreamFormat, isPlayback: Bool,
    terms: DeviceTerms, position: Int64, lastTime: HostTime
  ) {
    self.client = client
    self.facts = facts
    self.isPlayback = isPlayback
    self.position = position
    self.lastTime = lastTime
    layout = format.layout
    rate = format.rate
    code = terms.code
    deviceRate = terms.rate
    deviceChannels = terms.channels.labels.count
    period = terms.period.value
    quantum = (period * rate.hertz + deviceRate.hertz / 2) / deviceRate.hertz
    risen = position > 0 ? 0 : Int.max
    var room = max(quantum, period) + 16
    if rate == deviceRate {
      resampler = nil
    } else {
      let made = SincResampler(
        quality: .main, from: isPlayback ? rate : deviceRate, to: isPlayback ? deviceRate : rate,
        channels: layout.count, chunk: FrameCount(room + 4096))
      // The first cycle also fills the filter.
      room += made.latency.value * 2
      resampler = .allocate(capacity: 1)
      resampler?.initialize(to: made)
    }
    self.room = room
    let own = layout.labels.map(Optional.some)
    let rows = DeviceChannels.gains(
      from: isPlayback ? own : terms.channels.labels, to: isPlayback ? terms.channels.labels : own)
    gains = .allocate(capacity: max(layout.count * deviceChannels, 1))
    for (row, values) in rows.enumerated() {
      for (column, value) in values.enumerated() { gains[row * values.count + column] = value }
    }
    let count = layout.count
    storage = .allocate(capacity: (2 * count + 1) * room)
    storage.initialize(repeating: 0, count: (2 * count + 1) * room)
    planes = .allocate(capacity: count)
    devicePlanes = .allocate(capacity: count)
    for channel in 0..<count {
      planes[channel] = storage + channel * room
      // Without a resampler they are the same.
      devicePlanes[channel] = resampler == nil ? planes[channel] : storage + (count + channel) * room
    }
    sum = storage + 2 * count * room
  }

  deinit {
    resampler?.deinitialize(count: 1)
    resampler?.deallocate()
    gains.deallocate()
    planes.deallocate()
    devicePlanes.deallocate()
    storage.deallocate()
  }

  /// What comes next does not follow what was before: it rises from silence. Thread: device.
  mutating func broke() {
    isContinuous = false
    risen = 0
    resampler?.pointee.reset()
  }

  /// One period for the device to play: `queued` frames are before it. Thread: render.
  @_noLocks
  mutating func renderPeriod(at now: HostTime, queued: Int) {
    guard let resampler else { return renderPlayed(quantum, at: now, queued: queued) }
    let needed = resampler.pointee.needed(for: period)
    let frames = needed < room ? needed : room
    if frames > 0 {
      renderPlayed(frames, at: now, queued: queued)
      _ = resampler.pointee.feed(planes[0], frames: frames, stride: 1, channelStride: room)
    }
    let made = resampler.pointee.produce(into: devicePlanes[0], limit: period, stride: 1, channelStride: room)
    guard made < period else { return }
    for channel in 0..<layout.count { renderZero(devicePlanes[channel] + made, floats: period &- made) }
  }

  @_noLocks
  private mutating func renderPlayed(_ frames: Int, at now: HostTime, queued: Int) {
    let output = Block(channels: planes, channelCount: layout.count, frames: frames)
    let none = Block(channels: planes, channelCount: 0, frames: frames)
    output.silence()
    let (time, flags) = begin(frames, at: now, offset: queued)
    renderDispatch(
      client,
      Cycle(
        frames: frames, time: time, position: position, quantum: quantum, layout: layout, flags: flags, input: none,
        output: output))
    rise(frames)
    position += Int64(frames)
  }

  /// What was read of a period, which has `waiting` frames behind its first. Thread: render.
  @_noLocks
  mutating func renderRecorded(_ read: Int, at now: HostTime, waiting: Int) {
    var frames = read
    if let resampler {
      _ = resampler.pointee.feed(devicePlanes[0], frames: read, stride: 1, channelStride: room)
      frames = resampler.pointee.produce(into: planes[0], limit: room, stride: 1, channelStride: room)
    }
    guard frames > 0 else { return }
    let (time, flags) = begin(frames, at: now, offset: -waiting)
    rise(frames)
    let input = Block(channels: planes, channelCount: layout.count, frames: frames)
    let none = Block(channels: planes, channelCount: 0, frames: frames)
    renderDispatch(
      client,
      Cycle(
        frames: frames, time: time, position: position, quantum: quantum, layout: layout, flags: flags, input: input,
        output: none))
    position += Int64(frames)
  }

  /// Moves the clock to this cycle. What was lost moves the position. Thread: render.
  @_noLocks
  private mutating func begin(_ frames: Int, at now: HostTime, offset: Int) -> (HostTime, CycleFlags) {
    let distance = FrameCount(offset).duration(at: deviceRate)
    let isFirst = !isContinuous
    if isFirst {
      loop.reset()
      // By when the device had the frames, not by when this thread got to them.
      if hasBegun {
        let passed = Int((now + distance - lastTime).nanoseconds / 1000) * rate.hertz / 1_000_000
        let lost = passed &- quantum
        if lost > 0 { position += Int64(lost) }
      }
      facts.pointee.ranFrom.store((now + distance).nanoseconds, ordering: .relaxed)
      facts.pointee.ran.store(0, ordering: .relaxed)
    } else {
      facts.pointee.ran.add(Int64(period), ordering: .relaxed)
    }
    facts.pointee.ranUntil.store((now + distance).nanoseconds, ordering: .relaxed)
    isContinuous = true
    hasBegun = true
    let smoothed = loop.update(now + distance, frames: period, rate: deviceRate)
    if smoothed > lastTime { lastTime = smoothed }
    facts.pointee.quantum.store(quantum, ordering: .relaxed)
    facts.pointee.rate.store(deviceRate.hertz, ordering: .relaxed)
    facts.pointee.cycles.add(1, ordering: .relaxed)
    return (lastTime, isFirst ? .discontinuity : .none)
  }

  /// Raises the sound after a break. Thread: render.
  @_noLocks
  private mutating func rise(_ frames: Int) {
    let length = fade
    guard risen < length else { return }
    let end = length &- risen < frames ? length &- risen : frames
    let step = 1 / Float(length)
    for channel in 0..<layout.count {
      let plane = planes[channel]
      for frame in 0..<end { plane[frame] *= Float(risen &+ frame) * step }
    }
    risen &+= end
  }

  /// Writes frames of the period that was rendered into the device's memory. Thread: device; render safe.
  @_noLocks
  func encode(from start: Int, frames: Int, areas: UnsafePointer<snd_pcm_channel_area_t>, offset: Int) {
    for channel in 0..<deviceChannels {
      let row = gains + channel &* layout.count
      var source: UnsafePointer<Float>?
      var sources = 0
      for other in 0..<layout.count where row[other] != 0 {
        sources &+= 1
        if row[other] == 1 { source = UnsafePointer(devicePlanes[other] + start) }
      }
      if sources != 1 || source == nil {
        renderZero(sum, floats: frames)
        for other in 0..<layout.count where row[other] != 0 {
          let plane = devicePlanes[other] + start
          let gain = row[other]
          for frame in 0..<frames { sum[frame] += plane[frame] * gain }
        }
        source = UnsafePointer(sum)
      }
      guard let source, let place = Self.place(areas[channel], offset) else { continue }
      code.encode(source, frames: frames, to: place, stride: Int(areas[channel].step) / 8)
    }
  }

  /// Reads frames of a period out of the device's memory. Thread: device; render safe.
  @_noLocks
  func decode(to start: Int, frames: Int, areas: UnsafePointer<snd_pcm_channel_area_t>, offset: Int) {
    for channel in 0..<layout.count {
      let row = gains + channel &* deviceChannels
      let plane = devicePlanes[channel] + start
      renderZero(plane, floats: frames)
      for other in 0..<deviceChannels where row[other] != 0 {
        guard let place = Self.place(areas[other], offset) else { continue }
        code.decode(place, stride: Int(areas[other].step) / 8, frames: frames, gain: row[other], adding: plane)
      }
    }
  }

  @_noLocks
  private static func place(_ area: snd_pcm_channel_area_t, _ offset: Int) -> UnsafeMutableRawPointer? {
    guard let base = area.addr else { return nil }
    return base + (Int(area.first) &+ offset &* Int(area.step)) / 8
  }
}
