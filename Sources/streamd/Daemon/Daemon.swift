import AudioCore
import AudioIO
import Capture
import Control
import OpusCodec
import Settings
import Wiring

/// The composition root: captures, sessions and what is said about them.
@ControlActor
final class Daemon: ControlContext {
  nonisolated static let version = "0.1.0"

  let settings: Settings
  let log: Log
  let backend: any AudioBackend
  let bus: EventBus
  let hostAudio: HostAudio
  let startedAt = renderNow()

  private var downlinks: [Downlink.Key: DownlinkEntry] = [:]
  private var sessions: [StreamSession] = []
  private var pingWatches: [String: DescriptorWatch] = [:]
  private var lastSession = 0
  private var lastHealth = JSON.null

  /// More would only mean that nobody closes them.
  static let sessionLimit = 512

  init(settings: Settings, log: Log, backend: any AudioBackend, bus: EventBus, hostAudio: HostAudio) {
    self.hostAudio = hostAudio
    self.settings = settings
    self.log = log
    self.backend = backend
    self.bus = bus
    hostAudio.released = { [weak self] in self?.releaseUnused() }
  }

  // MARK: Sessions

  func openSession(_ asked: SessionSpec) throws(ControlError) -> StreamSession {
    var spec = asked
    spec.source = hostAudio.key(for: spec.source, layout: spec.configuration.layout, spec.hostAudio)
    guard sessions.count < Self.sessionLimit else {
      throw ControlError(.busy, "there are \(sessions.count) sessions already", hint: "close one first")
    }
    if sessions.contains(where: { $0.spec.name == spec.name && !spec.name.isEmpty }) {
      throw ControlError(.conflict, "a session is named \"\(spec.name)\" already", path: "name")
    }
    let downlink = try self.downlink(for: spec.source)
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
    hostAudio.opened(session.identifier, spec.hostAudio, source: spec.source)
    if case .running = downlinks[spec.source]?.state, spec.source == hostAudio.sink {
      hostAudio.sinkChanged(isRunning: true)
    }
    log.info(
      "session \(session.identifier) open: \(spec.source.target) to \(spec.transport.destination), "
        + "\(spec.configuration.layout.count) channels, \(spec.configuration.bitrate) bit/s")
    publishSessions()
    return session
  }

  /// By identifier or name.
  func session(_ name: String) throws(ControlError) -> StreamSession {
    if let found = sessions.first(where: { $0.identifier == name || $0.spec.name == name }) { return found }
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

  private func downlink(for key: Downlink.Key) throws(ControlError) -> Downlink {
    if let entry = downlinks[key] { return entry.downlink }
    let name = downlinks.isEmpty ? "streamd.capture" : "streamd.capture-\(downlinks.count + 1)"
    do {
      let downlink = try Downlink(backend: backend, key: key, name: name) {
        EventLoop.shared.post { [weak self] in self?.attend(key) }
      }
      downlinks[key] = DownlinkEntry(downlink: downlink)
      return downlink
    } catch {
      throw error.controlError
    }
  }

  private func releaseUnused() {
    for (key, entry) in downlinks where entry.downlink.isUnused && key != hostAudio.sink {
      entry.downlink.stop()
      downlinks[key] = nil
    }
    publishHealth()
  }

  private func attend(_ key: Downlink.Key) {
    guard let entry = downlinks[key] else { return }
    let news = entry.downlink.attend(at: renderNow())
    for item in news {
      switch item {
      case .state(let state):
        if let line = entry.enter(state, at: renderNow()) { say(line, about: key) }
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
    tell("capture \(key.target): \(line.text)", isTrouble: line.isTrouble)
  }

  private func tell(_ text: String, isTrouble: Bool) {
    if isTrouble { log.warning(text) } else { log.info(text) }
    bus.publish("log", ["level": .string(isTrouble ? "warning" : "info"), "message": .string(text)])
  }

  var captures: [(key: Downlink.Key, entry: DownlinkEntry)] {
    downlinks.map { ($0.key, $0.value) }.sorted { "\($0.key.target)" < "\($1.key.target)" }
  }

  /// What a session hears now.
  func entry(of session: StreamSession) -> DownlinkEntry? { downlinks[session.spec.source] }

  // MARK: Time

  /// Every half second: drains what render recorded, speaks of troubles that last.
  func tick() {
    for key in downlinks.keys { attend(key) }
    for (key, entry) in downlinks {
      let (incidents, quanta) = entry.downlink.drain()
      entry.incidents = incidents
      if let last = quanta.last, quanta.count > 0 { log.debug("capture \(key.target): graph quantum \(last)") }
      if let line = entry.overdue(at: renderNow()) { say(line, about: key) }
    }
    endSilentSessions(at: renderNow())
    hostAudio.step(at: renderNow())
    if !sessions.isEmpty { publishSessions() }
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
    let troubles = captures.compactMap { key, entry -> String? in
      guard case .waiting(let error) = entry.state else { return nil }
      return "\(key.target): \(error.message)"
    }
    return troubles.isEmpty ? "serving \(sessions.count) sessions" : "silent, " + troubles.joined(separator: "; ")
  }

  func shutdown() {
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
