import AudioCore
import AudioIO
import CLinux
import CPipeWire
import CPipeWireSystem
import Glibc

/// Whoever wants to know that the graph or the connection has changed.
protocol GraphFollower: AnyObject {
  /// Thread: loop.
  func graphChanged()
  /// The server is gone; every proxy and stream on it is dead and must be let go now. Thread: loop.
  func serverLost()
  /// A session manager has come; its metadata is not bound yet. Thread: loop.
  func sessionManagerCame()
  /// Thread: loop.
  func playersWillMove(_ move: PlayerMove)
}

extension GraphFollower {
  /// A node that runs on links of ours while a session manager comes up never becomes one of its items, and as long as
  /// one node is missing it links nobody's (WirePlumber 0.4). So it gets a new node to prepare.
  func sessionManagerCame() { serverLost() }
  func playersWillMove(_ move: PlayerMove) {}
}

/// The link to one PipeWire server: loop thread, core, registry mirror. It reconnects for ever.
///
/// State belongs to the loop thread; other threads hold the loop's lock.
final class PipeWireConnection: @unchecked Sendable {
  let loop: OpaquePointer
  private let context: OpaquePointer
  private let remote: String
  private let retryTimer: UnsafeMutablePointer<spa_source>
  private let settleTimer: UnsafeMutablePointer<spa_source>

  private(set) var core: OpaquePointer?
  private(set) var registry: OpaquePointer?
  private(set) var metadata: (id: UInt32, proxy: OpaquePointer)?
  private let coreHook = Hook()
  private let registryHook = Hook()
  private let metadataHook = Hook()

  private(set) var graph = GraphMirror()
  /// What this server calls itself; another after a restart.
  private(set) var cookie: UInt32?
  /// The registry's first listing is complete.
  private(set) var isReady = false
  private var readySequence: Int32 = -1
  /// The loop thread runs as soon as it is woken.
  private var isPrompt = false
  /// Less than that of threads that carry sound.
  private static let realTimePriority: Int32 = 3
  /// A session manager is there, and its metadata is listed.
  private(set) var isManaged = false
  /// Its answer follows the metadata's first listing.
  private var metadataSequence: Int32 = -1
  private var plan = ReconnectPlan()
  private(set) var failure = BackendError(.starting, "connecting to PipeWire")
  private var followers: [any GraphFollower] = []
  private let log: @Sendable (BackendError) -> Void

  private static let initialised: Void = pw_init(nil, nil)

  /// `remote` is a server's name or the absolute path of its socket; empty for the user's own.
  init(remote: String, log: @escaping @Sendable (BackendError) -> Void) throws(BackendError) {
    _ = Self.initialised
    self.remote = remote
    self.log = log
    guard let loop = pw_thread_loop_new("streamd-graph", nil),
      let context = cpw_context_new(pw_thread_loop_get_loop(loop))
    else { throw BackendError(.serverUnavailable, "libpipewire could not be set up") }
    self.loop = loop
    self.context = context
    // The timers' user data is set once `self` exists.
    let box = UnsafeMutablePointer<Unmanaged<PipeWireConnection>?>.allocate(capacity: 1)
    box.initialize(to: nil)
    retryTimer = cpw_timer_new(pw_thread_loop_get_loop(loop), onRetry, box)
    settleTimer = cpw_timer_new(pw_thread_loop_get_loop(loop), onSettle, box)
    self.box = box
    box.pointee = Unmanaged.passUnretained(self)
    pw_thread_loop_start(loop)
    locked { connect() }
  }

  private let box: UnsafeMutablePointer<Unmanaged<PipeWireConnection>?>

  /// Thread: any, after every stream has stopped; the loop's own where a callback was the last to hold this.
  deinit {
    pw_thread_loop_lock(loop)
    box.pointee = nil
    removeHooks()
    pw_thread_loop_unlock(loop)
    ConnectionRemains(
      loop: loop, context: context, core: core, proxies: [metadata?.proxy, registry].compactMap(\.self), timerData: box
    ).bury()
  }

  /// Runs on behalf of another thread with the loop held.
  func locked<Result>(_ body: () -> Result) -> Result {
    pw_thread_loop_lock(loop)
    defer { pw_thread_loop_unlock(loop) }
    return body()
  }

  /// Thread: loop.
  func attach(_ follower: any GraphFollower) { followers.append(follower) }
  func detach(_ follower: any GraphFollower) { followers.removeAll { $0 === follower } }

  /// Whether a node is a sink of this process. Nodes of earlier connections count for nothing.
  func own(_ sink: UInt32, _ isOurs: Bool) {
    guard isOurs != graph.ownSinks.contains(sink) else { return }
    if isOurs { graph.ownSinks.insert(sink) } else { graph.ownSinks.remove(sink) }
    changed()
  }

  /// Whether captures beside a sink hear this feed of ours.
  func hear(_ feed: UInt32, _ isHeard: Bool) {
    guard isHeard != graph.heardFeeds.contains(feed) else { return }
    if isHeard { graph.heardFeeds.insert(feed) } else { graph.heardFeeds.remove(feed) }
    changed()
  }

  func destroyGlobal(_ id: UInt32) { if let registry { cpw_registry_destroy(registry, id) } }

  private var selfPointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  // MARK: Life of the connection. Thread: loop.

  fileprivate func connect() {
    guard core == nil else { return }
    guard let core = cpw_connect(context, remote) else {
      // One loss is one event: what was said when the server went stays said until it is back.
      let known = failure.code == .serverUnavailable
      retryLater(known ? failure : BackendError(.serverUnavailable, "no PipeWire server answers", hint: connectHint))
      return
    }
    self.core = core
    cpw_core_listen(core, coreHook.pointer, EventTables.shared.core, selfPointer)
    guard let registry = cpw_core_registry(core) else {
      retryLater(BackendError(.serverUnavailable, "the PipeWire server gave no registry"))
      return
    }
    self.registry = registry
    cpw_registry_listen(registry, registryHook.pointer, EventTables.shared.registry, selfPointer)
    readySequence = cpw_core_sync(core, 0)
  }

  private var connectHint: String {
    remote.hasPrefix("/")
      ? "socket \(remote)" : "is PipeWire running for this user, and XDG_RUNTIME_DIR set to its directory?"
  }

  private func retryLater(_ error: BackendError) {
    let wasReady = isReady
    drop()
    failure = error
    let (at, worthSaying) = plan.failed(at: renderNow())
    if worthSaying || wasReady { log(error) }
    cpw_timer_arm(pw_thread_loop_get_loop(loop), retryTimer, max((at - renderNow()).nanoseconds, 1))
    tellFollowers()
  }

  /// Lets go of everything that lived on the server.
  private func drop() {
    for follower in followers { follower.serverLost() }
    removeHooks()
    if let metadata { pw_proxy_destroy(metadata.proxy) }
    metadata = nil
    isManaged = false
    if let registry { pw_proxy_destroy(registry) }
    registry = nil
    if let core { pw_core_disconnect(core) }
    core = nil
    graph = GraphMirror()
    cookie = nil
    births = [:]
    isReady = false
  }

  private func removeHooks() {
    metadataHook.remove()
    registryHook.remove()
    coreHook.remove()
  }

  func coreFailed(id: UInt32, result: Int32, message: String) {
    // An error of the core itself ends the connection, whatever its number: a server killed with a request unread shows
    // as a reset, not as a closed pipe. Errors of other objects reach their own listeners.
    // A message to an object that is gone by now is answered so, and harms nothing.
    guard id == 0, result != -ENOENT else { return }
    isLost = true
    // The core may not be destroyed inside its own callback.
    cpw_timer_arm(pw_thread_loop_get_loop(loop), retryTimer, 1)
  }

  private(set) var isLost = false

  fileprivate func retryDue() {
    if isLost {
      isLost = false
      retryLater(BackendError(.serverUnavailable, "the PipeWire server went away"))
    } else {
      connect()
    }
  }

  func coreInfo(cookie: UInt32) { self.cookie = cookie }

  func coreDone(sequence: Int32) {
    if sequence == metadataSequence, metadata != nil {
      isManaged = true
      changed()
      for device in DefaultDevice.allCases where graph[device].configured == .unknown {
        graph[device].configured = .unset
        changed()
      }
    }
    guard sequence == readySequence, !isReady else { return }
    isReady = true
    // Players are let go before the session manager moves them: that is a race of half a millisecond.
    if !isPrompt { isPrompt = clinux_thread_setup("streamd-graph", Self.realTimePriority) == 0 }
    plan.connected(at: renderNow())
    changed()
  }

  // MARK: Mirror. Thread: loop.

  func globalAdded(id: UInt32, type: String, properties: GlobalProperties) {
    switch type {
    case "PipeWire:Interface:Node":
      if isReady, metadata != nil, properties["media.class"] == "Audio/Sink" { births[id] = renderNow() }
      graph.add(
        GraphMirror.Node(
          id: id, name: properties["node.name"] ?? "", description: properties["node.description"] ?? "",
          mediaClass: properties["media.class"] ?? "",
          priority: properties["priority.session"].flatMap { Int($0) } ?? 0,
          client: properties["client.id"].flatMap { UInt32($0) } ?? .max,
          application: properties["application.name"] ?? "",
          serial: properties["object.serial"].flatMap { UInt64($0) } ?? UInt64(id),
          device: properties["device.id"].flatMap { UInt32($0) }, nick: properties["node.nick"] ?? ""))
    case "PipeWire:Interface:Client": graph.addClient(id)
    case "PipeWire:Interface:Device": graph.addDevice(id, driver: properties["device.api"] ?? "")
    case "PipeWire:Interface:Port":
      graph.add(
        GraphMirror.Port(
          id: id, node: properties["node.id"].flatMap { UInt32($0) } ?? UInt32.max,
          isOutput: properties["port.direction"] == "out", isMonitor: properties["port.monitor"] == "true",
          index: properties["port.id"].flatMap { Int($0) } ?? 0, channel: properties["audio.channel"] ?? "",
          isAudio: properties["format.dsp"]?.contains("audio") ?? false))
    case "PipeWire:Interface:Link":
      graph.add(
        GraphMirror.Link(
          id: id, output: properties["link.output.port"].flatMap { UInt32($0) } ?? UInt32.max,
          input: properties["link.input.port"].flatMap { UInt32($0) } ?? UInt32.max))
    case "PipeWire:Interface:Metadata" where properties["metadata.name"] == "default" && metadata == nil:
      // The metadata is the session manager's, and goes and comes with it. No node of ours may live while it is bound: the
      // server reads nothing from us until the session manager has answered, and nothing from the session manager until
      // our node has answered what is asked of it. Each would wait for the other for ever.
      for follower in followers { follower.sessionManagerCame() }
      guard let registry, let proxy = cpw_registry_bind_metadata(registry, id) else { return }
      metadata = (id, proxy)
      cpw_metadata_listen(proxy, metadataHook.pointer, EventTables.shared.metadata, selfPointer)
      if let core { metadataSequence = cpw_core_sync(core, 0) }
      changed()
      return
    default: return
    }
    changed()
  }

  func globalRemoved(id: UInt32) {
    if let metadata, metadata.id == id {
      metadataHook.remove()
      pw_proxy_destroy(metadata.proxy)
      self.metadata = nil
      isManaged = false
      for device in DefaultDevice.allCases { graph[device].configured = .unknown }
      graph.forgetTargets()
    }
    graph.remove(id)
    births[id] = nil
    changed()
  }

  func metadataChanged(subject: UInt32, key: String?, value: String?) {
    guard subject == 0 else {
      guard key.map(MetadataName.isTarget) ?? true else { return }
      tell(.ofNode(subject))
      graph.target(of: subject, key: key, value: value)
      return changed()
    }
    let before = graph[.sink]
    for device in DefaultDevice.allCases {
      if key == nil || key == MetadataName.effective(device) {
        graph[device].effective = value.flatMap(MetadataName.decode)
      }
      if key == nil || key == MetadataName.configured(device) {
        // Removal of everything names no key and no value.
        graph[device].configured = value.map { MetadataName.decode($0).map { .named($0) } ?? .unreadable } ?? .unset
      }
    }
    foresee(since: before)
    changed()
  }

  /// The session manager moves players a few messages after it has heard of another default: that is all the time there is.
  private func foresee(since before: DefaultDeviceState) {
    let now = graph[.sink]
    if case .named(let name) = now.configured, now.configured != before.configured, name != before.effective,
      graph.sinks.contains(where: { $0.name == name })
    {
      tell(.toSink(name))
    }
    if let name = now.effective, before.effective != nil, name != before.effective { tell(.toSink(name)) }
  }

  func tell(_ move: PlayerMove) {
    for follower in followers { follower.playersWillMove(move) }
  }

  /// How long a new node must still be left alone. A session manager that finds it running before it has prepared it waits
  /// for it in vain and meanwhile links nobody's streams.
  func youth(of node: UInt32) -> HostDuration? {
    guard let born = births[node] else { return nil }
    let left = born + Self.childhood - renderNow()
    guard left > .zero else {
      births[node] = nil
      return nil
    }
    return left
  }

  /// When nodes appeared that are still young or have not been asked about; what was there before us is old.
  private var births: [UInt32: HostTime] = [:]
  private static let childhood = HostDuration.milliseconds(80)

  /// Sets or removes what the user chose; false without a session manager to keep it.
  func configure(_ device: DefaultDevice, _ name: String?) -> Bool {
    guard isReady, let metadata else { return false }
    let value = name.map(MetadataName.encode)
    // On this connection it is in the server before the choice is.
    if device == .sink, let name { tell(.toSink(name)) }
    return cpw_metadata_set(metadata.proxy, MetadataName.configured(device), value) >= 0
  }

  /// Has followers look again, outside the current callback, now or after a while.
  func later(after delay: HostDuration = .zero) {
    guard isReady else { return }
    let now = renderNow()
    let due = now + delay
    // One timer for all: a follower that can wait must not hold up one that cannot.
    if let settleAt, settleAt <= due { return }
    settleAt = due
    cpw_timer_arm(pw_thread_loop_get_loop(loop), settleTimer, max(delay.nanoseconds, 1))
  }

  private var settleAt: HostTime?

  /// Registry events come in bursts; followers look once per loop turn.
  private func changed() { later() }

  fileprivate func tellFollowers() {
    settleAt = nil
    for follower in followers { follower.graphChanged() }
  }
}

/// A hook that C writes to: it needs a fixed place in memory.
final class Hook {
  let pointer: UnsafeMutablePointer<spa_hook>

  init() {
    pointer = .allocate(capacity: 1)
    pointer.initialize(to: spa_hook())
  }

  deinit { pointer.deallocate() }

  func remove() { cpw_hook_remove(pointer) }
}

private func connection(_ data: UnsafeMutableRawPointer?) -> PipeWireConnection? {
  data?.assumingMemoryBound(to: Unmanaged<PipeWireConnection>?.self).pointee?.takeUnretainedValue()
}

private func onRetry(_ data: UnsafeMutableRawPointer?, _ count: UInt64) { connection(data)?.retryDue() }
private func onSettle(_ data: UnsafeMutableRawPointer?, _ count: UInt64) { connection(data)?.tellFollowers() }
