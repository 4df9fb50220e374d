import AudioCore
import AudioIO
import Synchronization
import VirtualMic

/// A source of ours in the graph as one of the pump's devices.
///
/// The stream under it comes back by itself when a server does, within fractions of a second and under the same name, so
/// that recorders which wait for that name find it. The pump's law stands behind that, for a stream that cannot be opened.
/// Thread: the pump's, but for `facts` and `setMuted`.
final class SourceMicrophone: LanedMicrophone {
  private let feed: SourceFeed
  private let stream: any AudioStream
  private let lanes = Mutex<[TalkerID: ReportedLane]>([:])
  /// For who pushes without saying who talks.
  private static let nobody = TalkerID(.max)

  init(
    backend: any AudioBackend, name: String, description: String, channels: Int,
    changed: @escaping @Sendable (StreamState) -> Void
  ) throws(BackendError) {
    feed = SourceFeed(channels: channels)
    let request = StreamRequest(
      role: .virtualSource, name: name, description: description, layout: channels == 1 ? .mono : .stereo)
    stream = try backend.open(request, client: feed) { event in
      if case .state(let state) = event { changed(state) }
    }
    try stream.start()
  }

  deinit { stream.stop() }

  var channels: Int { feed.channels }
  var isAlive: Bool { feed.isAlive }

  func push(_ samples: UnsafeBufferPointer<Float>) -> Bool {
    if let lane = lanes.withLock({ $0[Self.nobody] }) { return lane.push(samples) }
    return openLane(for: Self.nobody)?.push(samples) ?? isAlive
  }

  func discard() {
    for lane in lanes.withLock({ Array($0.values) }) { lane.discard() }
  }

  func openLane(for talker: TalkerID) -> (any VirtualMicrophone)? {
    guard let lane = feed.openLane() else { return nil }
    let reported = ReportedLane(lane)
    lanes.withLock { $0[talker] = reported }
    return reported
  }

  func closeLane(for talker: TalkerID) {
    guard let lane = lanes.withLock({ $0.removeValue(forKey: talker) }) else { return }
    feed.closeLane(lane.lane)
  }

  // MARK: Thread: any

  /// Silent within a cycle, whatever is still on its way.
  func setMuted(_ muted: Bool) { feed.setMuted(muted) }

  var facts: Uplink.DeviceFacts {
    Uplink.DeviceFacts(stream: stream.report, feed: feed.report)
  }

  /// How loud the source is. One reader at a time.
  var gauge: LevelGauge { feed.gauge }

  func lane(of talker: TalkerID) -> LaneReport? { lanes.withLock { $0[talker]?.report } }
}

/// A lane whose facts can be read while it is used.
/// Thread: the pump's, but for `report`.
private final class ReportedLane: VirtualMicrophone {
  let lane: SourceLane
  private let published: Mutex<LaneReport>

  init(_ lane: SourceLane) {
    self.lane = lane
    published = Mutex(lane.report)
  }

  /// Thread: any.
  var report: LaneReport { published.withLock { $0 } }

  var channels: Int { lane.channels }
  var isAlive: Bool { lane.isAlive }

  func push(_ samples: UnsafeBufferPointer<Float>) -> Bool {
    let lives = lane.push(samples)
    let report = lane.report
    published.withLock { $0 = report }
    return lives
  }

  func discard() { lane.discard() }
}
