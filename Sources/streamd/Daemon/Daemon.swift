import AudioCore
import AudioIO
import Capture
import Control
import Metering
import OpusCodec
import Settings
import Wiring

/// The composition root: captures, sessions and what is said about them.
@ControlActor
final class Daemon: ControlContext, HostAudioStage {
  nonisolated static let version = "0.1.0"

  let settings: Settings
  let log: Log
  let backend: any AudioBackend
  let bus: EventBus
  let hostAudio: HostAudio
  /// What applications share with us.
  let rings: Rings
  let startedAt = renderNow()
  /// Nil where the configuration wants none, or it could not be set up.
  var microphones: Microphones?
  let graph: GraphRoom
  let routing: RoutingRoom
  /// What keys that are held open.
  private(set) lazy var talk = TalkRoom(self, debounce: .milliseconds(Int64(settings.talk.release)))
  /// The last seconds of each hop.
  private(set) lazy var flight = FlightRoom(self)
  /// Levels for whoever asks without listening.
  let levelMeter: LevelMeter
  private(set) var processorLoad = ProcessorLoad()
  /// Opened by whoever starts the daemon.
  var web: HTTPDoor?
  /// Set once, before anything is served.
  var recordings: Recordings?
  let devices: DeviceRoom
  let channels: DuplexRoom

  private var downlinks: [Downlink.Key: DownlinkEntry] = [:]
  private var sessions: [StreamSession] = []
  private var pingWatches: [String: DescriptorWatch] = [:]
  private var lastSession = 0
  private var lastHealth = JSON.null

  /// More would only mean that nobody closes them.
  static let sessionLimit = 512

  init(
    settings: Settings, log: Log, backend: any AudioBackend, bus: EventBus, hostAudio: HostAudio, graph: GraphRoom,
    routing: RoutingRoom, rings: Rings, devices: DeviceRoom, channels: DuplexRoom, meters: MeterBoard
  ) {
    self.channels = channels
    self.devices = devices
    levelMeter = LevelMeter(meters)
    self.rings = rings
    self.graph = graph
    self.routing = routing
    self.hostAudio = hostAudio
    self.settings = settings
    self.log = log
    self.backend = backend
    self.bus = bus
    hostAudio.stage = self
    graph.busesChanged = { [weak self] in
      self?.followDefault()
      self?.recordings?.followGraph()
      self?.talk.graphChanged()
    }
    devices.changed.append { [weak self] _ in
      self?.graph.followDevices()
      self?.recordings?.followDevices()
    }
    routing.exclusionsChanged = { [weak self] in self?.followDefault() }
  }

  // MARK: Sessions

  func openSession(_ asked: SessionSpec) throws(ControlError) -> StreamSession {
    var spec = asked
    spec.source = hostAudio.source(for: spec.source, layout: spec.configuration.layout, spec.hostAudio)
    guard sessions.count < Self.sessionLimit else {
      throw ControlError(.busy, "there are \(sessions.count) sessions already", hint: "close one first")
    }
    if sessions.contains(where: { $0.spec.name == spec.name && !spec.name.isEmpty }) {
      throw ControlError(.conflict, "a session is named \"\(spec.name)\" already", path: "name")
    }
    let downlink = try self.downlink(for: heard(by: spec))
    lastSession += 1
    let session: StreamSession
    do {
      session = try StreamSession(identifier: "s\(lastSession)", spec: spec, downlink: downlink)
    } catch {
      releaseUnused()
      throw error.controlError
    }
    do { try watchPings(of: session) } catch {
      session.close()
      releaseUnused()
      throw error
    }
    sessions.append(session)
    hostAudio.opened(session)
    if let sink = hostAudio.sink, case .running = downlinks[sink]?.state { hostAudio.sinkChanged(isRunning: true) }
    log.info(
      "session \(session.identifier) open: \(session.heard.title) to \(spec.transport.destination), "
        + "\(spec.configuration.layout.count) channels, \(spec.configuration.bitrate) bit/s")
    publishSessions()
    return session
  }

  /// By identifier or name.
  func session(_ name: String) throws(ControlError) -> StreamSession {
    if !name.isEmpty, let found = sessions.first(where: { $0.identifier == name || $0.spec.name == name }) {
      return found
    }
    let known = sessions.map(\.identifier).joined(separator: ", ")
    throw ControlError(
      .notFound, "no session \"\(name)\"", path: "session",
      hint: known.isEmpty ? "no session is open" : "open sessions: \(known)")
  }

  func updateSession(_ session: StreamSession, _ change: SessionChange) throws(ControlError) -> JSONObject {
    do { try session.apply(change) } catch { throw error.controlError }
    publishSessions()
    return report(of: session)
  }

  func closeSession(_ session: StreamSession) -> JSON {
    pingWatches.removeValue(forKey: session.identifier)?.cancel()
    session.close()
    sessions.removeAll { $0 === session }
    hostAudio.closed(session.identifier)
    recordings?.ended([session.identifier, session.spec.name].map { .session($0) }, "the session was closed")
    let last = report(of: session)
    log.info("session \(session.identifier) closed after \(session.line.counts.packets) packets")
    releaseUnused()
    publishSessions()
    return .object(last)
  }

  /// For a session whose owner has gone; it may have been closed before.
  func abandonSession(_ session: StreamSession) {
    guard sessions.contains(where: { $0 === session }) else { return }
    _ = closeSession(session)
  }

  var allSessions: [StreamSession] { sessions }

  // MARK: Captures

  func downlink(for key: Downlink.Key) throws(ControlError) -> Downlink {
    if let entry = downlinks[key] { return entry.downlink }
    let name = downlinks.isEmpty ? "streamd.capture" : "streamd.capture-\(downlinks.count + 1)"
    let attention: @Sendable () -> Void = { [weak self] in
      EventLoop.shared.post { self?.attend(key) }
    }
    if let bus = key.bus { return try downlink(for: key, bus: bus, attention) }
    do {
      let downlink = try Downlink(
        backend: backend, key: key, name: name, filter: routing.filter(for: key.apps), attention: attention)
      downlinks[key] = DownlinkEntry(downlink: downlink)
      return downlink
    } catch {
      throw error.controlError
    }
  }

  private func downlink(
    for key: Downlink.Key, bus: String, _ attention: @escaping @Sendable () -> Void
  ) throws(ControlError) -> Downlink {
    let downlink = Downlink(bus: try graph.streamBus(bus), attention: attention)
    downlinks[key] = DownlinkEntry(downlink: downlink)
    return downlink
  }

  /// A session hears the bus it chose. One that chose nothing hears what the graph makes for it, and else the desktop.
  private func heard(by spec: SessionSpec) -> Downlink.Key {
    if spec.source.bus != nil { return spec.source }
    if spec.followsDesktop, graph.feedsMain { return Downlink.Key(bus: GraphRoom.mainBus) }
    var key = hostAudio.heard(for: spec.source, spec.hostAudio)
    if key.apps == .everybody, key.bus == nil, key.ownSink == nil, !routing.excluded.isEmpty { key.apps = .allowed }
    return key
  }

  func followDefault() {
    routing.suspend(hostAudio.hasDefault)
    for session in sessions {
      let key = heard(by: session.spec)
      guard key != session.heard else { continue }
      do {
        try session.hear(try downlink(for: key))
        log.info("session \(session.identifier) hears \(key.title) now")
      } catch {
        tell("session \(session.identifier) cannot hear \(key.title): \(error)", isTrouble: true)
      }
    }
    publishSessions()
  }

  func releaseUnused() {
    // What a session will come back to stays, so that it comes back at once.
    let wanted = Set(sessions.map(\.spec.source)).union(recordings?.heard ?? [])
    for (key, entry) in downlinks
    where entry.downlink.isUnused && key != hostAudio.sink && !wanted.contains(key) {
      entry.downlink.stop()
      downlinks[key] = nil
    }
    routing.keepFilters(Set(downlinks.keys.map(\.apps)).subtracting([.everybody]))
    publishHealth()
  }

  private func attend(_ key: Downlink.Key) {
    guard let entry = downlinks[key] else { return }
    let news = entry.downlink.attend(at: renderNow())
    for item in news {
      switch item {
      case .state(let state):
        if let line = entry.enter(state, at: renderNow()) { say(line, about: key) }
        if let heal = entry.heal(state, at: renderNow()) { bus.publish("heals", report(of: heal, target: key.title)) }
        if key == hostAudio.sink {
          if case .running = state {
            hostAudio.sinkChanged(isRunning: true)
          } else {
            hostAudio.sinkChanged(isRunning: false)
          }
        }
      case .path(let path, let reason):
        say(DownlinkEntry.Line(text: "through \(path), \(reason)", isTrouble: false), about: key)
      }
    }
    guard !news.isEmpty else { return }
    publishHealth()
    publishSessions()
  }

  private func say(_ line: DownlinkEntry.Line, about key: Downlink.Key) {
    tell("capture \(key.title): \(line.text)", isTrouble: line.isTrouble)
  }

  func tell(_ text: String, isTrouble: Bool) {
    if isTrouble { log.warning(text) } else { log.info(text) }
    bus.publish("log", ["level": .string(isTrouble ? "warning" : "info"), "message": .string(text)])
  }

  var captures: [(key: Downlink.Key, entry: DownlinkEntry)] {
    downlinks.map { ($0.key, $0.value) }.sorted { $0.key.title < $1.key.title }
  }

  /// What a session hears now.
  func entry(of session: StreamSession) -> DownlinkEntry? { downlinks[session.heard] }

  /// Captures that somebody needs now: one that a session will come back to may wait in silence.
  var neededCaptures: [(key: Downlink.Key, entry: DownlinkEntry)] {
    captures.filter { !$0.entry.downlink.isUnused || $0.key == hostAudio.sink }
  }

  // MARK: Time

  /// Every half second: drains what render recorded, speaks of troubles that last.
  func tick() {
    processorLoad.sample(at: renderNow())
    for session in sessions { session.settle() }
    for key in downlinks.keys { attend(key) }
    for (key, entry) in downlinks {
      let (incidents, quanta) = entry.downlink.drain()
      entry.incidents = incidents
      if let last = quanta.last, quanta.count > 0 { log.debug("capture \(key.title): graph quantum \(last)") }
      if let line = entry.overdue(at: renderNow()) { say(line, about: key) }
    }
    endSilentSessions(at: renderNow())
    hostAudio.step(at: renderNow())
    microphones?.tick(at: renderNow())
    graph.tick()
    routing.tick()
    channels.tick()
    rings.tick()
    recordings?.tick()
    flight.tick()
    if !sessions.isEmpty { publishSessions() }
    publishHealth()
  }

  // MARK: Pings

  private func watchPings(of session: StreamSession) throws(ControlError) {
    guard let line = session.line as? GameStreamLine else { return }
    do {
      pingWatches[session.identifier] = try EventLoop.shared.watch(line.endpoint.descriptor, for: .read) {
        [weak self, identifier = session.identifier] _ in
        guard line.endpoint.readPings(now: renderNow()), let peer = line.endpoint.facts.peer else { return }
        self?.tell("session \(identifier): client at \(peer)", isTrouble: false)
      }
    } catch { throw ControlError(.unavailable, "\(error)") }
  }

  /// A client that has gone without a word.
  private func endSilentSessions(at now: HostTime) {
    for session in sessions {
      guard let line = session.line as? GameStreamLine else { continue }
      let silent = now - (line.endpoint.facts.heardAt ?? session.openedAt)
      guard silent > line.terms.timeout else { continue }
      let seconds = (silent.milliseconds / 100).rounded() / 10
      tell("session \(session.identifier): no ping for \(seconds) s, ending it", isTrouble: true)
      bus.publish(
        "session-ended",
        [
          "session": .string(session.identifier), "name": .string(session.spec.name), "reason": "ping_timeout",
          "silent_s": JSON(seconds),
        ])
      _ = closeSession(session)
    }
  }

  private func publishSessions() {
    if bus.hasSubscribers("sessions") { bus.publish("sessions", sessionsSnapshot()) }
  }

  private func publishHealth() {
    let health = health()
    guard health != lastHealth else { return }
    lastHealth = health
    bus.publish("health", health)
    ServiceNotice.send("STATUS=\(statusLine)")
  }

  /// For the service manager's one line.
  private var statusLine: String {
    let troubles = neededCaptures.compactMap { key, entry -> String? in
      guard case .waiting(let error) = entry.state else { return nil }
      return "\(key.title): \(error.message)"
    }
    return troubles.isEmpty ? "serving \(sessions.count) sessions" : "silent, " + troubles.joined(separator: "; ")
  }

  func requireMicrophones() throws(ControlError) -> Microphones {
    if let microphones { return microphones }
    throw ControlError(.unavailable, "there is no microphone here", hint: "enabled = true under [mic]")
  }

  func requireRecordings() throws(ControlError) -> Recordings {
    if let recordings { return recordings }
    throw ControlError(.unavailable, "nothing can be recorded yet", retry: 500)
  }

  func shutdown() {
    recordings?.shutdown()
    channels.shutdown()
    devices.shutdown()
    routing.shutdown()
    graph.shutdown()
    microphones?.stop()
    microphones = nil
    rings.shutdown()
    hostAudio.shutdown()
    for watch in pingWatches.values { watch.cancel() }
    pingWatches = [:]
    for session in sessions { session.close() }
    sessions = []
    for entry in downlinks.values { entry.downlink.stop() }
    downlinks = [:]
  }
}

extension SessionError {
  var controlError: ControlError {
    switch code {
    case "address": ControlError(.badArgs, message, path: "to")
    case "port": ControlError(.conflict, message, path: "port")
    case "bind", "packet_ms": ControlError(.badArgs, message, path: code)
    case let code where code.hasPrefix("opus_bad_"):
      ControlError(.badArgs, message, path: String(code.dropFirst("opus_bad_".count)))
    default: ControlError(.unavailable, message)
    }
  }
}

extension BackendError {
  var controlError: ControlError {
    ControlError(recovery == .permanent ? .badArgs : .unavailable, message, hint: hint)
  }
}
