import AudioCore
import AudioIO
import Control
import Wiring

/// A capture with what has been said about it: decides which changes are worth a line.
@ControlActor
final class DownlinkEntry {
  struct Line {
    var text: String
    var isTrouble: Bool
  }

  let downlink: Downlink
  private(set) var state = StreamState.stopped
  private(set) var since = renderNow()
  var incidents = Downlink.Incidents()
  private(set) var heals = HealWatch()

  private var silentSince: HostTime?
  private var hasSpoken = false
  private var lastSaid: BackendError?

  /// Joining the graph takes a moment; it is no trouble unless it lasts.
  private static let patience = HostDuration.milliseconds(400)

  init(downlink: Downlink) { self.downlink = downlink }

  func enter(_ new: StreamState, at now: HostTime) -> Line? {
    guard new != state else { return nil }
    state = new
    since = now
    switch new {
    case .stopped: return nil
    case .running(let device):
      defer {
        silentSince = nil
        hasSpoken = false
        lastSaid = nil
      }
      let gap = silentSince.map { " after \(Int((now - $0).milliseconds)) ms" } ?? ""
      return Line(text: "hearing \"\(device)\"\(gap)", isTrouble: false)
    case .waiting(let error):
      if silentSince == nil { silentSince = now }
      guard error.code != .starting else { return nil }
      return speak(error)
    }
  }

  /// What the state of now completes, after `enter`.
  func heal(_ state: StreamState, at now: HostTime) -> HealRecord? { heals.enter(state, at: now) }

  /// A start that takes longer than it should.
  func overdue(at now: HostTime) -> Line? {
    guard case .waiting(let error) = state, error.code == .starting, let silentSince, !hasSpoken,
      now - silentSince > Self.patience
    else { return nil }
    return speak(error)
  }

  private func speak(_ error: BackendError) -> Line? {
    guard lastSaid != error else { return nil }
    lastSaid = error
    hasSpoken = true
    return Line(text: "silent, \(error)", isTrouble: true)
  }
}
