import AudioCore

/// A block that a fade keeps, planar, with what was known about it. Thread: render, but for its life.
struct BlendBlock: ~Copyable {
  let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let samples: UnsafeMutablePointer<Float>
  private(set) var frames = 0
  private(set) var channels = 0
  private(set) var time = HostTime(nanoseconds: 0)
  private(set) var position: Int64 = 0
  private(set) var quantum = 0
  private(set) var layout = ChannelLayout.stereo
  private(set) var flags = CycleFlags.none
  /// It has not been passed on.
  var isFull = false

  private static let longest = 8192

  init() {
    let limit = ChannelLayout.limit
    samples = .allocate(capacity: Self.longest * limit)
    planes = .allocate(capacity: limit)
    for channel in 0..<limit { (planes + channel).initialize(to: samples + channel * Self.longest) }
  }

  deinit {
    samples.deallocate()
    planes.deallocate()
  }

  @_noLocks
  static func fits(_ cycle: Cycle) -> Bool { cycle.frames <= longest }

  @_noLocks
  mutating func keep(_ cycle: Cycle) {
    isFull = Self.fits(cycle)
    guard isFull else { return }
    let stride = cycle.input.stride
    frames = cycle.frames
    channels = 0
    // No layout has more channels than there are planes.
    while channels < cycle.input.channelCount {
      let from = cycle.input.channel(channels)
      let into = planes[channels]
      for frame in 0..<frames { into[frame] = from[frame &* stride] }
      channels += 1
    }
    time = cycle.time
    position = cycle.position
    quantum = cycle.quantum
    layout = cycle.layout
    flags = cycle.flags
  }

  /// From here on it is the other's, but for the samples.
  @_noLocks
  mutating func takeFacts(of other: UnsafeMutablePointer<BlendBlock>) {
    time = other.pointee.time
    position = other.pointee.position
    quantum = other.pointee.quantum
    layout = other.pointee.layout
    flags = other.pointee.flags
  }

  @_noLocks
  func matches(_ other: UnsafeMutablePointer<BlendBlock>) -> Bool {
    frames == other.pointee.frames && channels == other.pointee.channels
  }
}
