public import AudioCore
import Synchronization

/// Writes what a stream captures into a live recording's memory. It neither waits nor forgets: what does not fit is counted,
/// and the position goes on.
public final class RecorderClient: RenderClient, @unchecked Sendable {
  let state: UnsafeMutablePointer<RecorderState>
  private let memory: LiveMemory

  /// `rate` is the one of the blocks to come; where that is not the recording's, they are resampled.
  init(_ memory: LiveMemory, rate: SampleRate, layout: ChannelLayout) {
    self.memory = memory
    state = .allocate(capacity: 1)
    state.initialize(to: RecorderState(memory.face, memory.format, rate: rate, layout: layout))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Thread: render.
  @_noLocks
  public override func render(_ cycle: Cycle) { state.pointee.render(cycle) }
}

/// What render keeps.
struct RecorderState: ~Copyable {
  /// When position 0 is to be, in nanoseconds: `never` before somebody says so, 0 for the next block.
  let startAt = Atomic<Int>(Int.max)
  /// The device has said that it is not there.
  let isAbsent = Atomic<Bool>(false)
  let callbacks = Atomic<Int>(0)
  let gaps = Atomic<Int>(0)
  /// Frames of gaps of which the recording already tells.
  let gapFrames = Atomic<Int>(0)
  /// Frames that came and found no room.
  let dropped = Atomic<Int>(0)
  let peak = Atomic<UInt32>(0)
  let thread = Atomic<UInt>(0)

  private let face: LiveFace
  private let samples: SampleFormat
  private let channels: Int
  /// Of the blocks: how many there are, and where among them each of the recording's is.
  private let sourceChannels: Int
  private let places: UnsafeMutablePointer<Int>
  private let sampleBytes: Int
  private var law: GapLaw
  private let outHertz: Int
  private var isRunning = false
  /// Frames written, and where in time the next one belongs.
  private var frame = 0
  private(set) var position = 0
  private var cause: GapCause = .missed
  /// Where in time, in frames of the source, the next block belongs.
  private var sourcePosition = 0
  private var resampling: Resampling?
  private let planes: UnsafeMutablePointer<UnsafePointer<Float>>

  /// Planes to and from a resampler.
  struct Resampling: ~Copyable {
    var resampler: SincResampler
    let fed: UnsafeMutablePointer<Float>
    let made: UnsafeMutablePointer<Float>
    let room: Int
    /// Frames of the source that the filter holds.
    let latency: Int

    static var block: Int { @_noLocks get { 1024 } }

    init(from: SampleRate, to: SampleRate, channels: Int) {
      resampler = SincResampler(
        quality: .bandLimited, from: from, to: to, channels: channels, chunk: FrameCount(2048), isFixed: true)
      latency = resampler.latency.value
      room = Self.block * to.hertz / from.hertz + 64
      fed = .allocate(capacity: Self.block * channels)
      fed.initialize(repeating: 0, count: Self.block * channels)
      made = .allocate(capacity: room * channels)
      made.initialize(repeating: 0, count: room * channels)
    }

    deinit {
      fed.deallocate()
      made.deallocate()
    }
  }

  init(_ face: LiveFace, _ format: RecordingFormat, rate: SampleRate, layout: ChannelLayout) {
    self.face = face
    samples = format.samples
    channels = format.layout.count
    sampleBytes = format.samples.bytes
    law = GapLaw(hertz: rate.hertz)
    outHertz = format.rate.hertz
    resampling = rate == format.rate ? nil : Resampling(from: rate, to: format.rate, channels: channels)
    planes = .allocate(capacity: channels)
    sourceChannels = layout.count
    places = .allocate(capacity: channels)
    for (index, label) in format.layout.labels.enumerated() {
      (places + index).initialize(to: layout == format.layout ? index : layout.labels.firstIndex(of: label) ?? index)
    }
  }

  deinit {
    planes.deallocate()
    places.deallocate()
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ cycle: Cycle) {
    callbacks.add(1, ordering: .relaxed)
    let caller = renderThread()
    if thread.load(ordering: .relaxed) != caller { thread.store(caller, ordering: .relaxed) }
    let missing = law.missing(before: cycle)
    var skipped = 0
    if isRunning {
      advance(missing, isAbsent.exchange(false, ordering: .relaxed) ? .device : .missed)
    } else {
      guard let first = begin(cycle) else { return }
      skipped = first
    }
    let frames = cycle.frames &- skipped
    guard cycle.input.channelCount == sourceChannels else { return advance(frames, .format) }
    take(cycle.input, from: skipped, frames: frames)
    // What is still in the filter belongs to before the block's end too.
    face.anchor(position: recorded(sourcePosition), time: cycle.time.nanoseconds &+ law.nanoseconds(cycle.frames))
  }

  /// The first frame of the block that is recorded; nil while the time has not come.
  @_noLocks
  private mutating func begin(_ cycle: Cycle) -> Int? {
    let start = startAt.load(ordering: .acquiring)
    guard start != Int.max else { return nil }
    let time = Int(cycle.time.nanoseconds)
    var first = 0
    if start == 0 {
      face.startTime.pointee.store(time, ordering: .releasing)
    } else {
      first = time < start ? law.frames(Int64(start &- time)) : 0
      guard first < cycle.frames else { return nil }
      face.startTime.pointee.store(start, ordering: .releasing)
      if time > start { advance(law.frames(Int64(time &- start)), .lateStart) }
    }
    isAbsent.store(false, ordering: .relaxed)
    isRunning = true
    return first
  }

  /// Time goes on without sound.
  @_noLocks
  private mutating func advance(_ frames: Int, _ why: GapCause) {
    guard frames > 0 else { return }
    // What is in the filter belongs to before the gap.
    empty()
    sourcePosition &+= frames
    cause = why
    guard outHertz != law.hertz else {
      position &+= frames
      return
    }
    let target = recorded(sourcePosition)
    position = target > position ? target : position
  }

  /// Where a position of the source is in the recording.
  @_noLocks
  private func recorded(_ source: Int) -> Int {
    guard outHertz != law.hertz else { return source }
    return source / law.hertz &* outHertz &+ (source % law.hertz &* outHertz &+ law.hertz / 2) / law.hertz
  }

  /// Silence brings what the filter still has of what came. Thread: render; control after it.
  @_noLocks
  mutating func empty() {
    guard let fed = resampling?.fed, let latency = resampling?.latency else { return }
    let end = recorded(sourcePosition)
    renderZero(fed, floats: Resampling.block &* channels)
    var left = latency &+ 1
    while left > 0, position < end {
      let part = left < Resampling.block ? left : Resampling.block
      push(part, most: end &- position)
      left &-= part
    }
    resampling?.resampler.reset()
  }

  @_noLocks
  private mutating func take(_ block: Block, from: Int, frames: Int) {
    guard resampling != nil else {
      var channel = 0
      while channel < channels {
        (planes + channel).pointee = UnsafePointer(block.channel(places[channel]) + from &* block.stride)
        channel += 1
      }
      write(frames, stride: block.stride)
      sourcePosition &+= frames
      return
    }
    var done = 0
    while done < frames {
      let part = frames &- done < Resampling.block ? frames &- done : Resampling.block
      resample(block, from: from &+ done, frames: part)
      done &+= part
      sourcePosition &+= part
    }
  }

  @_noLocks
  private mutating func resample(_ block: Block, from: Int, frames: Int) {
    guard let fed = resampling?.fed else { return }
    var channel = 0
    while channel < channels {
      let source = block.channel(places[channel]) + from &* block.stride
      let plane = fed + channel &* Resampling.block
      for frame in 0..<frames { plane[frame] = source[frame &* block.stride] }
      channel += 1
    }
    push(frames, most: Int.max)
  }

  /// Frames of `fed` through the filter.
  @_noLocks
  private mutating func push(_ frames: Int, most: Int) {
    guard let fed = resampling?.fed, let made = resampling?.made, let room = resampling?.room else { return }
    var channel = 0
    while channel < channels {
      (planes + channel).pointee = UnsafePointer(made + channel &* room)
      channel += 1
    }
    _ = resampling?.resampler.feed(fed, frames: frames, stride: 1, channelStride: Resampling.block)
    let limit = room < most ? room : most
    let count = resampling?.resampler.produce(into: made, limit: limit, stride: 1, channelStride: room) ?? 0
    if count > 0 { write(count, stride: 1) }
  }

  /// Frames of `planes` into the ring, all or none.
  @_noLocks
  private mutating func write(_ frames: Int, stride: Int) {
    let free = face.capacity &- (frame &- face.copied.pointee.load(ordering: .acquiring))
    guard free >= frames, position == frame &+ known || mark() else {
      dropped.add(frames, ordering: .relaxed)
      position &+= frames
      cause = .disk
      return
    }
    let first = frame & (face.capacity &- 1)
    let untilEnd = face.capacity &- first
    let head = frames < untilEnd ? frames : untilEnd
    var highest: Float = 0
    var channel = 0
    while channel < channels {
      let plane = (planes + channel).pointee
      for frame in 0..<frames {
        let size = plane[frame &* stride].magnitude
        highest = size > highest ? size : highest
      }
      let place = channel &* sampleBytes
      SamplePacking.pack(
        samples, from: plane, stride: stride, frames: head, into: face.samples + (first &* face.frameBytes &+ place),
        step: face.frameBytes)
      if frames > head {
        SamplePacking.pack(
          samples, from: plane + head &* stride, stride: stride, frames: frames &- head, into: face.samples + place,
          step: face.frameBytes)
      }
      channel += 1
    }
    frame &+= frames
    position &+= frames
    face.written.pointee.store(frame, ordering: .releasing)
    raise(highest)
  }

  /// Frames of gaps that have been told: what position is ahead of the frames.
  private var known = 0

  /// Tells of the gap before the next frame.
  @_noLocks
  private mutating func mark() -> Bool {
    let news = GapMark(frame: frame, position: position, cause: cause.code, time: renderNow().nanoseconds)
    guard face.mark(news) else { return false }
    gaps.add(1, ordering: .relaxed)
    gapFrames.add(position &- frame &- known, ordering: .relaxed)
    known = position &- frame
    return true
  }

  @_noLocks
  private func raise(_ level: Float) {
    guard level > Float(bitPattern: peak.load(ordering: .relaxed)) else { return }
    peak.store(level.bitPattern, ordering: .relaxed)
  }

  /// At the end, when no block comes any more: how far it got, and what is to be told of a gap at the end.
  /// Thread: control, after render.
  var end: (frame: Int, position: Int, cause: GapCause) { (frame, position, cause) }

  /// Whether anything has come. Thread: control, after render.
  var hasBegun: Bool { isRunning }
}
