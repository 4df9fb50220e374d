import AudioCore
import AudioIO
import CLinux
import Synchronization

/// Keeps a stream supplied with a device: opens it when it is there, lets go of it when it is lost, tries again.
///
/// Each opened device has a device thread beside the supervisor's.
final class DeviceKeeper: StreamKeeper, @unchecked Sendable {
  private let pcm: String
  private let configuration: PCMConfiguration
  private let request: StreamRequest
  private let client: RenderClient
  private let facts: UnsafeMutablePointer<DeviceFacts>

  // Supervisor thread; kept from one to the next.
  private var position: Int64 = 0
  private var lastTime = HostTime(nanoseconds: Int64.min)

  /// A device that is open and has not moved by then is worth a word.
  private static let settling = HostDuration.milliseconds(250)

  init(
    pcm: String, configuration: PCMConfiguration, request: StreamRequest, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.pcm = pcm
    self.configuration = configuration
    self.request = request
    self.client = client
    facts = .allocate(capacity: 1)
    facts.initialize(to: DeviceFacts())
    super.init(events: events)
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
    report.scheduling = facts.pointee.scheduling
    report.clockPPM = facts.pointee.clockPPM
    return report
  }

  // MARK: Thread: supervisor

  override func prepare() { _ = clinux_thread_setup("streamd-pcm", 0) }

  /// Opens the device and stays with it; why it ended.
  override func live() throws(BackendError) -> BackendError {
    let isPlayback = request.role.kind == .playback
    let pcm = try PCM(self.pcm, configuration: configuration, isPlayback: isPlayback, request: request)
    let format = StreamFormat(rate: request.rate, layout: request.layout ?? pcm.terms.channels.layout)
    enter(format)
    status.withLock { $0.terms = pcm.terms.summary }
    guard
      let loop = DeviceLoop(
        pcm: pcm, format: format, client: client, facts: facts, news: news, position: position, lastTime: lastTime)
    else { throw BackendError(.deviceLost, "no thread for the PCM \"\(self.pcm)\"") }
    stay(with: loop)
    let (failure, position, lastTime) = loop.end()
    (self.position, self.lastTime) = (position, lastTime)
    return failure ?? BackendError(.deviceLost, "the PCM \"\(self.pcm)\" was let go")
  }

  private func stay(with loop: DeviceLoop) {
    let deadline = renderNow() + Self.settling
    var isRunning = false
    while !isStopping && !loop.hasEnded {
      let ticket = news.ticket
      if !isRunning && facts.pointee.hasMoved.load(ordering: .acquiring) {
        isRunning = true
        plan.connected(at: renderNow())
        announce(.running(device: pcm))
      }
      guard !isStopping && !loop.hasEnded else { return }
      let isLate = renderNow() >= deadline
      if isLate && !isRunning { wait(announcing: BackendError(.starting, "waiting for the PCM \"\(pcm)\" to run")) }
      news.wait(since: ticket, until: isRunning || isLate ? nil : deadline)
    }
  }
}
