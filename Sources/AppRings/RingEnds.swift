public import AudioCore

/// The end from which a graph reads what an application plays. There is one at a time; another graph can have it once this
/// one is gone.
public struct RingReader: ~Copyable, @unchecked Sendable {
  private let owner: Unmanaged<SharedRing>
  private let state: UnsafeMutablePointer<RingInput>
  public let channels: Int
  public let rate: SampleRate

  init(_ owner: Unmanaged<SharedRing>, _ state: UnsafeMutablePointer<RingInput>, _ format: RingFormat) {
    self.owner = owner
    self.state = state
    channels = format.channels
    rate = format.rate
  }

  /// Thread: any but render.
  deinit { SharedRing.giveBack(owner) }

  /// Fills `frames` frames of each of the ring's channels, with silence where there is no sound. `now` is written beside
  /// the position, for the application, and `period`: a graph that reads its period in pieces says how long all of it is.
  /// Thread: render.
  @_noLocks
  public func read(
    into planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int, period: Int = 0, now: HostTime
  ) {
    state.pointee.read(planes, frames, period > frames ? period : frames, now)
  }

  /// Thread: render.
  public var sight: RingSight { @_noLocks get { state.pointee.sight } }
}

/// The end to which a graph writes what an application records. There is one at a time.
public struct RingWriter: ~Copyable, @unchecked Sendable {
  private let owner: Unmanaged<SharedRing>
  private let state: UnsafeMutablePointer<RingOutput>
  public let channels: Int
  public let rate: SampleRate

  init(_ owner: Unmanaged<SharedRing>, _ state: UnsafeMutablePointer<RingOutput>, _ format: RingFormat) {
    self.owner = owner
    self.state = state
    channels = format.channels
    rate = format.rate
  }

  /// Thread: any but render.
  deinit { SharedRing.giveBack(owner) }

  /// Takes `frames` frames of each of the ring's channels; what does not fit is lost and counted. `period` and `now` as
  /// for a reader. Thread: render.
  @_noLocks
  public func write(
    from planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int, period: Int = 0, now: HostTime
  ) {
    state.pointee.write(planes, frames, period > frames ? period : frames, now)
  }

  /// Thread: render.
  public var sight: RingSight { @_noLocks get { state.pointee.sight } }
}
