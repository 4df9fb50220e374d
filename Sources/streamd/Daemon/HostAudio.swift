import AudioCore
import AudioIO
import Control
import Glibc
import Leases
import Wiring

/// What the host plays while clients listen: carries out `HostAudioPolicy` with a sink of our own and a lease on the
/// user's default.
@ControlActor
final class HostAudio {
  /// Node name of our own sink: what the user sees and what the lease makes the default.
  static let sinkName = "streamd"

  private var policy = HostAudioPolicy()
  private var lease: DefaultSinkLease?
  private let log: Log
  private var lingering: LoopTimer?
  private var isClaimed = false
  private var isReturning = false
  /// Of our own sink while it exists; it stays a while after its last session.
  private(set) var sink: Downlink.Key?
  /// Called when the sink may go.
  var released: () -> Void = {}

  /// A client that reconnects within this time finds the sink as it was.
  private static let linger = HostDuration.seconds(5)

  init(lease: DefaultSinkLease?, log: Log) {
    self.lease = lease
    self.log = log
  }

  /// Where a session with that wish is captured: our sink, in the layout it has or in the session's own.
  func key(for wanted: Downlink.Key, layout: ChannelLayout, _ mode: HostAudioMode) -> Downlink.Key {
    guard HostAudioPolicy.hearsOwnSink(mode) else { return wanted }
    return sink
      ?? Downlink.Key(
        target: .named(Self.sinkName), quantum: wanted.quantum,
        ownSink: Downlink.OwnSink(name: Self.sinkName, layout: layout))
  }

  func opened(_ session: String, _ mode: HostAudioMode, source: Downlink.Key) {
    if HostAudioPolicy.hearsOwnSink(mode) { sink = source }
    carryOut(policy.handle(.opened(session: session, mode)))
  }

  func closed(_ session: String) { carryOut(policy.handle(.closed(session: session))) }

  func sinkChanged(isRunning: Bool) { carryOut(policy.handle(.sink(isRunning: isRunning))) }

  /// Twice a second: goes on with what the server has not answered yet.
  func step(at now: HostTime) {
    if let lease { say { () throws(LeaseError) in try lease.step(at: now) } }
    if isReturning, (lease?.unfinished ?? 0) == 0 {
      isReturning = false
      carryOut(policy.handle(.choiceReturned))
    }
  }

  /// Gives the default back before the process ends, as far as the server answers in time.
  func shutdown() {
    guard isClaimed || isReturning else { return }
    carryOut([.returnDefault])
    let end = renderNow() + .seconds(1)
    while let lease, lease.unfinished > 0, renderNow() < end {
      say { () throws(LeaseError) in try lease.step(at: renderNow()) }
      usleep(10_000)
    }
  }

  private func carryOut(_ actions: [HostAudioPolicy.Action]) {
    for action in actions {
      switch action {
      case .openSink: break
      case .closeSink:
        sink = nil
        released()
      case .claimDefault:
        isClaimed = true
        if let lease { say { () throws(LeaseError) in try lease.acquire(Self.sinkName, for: "sessions") } }
      case .returnDefault:
        isClaimed = false
        isReturning = true
        if let lease { say { () throws(LeaseError) in try lease.release(Self.sinkName, for: "sessions") } }
      case .linger:
        if let lingering { EventLoop.shared.cancel(lingering) }
        lingering = EventLoop.shared.schedule(after: .milliseconds(Self.linger.nanoseconds / 1_000_000)) {
          [weak self] in
          guard let self else { return }
          carryOut(policy.handle(.lingered))
        }
      }
    }
  }

  private func say(_ work: () throws(LeaseError) -> [LeaseNote]) {
    do throws(LeaseError) {
      for note in try work() { log.info("\(note)") }
    } catch {
      // What is in the ledger stays there for the next start.
      log.warning("\(error)")
    }
  }
}
