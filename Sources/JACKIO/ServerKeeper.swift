import AudioCore
import AudioIO
import CLinux
import Glibc
import Synchronization

/// Keeps a stream in a server: joins when there is one, leaves when it is lost, tries again.
///
/// The library has its own threads beside the supervisor's. A server that is frozen keeps `stop` waiting: the library asks
/// it for leave and has no limit for the answer.
final class ServerKeeper: StreamKeeper, @unchecked Sendable {
  private let server: String
  private let target: String?
  private let request: StreamRequest
  private let client: RenderClient
  private let facts: UnsafeMutablePointer<ServerFacts>

  // Supervisor thread; kept from one to the next.
  private var position: Int64 = 0
  private var lastTime = HostTime(nanoseconds: Int64.min)

  /// A server that runs us and has not called by then is worth a word.
  private static let settling = HostDuration.milliseconds(250)
  /// A client that leaves disconnects its ports before it takes them away, and one that comes makes them before they can
  /// be connected: what is wrong in between is no news.
  private static let passing = HostDuration.milliseconds(100)
  /// How soon it is looked at again.
  private static let glance = HostDuration.milliseconds(10)
  /// A server that has run no cycle for so long stands still, whatever it says.
  private static let patience = HostDuration.seconds(2)

  init(
    server: String, target: String?, request: StreamRequest, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.server = server
    self.target = target
    self.request = request
    self.client = client
    facts = .allocate(capacity: 1)
    super.init(events: events)
    facts.initialize(
      to: ServerFacts(streamRate: request.rate, news: news.renderFace, gone: JACKLibrary.goneMark))
  }

  deinit {
    facts.deinitialize(count: 1)
    facts.deallocate()
  }

  override var report: StreamReport {
    var report = super.report
    report.quantum = facts.pointee.quantum.load(ordering: .relaxed)
    report.graphRate = facts.pointee.rate.load(ordering: .relaxed)
    report.cycles = facts.pointee.cycles.load(ordering: .relaxed)
    report.xruns = facts.pointee.xruns.load(ordering: .relaxed)
    report.clockPPM = facts.pointee.clockPPM
    return report
  }

  // MARK: Thread: supervisor

  override func prepare() {
    _ = clinux_thread_setup("streamd-jack", 0)
    // The library writes to sockets whose server may be gone.
    var pipe = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipe, nil)
  }

  /// Joins the server and stays; why it ended.
  override func live() throws(BackendError) -> BackendError {
    let own = try PortClient(server: server, target: target, request: request, client: client, facts: facts)
    defer { if let end = own.close() { (position, lastTime) = end } }
    let format = StreamFormat(rate: request.rate, layout: request.layout ?? own.targetLayout)
    enter(format)
    try own.start(format: format, position: position, lastTime: lastTime)
    return stay(with: own)
  }

  private func stay(with own: PortClient) -> BackendError {
    plan.connected(at: renderNow())
    var watch = CycleWatch(patience: Self.patience, at: renderNow())
    var unlinked: (code: BackendError.Code, since: HostTime)?
    while !isStopping {
      let ticket = news.ticket
      guard !facts.pointee.isLost.load(ordering: .acquiring) else { return ServerFailure.gone(server) }
      let now = renderNow()
      var deadline = now + Self.patience / 2
      let found = own.look(at: now)
      describe(own)
      switch found {
      case .failure(let error):
        watch.rest(at: now)
        if unlinked?.code != error.code { unlinked = (error.code, now) }
        let since = unlinked?.since ?? now
        if error.recovery != .retrySoon {
          deadline = now + .seconds(60)
          wait(announcing: error)
        } else if now - since < Self.passing {
          deadline = now + Self.glance
        } else {
          wait(announcing: error)
        }
      case .success(let device):
        unlinked = nil
        switch watch.look(
          cycles: facts.pointee.cycles.load(ordering: .relaxed),
          hasMoved: facts.pointee.hasMoved.load(ordering: .acquiring), at: now)
        {
        case .moving: announce(.running(device: device))
        case .awaited:
          deadline = watch.since + Self.settling
          if now >= deadline {
            wait(announcing: BackendError(.starting, "waiting for the JACK server \"\(server)\" to run us"))
            deadline = now + Self.patience / 2
          }
        case .stalled:
          // The next cycle wakes us.
          facts.pointee.hasMoved.store(false, ordering: .relaxed)
          wait(announcing: BackendError(.deviceLost, "the JACK server \"\(server)\" stands still"))
        }
      }
      guard !isStopping else { break }
      news.wait(since: ticket, until: deadline)
    }
    return ServerFailure.gone(server)
  }

  private func describe(_ own: PortClient) {
    let rate = facts.pointee.rate.load(ordering: .relaxed)
    let wheel = facts.pointee.isFreewheeling.load(ordering: .relaxed) ? ", freewheeling" : ""
    let terms = "server \"\(server)\", \(own.connectedPorts) of \(own.portCount) ports, \(rate) Hz\(wheel)"
    let scheduling = facts.pointee.scheduling
    status.withLock { ($0.terms, $0.scheduling) = (terms, scheduling) }
  }
}
