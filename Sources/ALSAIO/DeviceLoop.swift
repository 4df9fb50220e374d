import AudioCore
import AudioIO
import CLinux
import Glibc
import Synchronization

/// The device thread: waits for an opened device, has a period rendered, passes it on. It ends when it is told to, or when
/// the device is not to be had any more.
///
/// Calls of ALSA stand between the render calls, never inside one.
final class DeviceLoop: @unchecked Sendable {
  private let pcm: PCM
  private let render: UnsafeMutablePointer<DeviceRender>
  private let client: RenderClient
  private let facts: UnsafeMutablePointer<DeviceFacts>
  /// Wakes whoever waits for `hasMoved` or the end.
  private let news: WakeSignal
  /// Wakes the device thread.
  private let call: Int32
  private let isTold = Atomic<Bool>(false)
  private let isOver = Atomic<Bool>(false)
  private var thread = pthread_t()
  // Device thread; control reads it after the join.
  private var failure: BackendError?
  private var isBroken = false
  private var isRefused = false
  private var restarts = 0

  /// Below the server's own data threads, above our encoders.
  private static let priority: Int32 = 10
  /// A device that has stood still for so long is not there, whatever it says; one that has yet to move gets longer.
  private var patience: HostDuration {
    facts.pointee.hasMoved.load(ordering: .relaxed) ? .seconds(1) : .seconds(3)
  }
  /// So many starts without a period after them, and starting again does not help.
  private static let restartLimit = 8
  /// How often a suspended device is asked.
  private static let doze = HostDuration.milliseconds(20)

  /// Takes the device over and starts. Thread: supervisor.
  init?(
    pcm: PCM, format: StreamFormat, client: RenderClient, facts: UnsafeMutablePointer<DeviceFacts>, news: WakeSignal,
    position: Int64, lastTime: HostTime
  ) {
    self.pcm = pcm
    self.client = client
    self.facts = facts
    self.news = news
    render = .allocate(capacity: 1)
    render.initialize(
      to: DeviceRender(
        client: Unmanaged.passUnretained(client), facts: facts, format: format, isPlayback: pcm.isPlayback,
        terms: pcm.terms, position: position, lastTime: lastTime))
    call = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    facts.pointee.hasMoved.store(false, ordering: .relaxed)
    facts.pointee.hasClock.store(false, ordering: .relaxed)
    guard call >= 0 else { return nil }
    let own = Unmanaged.passRetained(self)
    guard pthread_create(&thread, nil, deviceThreadMain, own.toOpaque()) == 0 else {
      own.release()
      return nil
    }
  }

  deinit {
    render.deinitialize(count: 1)
    render.deallocate()
    if call >= 0 { close(call) }
  }

  var hasEnded: Bool { isOver.load(ordering: .acquiring) }

  /// Waits until the thread has left the client for good. Once. Thread: supervisor.
  func end() -> (failure: BackendError?, position: Int64, lastTime: HostTime) {
    isTold.store(true, ordering: .releasing)
    var one: UInt64 = 1
    _ = write(call, &one, 8)
    pthread_join(thread, nil)
    return (failure, render.pointee.position, render.pointee.lastTime)
  }

  // MARK: Thread: device

  fileprivate func run() {
    let refused = clinux_thread_setup("streamd-alsa", Self.priority) != 0
    facts.pointee.priority.store(refused ? 0 : Int(Self.priority), ordering: .relaxed)
    let code = loop()
    if !isTold.load(ordering: .acquiring) { failure = code }
    isOver.store(true, ordering: .releasing)
    news.wake()
  }

  private func loop() -> BackendError {
    guard var pace = begin() else { return lost }
    var movedAt = renderNow()
    var inVain = 0
    while !isTold.load(ordering: .acquiring) {
      let condition = pcm.condition
      let now = renderNow()
      guard case .ready(let frames) = condition, !isRefused else {
        // What refuses although it said it was ready is broken too.
        guard recover(from: condition), let next = begin() else { return lost }
        // However long it took: from here on it has time to move.
        (pace, movedAt) = (next, renderNow())
        continue
      }
      switch pace.turn(isReady: frames >= pcm.terms.period.value, at: now) {
      case .at(let time):
        _ = pcm.wait(orFor: call, until: time, deviceToo: false)
      case .device:
        facts.pointee.hasClock.store(true, ordering: .relaxed)
        guard now - movedAt < patience else { return stuck }
        let waking = pcm.wait(orFor: call, until: movedAt + patience)
        // A device that keeps calling us for nothing is looked at four times a period.
        inVain = waking == .device || waking == .failed ? inVain + 1 : 0
        if inVain > 8 { nap(at: now) }
        if inVain > 4000 { return stuck }
      case .now:
        isRefused = !cycle(at: now, ready: frames)
        guard !isRefused else { continue }
        (movedAt, inVain) = (now, 0)
        (isBroken, restarts) = (false, 0)
        pace.passed(at: renderNow())
      }
    }
    return lost
  }

  private func nap(at now: HostTime) {
    let period = pcm.terms.period.duration(at: pcm.terms.rate)
    _ = pcm.wait(orFor: call, until: now + period / 4, deviceToo: false)
  }

  /// Starts the device on a buffer of silence: the client is called for the first time when the device has moved, and at
  /// its pace from the first period on.
  private func begin() -> Pace? {
    if pcm.isPlayback {
      lastCode = pcm.fill()
      guard lastCode >= 0 else { return nil }
    }
    lastCode = pcm.start()
    // An empty device may have started by itself.
    guard lastCode >= 0 || lastCode == -EBADFD else { return nil }
    return Pace(period: pcm.terms.period, rate: pcm.terms.rate, startedAt: renderNow())
  }

  private var lastCode: Int32 = 0

  /// False when it broke: the next look at the device says how.
  private func cycle(at now: HostTime, ready: Int) -> Bool {
    if pcm.isPlayback {
      render.pointee.renderPeriod(at: now, queued: pcm.terms.buffer.value - ready)
      lastCode = pcm.write(render)
    } else {
      lastCode = pcm.read(render)
      if lastCode >= 0 { render.pointee.renderRecorded(pcm.terms.period.value, at: now, waiting: ready) }
    }
    if lastCode >= 0, !facts.pointee.hasMoved.load(ordering: .relaxed) {
      facts.pointee.hasMoved.store(true, ordering: .releasing)
      news.wake()
    }
    return lastCode >= 0
  }

  /// One break, counted once however often it takes to start again: the device is stopped, and what comes next begins anew.
  private func recover(from condition: PCM.Condition) -> Bool {
    if case .failed(let code) = condition {
      lastCode = code
      return false
    }
    isRefused = false
    if !isBroken {
      isBroken = true
      facts.pointee.xruns.add(1, ordering: .relaxed)
      render.pointee.broke()
    }
    if condition == .suspended {
      guard wakeUp() else { return false }
    } else {
      restarts += 1
      guard restarts <= Self.restartLimit else { return false }
    }
    lastCode = pcm.prepare()
    return lastCode >= 0
  }

  /// Waits for a suspended device to come back. What it had is thrown away all the same: nobody wants to hear old sound.
  private func wakeUp() -> Bool {
    repeat {
      _ = pcm.wait(orFor: call, until: renderNow() + Self.doze, deviceToo: false)
      guard !isTold.load(ordering: .acquiring) else { return false }
      lastCode = pcm.resume()
    } while lastCode == -EAGAIN
    // Not every device can resume; those may be prepared.
    return ![ENODEV, ENXIO, EBADFD].contains(-lastCode)
  }

  private var lost: BackendError { DeviceFailure.running(pcm.name, lastCode < 0 ? lastCode : -EPIPE) }

  private var stuck: BackendError {
    BackendError(.deviceLost, "the PCM \"\(pcm.name)\" \(pcm.isPlayback ? "takes" : "brings") no sound")
  }
}

private func deviceThreadMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<DeviceLoop>.fromOpaque(raw!).takeRetainedValue().run()
  return nil
}
