import AudioCore
import AudioIO
import Policy
import Wiring

/// The processed sink as the user's default, where that is wanted: what begins to play is processed from its first sample,
/// and does not have to be moved.
extension RoutingRoom {
  static func sinkDefault(_ lease: DefaultDeviceLease, say: @escaping (OwnDefault.News) -> Void) -> OwnDefault {
    OwnDefault(
      policy: OwnDefaultPolicy(device: sinkName(BusDescription.processed), mode: .never), lease: lease, for: "routing",
      say: say)
  }

  /// One of our own sinks is what the session manager gives to who names none.
  var isDefaultOurs: Bool { book.sinks.contains { $0.isOurs && $0.isDefault } }

  /// The default is ours, or will be as soon as the server has answered.
  private var isClaimed: Bool {
    switch sinkDefault?.standing {
    case .claimed, .lingering: true
    case .idle, .waiting, .yielded, nil: false
    }
  }

  /// Where a stream goes that is not to be processed: with the default to ours, its sink has to be named.
  var unprocessed: String? { isClaimed || isDefaultOurs ? realSink?.name : nil }

  /// Brings the wish in line with the profile in use. To be called after each change of either.
  func attendDefault() {
    guard let sinkDefault else { return }
    let now = renderNow()
    sinkDefault.deviceChanged(isPresent: running(BusDescription.processed) != nil, at: now)
    // A choice of the user's outlives a session that has the default for a while.
    if isSuspended, sinkDefault.standing == .yielded { return }
    let isWanted = makesDefault && effective != nil && !overlay.isBypassed && !isSuspended
    let wasClaimed = isClaimed
    sinkDefault.set(isWanted ? .always : .never, at: now)
    remember()
    if isClaimed != wasClaimed { routeAll() }
  }

  /// Twice a second.
  func stepDefault() {
    attendDefault()
    let wasClaimed = isClaimed
    sinkDefault?.step(at: renderNow())
    remember()
    if isClaimed != wasClaimed { routeAll() }
  }

  /// After a start that found ours to be the default, what it stands in for is in the lease.
  private func remember() {
    if let real = realSink?.name, let lastRealSink, real != lastRealSink { sinksChanged() }
  }
}
