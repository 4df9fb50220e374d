import AudioCore
import Synchronization
import VirtualMic

/// Feeds that are no source of their own but hear what talkers say, as one of the pump's devices each.
final class Listeners: Sendable {
  private struct State {
    var opened = 0
    var feeds: [String: Weak] = [:]
    /// What each talker is called.
    var names: [TalkerID: Set<String>] = [:]
    var isMuted = false
  }

  private struct Weak {
    weak var feed: SourceFeed?
  }

  private let state = Mutex(State())

  /// A name for the pump.
  func add(_ feed: SourceFeed) -> String {
    let (name, isMuted) = state.withLock { state in
      state.opened += 1
      let name = "graph \(state.opened)"
      state.feeds[name] = Weak(feed: feed)
      return (name, state.isMuted)
    }
    feed.setMuted(isMuted)
    return name
  }

  func remove(_ name: String) { state.withLock { $0.feeds[name] = nil } }

  func setMuted(_ muted: Bool) {
    let feeds = state.withLock { state in
      state.isMuted = muted
      return state.feeds.values.compactMap(\.feed)
    }
    for feed in feeds { feed.setMuted(muted) }
  }

  // MARK: Names. Thread: any

  func call(_ talker: TalkerID, _ names: Set<String>) { state.withLock { $0.names[talker] = names } }
  func forget(_ talker: TalkerID) { state.withLock { $0.names[talker] = nil } }
  /// Nil while nobody has said what it is called.
  func names(of talker: TalkerID) -> Set<String>? { state.withLock { $0.names[talker] } }
}

/// A listener as the pump sees it.
/// Thread: the pump's.
final class ListeningMicrophone: LanedMicrophone, @unchecked Sendable {
  private let feed: SourceFeed
  private let listeners: Listeners
  private let choice: VoiceChoice
  private var lanes: [TalkerID: ListeningLane] = [:]

  init(_ feed: SourceFeed, _ listeners: Listeners, _ choice: VoiceChoice) {
    self.feed = feed
    self.listeners = listeners
    self.choice = choice
  }

  var channels: Int { feed.channels }
  var isAlive: Bool { true }

  /// Nobody talks without a name here.
  func push(_ samples: UnsafeBufferPointer<Float>) -> Bool { true }
  func discard() { for lane in lanes.values { lane.discard() } }

  func openLane(for talker: TalkerID) -> (any VirtualMicrophone)? {
    let lane = ListeningLane(feed) { [listeners, choice] in choice.wants(listeners.names(of: talker)) }
    lanes[talker] = lane
    return lane
  }

  func closeLane(for talker: TalkerID) { lanes.removeValue(forKey: talker)?.close() }
}

/// Whose voices a listener hears.
struct VoiceChoice: Sendable {
  /// An identifier or a name; empty for all.
  var only: String
  var except: String

  /// Who has no name yet is not heard where somebody is left out: it may be that one.
  func wants(_ names: Set<String>?) -> Bool {
    if only.isEmpty && except.isEmpty { return true }
    guard let names else { return false }
    return (only.isEmpty || names.contains(only)) && (except.isEmpty || !names.contains(except))
  }
}

/// One talker's way into a listener's feed; of one that is not wanted nothing is kept.
/// Thread: the pump's.
private final class ListeningLane: VirtualMicrophone, @unchecked Sendable {
  private let feed: SourceFeed
  private let isWanted: () -> Bool
  private var lane: SourceLane?

  init(_ feed: SourceFeed, _ isWanted: @escaping () -> Bool) {
    self.feed = feed
    self.isWanted = isWanted
  }

  var channels: Int { feed.channels }
  var isAlive: Bool { true }

  func push(_ samples: UnsafeBufferPointer<Float>) -> Bool {
    guard isWanted() else {
      close()
      return true
    }
    if lane == nil { lane = feed.openLane() }
    return lane?.push(samples) ?? true
  }

  func discard() { lane?.discard() }

  func close() {
    guard let lane else { return }
    feed.closeLane(lane)
    self.lane = nil
  }
}
