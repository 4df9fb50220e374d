import AudioCore
import AudioIO
import Control
import Leases
import OpusCodec
import Wiring

/// What host audio needs of whoever has the captures.
@ControlActor
protocol HostAudioStage: AnyObject {
  /// Opened where it does not exist.
  func downlink(for key: Downlink.Key) throws(ControlError) -> Downlink
  func releaseUnused()
  /// Sessions that follow the default hear another sink.
  func followDefault()
}

/// What the host plays while clients listen: carries out `HostAudioPolicy` with a sink of our own, a lease on the user's
/// default and a copy that a real sink plays.
@ControlActor
final class HostAudio {
  /// Node name of our own sink: what the user sees and what the lease makes the default.
  static let sinkName = "streamd"

  private var policy = HostAudioPolicy()
  private let lease: DefaultDeviceLease?
  private let choice: any DefaultDeviceChoice
  private let backend: any AudioBackend
  private let log: Log
  private var lingering: LoopTimer?
  private var isClaimed = false
  private var isReturning = false
  /// Of our own sink while it exists; it stays a while after its last session.
  private(set) var sink: Downlink.Key?
  private(set) var copy: SinkCopy?
  /// The sink that was the default last, not counting ours.
  private var realSink: String?
  weak var stage: (any HostAudioStage)?

  /// A client that reconnects within this time finds the sink as it was.
  private static let linger = HostDuration.seconds(5)
  /// A copy is stopped when it has faded out.
  private static let fade = HostDuration.milliseconds(40)

  init(lease: DefaultDeviceLease?, choice: any DefaultDeviceChoice, backend: any AudioBackend, log: Log) {
    self.lease = lease
    self.choice = choice
    self.backend = backend
    self.log = log
    choice.observe { state in
      EventLoop.shared.post { [weak self] in self?.shown(state) }
    }
  }

  /// What a session with that wish is there for: the default, another sink, or our own in the layout it has or in the
  /// session's own.
  func source(for wanted: Downlink.Key, layout: ChannelLayout, _ mode: HostAudioMode) -> Downlink.Key {
    guard wanted.bus == nil else { return wanted }
    guard !mode.followsDefault else {
      var wanted = wanted
      // The copy is of the default sink, so that is what is heard.
      if mode == .mirror { wanted.target = .defaultSink }
      return wanted
    }
    return ownSink(like: wanted, layout: layout)
  }

  /// What it hears now: a session that follows the default hears our own sink while that is it.
  func heard(for source: Downlink.Key, _ mode: HostAudioMode) -> Downlink.Key {
    guard mode.followsDefault, source.bus == nil, source.target == .defaultSink, policy.isDefault, let sink else {
      return source
    }
    return sink
  }

  private func ownSink(like wanted: Downlink.Key, layout: ChannelLayout) -> Downlink.Key {
    sink
      ?? Downlink.Key(
        target: .named(Self.sinkName), quantum: wanted.quantum,
        ownSink: Downlink.OwnSink(name: Self.sinkName, layout: layout))
  }

  func opened(_ session: StreamSession) {
    let spec = session.spec
    if spec.hostAudio.needsSink { sink = ownSink(like: spec.source, layout: spec.configuration.layout) }
    carryOut(policy.handle(.opened(session: session.identifier, spec.hostAudio)))
  }

  /// Our own sink is what the desktop plays into.
  var hasDefault: Bool { policy.isDefault }

  func closed(_ session: String) { carryOut(policy.handle(.closed(session: session))) }

  func sinkChanged(isRunning: Bool) { carryOut(policy.handle(.sink(isRunning: isRunning))) }

  private func shown(_ state: DefaultDeviceState) {
    // A server that went says nothing about what will be the default when it is back.
    guard let name = state.effective else { return }
    // What our own buses play reaches a real sink anyway; a copy of a bus would be heard twice.
    if name != Self.sinkName, !RoutingRoom.isSinkName(name) {
      realSink = name
      attempt { () throws(BackendError) in try copy?.prefer(name) }
    }
    carryOut(policy.handle(.defaultSink(isOurs: name == Self.sinkName)))
  }

  /// Twice a second: goes on with what the server has not answered yet.
  func step(at now: HostTime) {
    copy?.reclaim()
    if let lease { say { () throws(LeaseError) in try lease.step(at: now) } }
    if isReturning, (lease?.unfinished ?? 0) == 0 {
      isReturning = false
      carryOut(policy.handle(.choiceReturned))
    }
  }

  /// Gives the default back before the process ends, as far as the server answers in time.
  func shutdown() {
    choice.observe(nil)
    defer {
      copy?.stop()
      copy = nil
    }
    guard isClaimed || isReturning else { return }
    carryOut([.returnDefault])
    if let lease { say { () throws(LeaseError) in try lease.finish(within: .seconds(1)) } }
  }

  private func carryOut(_ actions: [HostAudioPolicy.Action]) {
    for action in actions {
      switch action {
      case .openSink: _ = sinkDownlink()
      case .closeSink:
        sink = nil
        stage?.releaseUnused()
      case .claimDefault:
        isClaimed = true
        if let lease { say { () throws(LeaseError) in try lease.acquire(Self.sinkName, for: "sessions") } }
      case .returnDefault:
        isClaimed = false
        isReturning = true
        if let lease { say { () throws(LeaseError) in try lease.release(Self.sinkName, for: "sessions") } }
      case .openCopy: openCopy()
      case .closeCopy: closeCopy()
      case .follow: stage?.followDefault()
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

  private func sinkDownlink() -> Downlink? {
    guard let sink, let stage else { return nil }
    do throws(ControlError) {
      return try stage.downlink(for: sink)
    } catch {
      log.warning("our own sink: \(error)")
      return nil
    }
  }

  private func openCopy() {
    guard let downlink = sinkDownlink() else { return }
    attempt { () throws(BackendError) in
      copy = try SinkCopy(
        of: downlink, on: backend,
        as: SinkCopy.Face(
          name: "streamd.copy", description: "Game stream, heard here as well", quantum: downlink.key.quantum,
          group: downlink.key.ownSink?.name), preferring: realSink)
    }
  }

  private func closeCopy() {
    guard let copy else { return }
    self.copy = nil
    copy.quiet()
    EventLoop.shared.schedule(after: .milliseconds(Self.fade.nanoseconds / 1_000_000)) { copy.stop() }
  }

  private func attempt(_ work: () throws(BackendError) -> Void) {
    do throws(BackendError) { try work() } catch { log.warning("copy of our own sink: \(error)") }
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
