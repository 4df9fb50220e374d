public import AudioCore

/// What applications play, and what can be done with it.
///
/// The book only carries out: who is routed where is a policy's to decide, and what is changed is changed under a lease
/// (`AppStreamLease`), for it is the user's.
public protocol AppStreamBook: AnyObject, Sendable {
  /// The server that these streams live on, so that a record of one is never held against another server.
  var place: String { get }
  /// Tells one life of the server from the next, in which numbers begin anew; nil while none answers. Thread: any.
  var instance: String? { get }
  /// A session manager is there and has told what it knows: streams can be moved, and their targets are what they seem.
  /// Thread: any.
  var isReady: Bool { get }
  /// All streams of applications, oldest first; nil while no server answers or its listing is not complete.
  /// Thread: any.
  var streams: [AppStream]? { get }
  /// All sinks, in order of their age. Thread: any.
  var sinks: [SinkFacts] { get }
  /// Thread: any.
  func links(of stream: AppStream.ID) -> [AppStreamLink]
  /// Calls `changed` with everything there is, and from then on with what has changed, on the backend's thread, until
  /// replaced by another or by nil. Changes of one moment come as one. Must not wait.
  /// Thread: any.
  func observe(_ changed: (@Sendable (AppStreamChange) -> Void)?)

  /// Sends a stream to the sink of that name, at once where it plays; nil restores what was said before the first of
  /// these, if it is still ours that stands.
  ///
  /// What is told is told: that it has happened is seen in `AppStream.target` and `sinks`.
  /// Thread: any.
  func route(_ stream: AppStream.ID, to sink: String?) throws(BackendError)
  /// Writes the raw `target.object`, or removes it: to put one back as it was. Thread: any.
  func setTarget(_ stream: AppStream.ID, object: String?) throws(BackendError)
  /// As many factors as the stream has volumes, from 0 to 1 where nothing is to be made louder. Thread: any.
  func setVolumes(_ stream: AppStream.ID, _ volumes: [Float]) throws(BackendError)
  /// Measures what a stream plays, beside it. Thread: any.
  func tap(_ stream: AppStream.ID) throws(BackendError) -> any AppStreamTap
}

/// What has changed at one moment. `removed` comes first: a program that starts its stream anew is another stream.
public struct AppStreamChange: Sendable, Equatable {
  public var removed: [AppStream.ID] = []
  public var added: [AppStream] = []
  public var changed: [AppStream] = []
  /// All sinks, when anything about them has changed.
  public var sinks: [SinkFacts]?
  /// The server or its session manager has gone or come. Without a session manager nothing is routed by it.
  public var isReady: Bool

  public init(
    removed: [AppStream.ID] = [], added: [AppStream] = [], changed: [AppStream] = [], sinks: [SinkFacts]? = nil,
    isReady: Bool = true
  ) {
    self.removed = removed
    self.added = added
    self.changed = changed
    self.sinks = sinks
    self.isReady = isReady
  }
}

/// What one cycle of a tapped stream was like, after its own volume.
@frozen
public struct AppLevel: Sendable, Equatable, BitwiseCopyable {
  public var time: HostTime
  public var frames: Int
  public var rate: Int
  public var channels: Int
  /// Largest magnitude of each channel.
  public var peaks: SIMD8<Float>
  /// Mean square of each channel.
  public var squares: SIMD8<Float>

  @_noLocks @inlinable
  public init(
    time: HostTime, frames: Int, rate: Int, channels: Int, peaks: SIMD8<Float>, squares: SIMD8<Float>
  ) {
    self.time = time
    self.frames = frames
    self.rate = rate
    self.channels = channels
    self.peaks = peaks
    self.squares = squares
  }
}

/// A measurement of one stream, cycle by cycle, while sound flows. It costs the graph a node while it is there, keeps no
/// device awake and changes nobody's latency.
public protocol AppStreamTap: AnyObject, Sendable {
  var stream: AppStream.ID { get }
  /// What has been measured since the last call, oldest first; the oldest are dropped when nobody asks for long.
  /// Thread: control.
  func drain() -> [AppLevel]
  /// Measurements that were dropped so far.
  var dropped: UInt64 { get }
  /// Thread: control.
  func stop()
}
