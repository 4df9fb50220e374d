import AudioCore
import AudioIO
import Control
import Glibc
import Leases
import Metering
import PipeWireIO
import Settings
import Synchronization
import Wiring

/// What `main` returns once the loop has ended.
private let exitStatus = Atomic<Int32>(0)

/// The process from its first line to its exit status: 0 a clean stop, 1 cannot run, 2 misuse.
enum Service {
  static func main(_ arguments: [String]) -> Int32 {
    let invocation: Invocation
    switch Invocation.parse(arguments) {
    case .print(let text):
      print(text)
      return 0
    case .misuse(let reason):
      complain("\(reason)\nTry streamd --help.")
      return 2
    case .run(let parsed): invocation = parsed
    }
    signal(SIGPIPE, SIG_IGN)
    EventLoop.block([SIGTERM, SIGINT])
    let settings: Settings
    do {
      settings = try adjusted(Settings.load(explicit: invocation.configuration), by: invocation)
    } catch {
      complain("\(error)")
      return 2
    }
    if invocation.checkOnly {
      let read = settings.files.isEmpty ? "no file, all defaults" : settings.files.joined(separator: ", ")
      print("the configuration is good: \(read)")
      return 0
    }
    if invocation.cleanupOnly { return Cleanup.run(remote: settings.pipewire.remote) }
    return run(invocation, settings)
  }

  private static func adjusted(_ loaded: Settings, by invocation: Invocation) throws(Misuse) -> Settings {
    var settings = loaded
    do { try settings.followEnvironment() } catch { throw Misuse(description: error.message) }
    if let backend = invocation.backend {
      guard SoundSystems.names.contains(backend) else {
        throw Misuse(description: "--backend \(backend): one of \(SoundSystems.names.joined(separator: ", "))")
      }
      settings.graph.backend = backend
    }
    if let remote = invocation.remote { settings.pipewire.remote = remote }
    if let socket = invocation.socket { settings.control.socket = socket }
    if let word = invocation.level {
      guard let level = Settings.LogLevel(rawValue: word) else {
        throw Misuse(description: "--log \(word): one of error, warning, info, debug")
      }
      settings.log.level = level
    }
    return settings
  }

  private struct Misuse: Error, CustomStringConvertible {
    let description: String
  }

  private static func run(_ invocation: Invocation, _ settings: Settings) -> Int32 {
    EventLoop.shared.post {
      let life = ServiceLife(settings: settings)
      ServiceLife.current = life
      life.start(invocation)
    }
    EventLoop.shared.run()
    return exitStatus.load(ordering: .relaxed)
  }

  private static func complain(_ text: String) {
    let line = "streamd: \(text)\n"
    _ = line.withCString { Glibc.write(2, $0, strlen($0)) }
  }
}

/// What lives between start and stop, on the control thread.
@ControlActor
final class ServiceLife {
  static var current: ServiceLife?

  private let bus = EventBus()
  private let log: Log
  private let settings: Settings
  private var daemon: Daemon?
  private var server: ControlSocket?
  private var door: FramedDoor?
  private var signals: SignalWatch?
  private var levelListener: MeterBoard.Listener?
  private let meters = MeterBoard()

  init(settings: Settings) {
    self.settings = settings
    log = Log(level: settings.log.level)
  }

  func start(_ invocation: Invocation) {
    do {
      signals = try EventLoop.shared.onSignals([SIGTERM, SIGINT]) { [unowned self] signal in
        stop(reason: signal == SIGINT ? "interrupted" : "terminated", status: 0)
      }
      // The listener comes first: taking it over from the service manager edits the environment, which no other thread
      // may be reading, and a second daemon must end here, before it touches the graph.
      let listener = try listener()
      let backend = try PipeWireBackend(remote: settings.pipewire.remote) { [log] in log.debug("pipewire: \($0)") }
      let sinkLease = leases(on: backend.defaultSink)
      let hostAudio = HostAudio(lease: sinkLease, choice: backend.defaultSink, backend: backend, log: log)
      let devices = DeviceRoom(
        { DeviceSystems.live(pipewire: backend, numbers: $0) }, file: .standard("device-numbers"), bus: bus)
      let systems = SoundSystems(pipewire: backend)
      let rings = Rings { [unowned self] in self.daemon?.tell($0, isTrouble: $1) }
      let graph = GraphRoom(
        device: try GraphDevice(settings.graph), backends: systems, rings: rings,
        ends: GraphEnds(backend: backend), devices: devices.live, watchdog: settings.graph.watchdog, bus: bus
      ) { [unowned self] text, isTrouble in self.daemon?.tell(text, isTrouble: isTrouble) }
      let routing = RoutingRoom(
        settings: settings.routing, backend: backend, book: backend.appStreams, ends: graph.ends, bus: bus,
        defaultSink: sinkLease
      ) { [unowned self] text, isTrouble in self.daemon?.tell(text, isTrouble: isTrouble) }
      let channels = DuplexRoom(settings: settings.channels, devices: devices, backends: systems, bus: bus) {
        [unowned self] text, isTrouble in self.daemon?.tell(text, isTrouble: isTrouble)
      }
      let daemon = Daemon(
        settings: settings, log: log, backend: backend, bus: bus, hostAudio: hostAudio, graph: graph,
        routing: routing, rings: rings, devices: devices, channels: channels, meters: meters)
      self.daemon = daemon
      // Whatever opens may already have something to say.
      declareTopics(daemon)
      daemon.recordings = makeRecordings(daemon, systems)
      try openMicrophone(daemon, backend)
      try serve(listener, daemon)
      openDoor()
      openWeb(invocation, daemon)
      try openConfiguredSessions(invocation, daemon)
      loadGraph(daemon)
      daemon.talk.begin(settings.talk.names.compactMap { try? TalkTarget($0) })
      routing.start()
      devices.live.attach("pipewire")
      channels.start()
      if settings.recording.flight > 0 {
        daemon.flight.begin(FlightRoom.Terms(seconds: settings.recording.flight, hasMicrophones: false))
      }
      startTimers(daemon)
    } catch {
      log.error("\(error)")
      return stop(reason: "cannot start", status: 1)
    }
    ServiceNotice.send("READY=1\nSTATUS=serving")
  }

  private func startTimers(_ daemon: Daemon) {
    EventLoop.shared.schedule(after: .milliseconds(500), every: .milliseconds(500)) { [unowned self] in
      daemon.tick()
      followLevelSubscribers(daemon)
    }
  }

  /// What an earlier daemon may have left changed is undone as soon as a server answers. A missing state directory costs
  /// the leases, not the sound.
  private func leases(on choice: any DefaultDeviceChoice) -> DefaultDeviceLease? {
    do throws(LeaseError) {
      return DefaultDeviceLease(choice: choice, file: try LeaseFile.standard())
    } catch {
      log.warning("\(error)")
      return nil
    }
  }

  private func openMicrophone(_ daemon: Daemon, _ backend: PipeWireBackend) throws {
    guard settings.mic.enabled else { return }
    let lease = leases(on: backend.defaultSource)
    let makeDefault = lease.map { lease in
      OwnDefault(
        policy: OwnDefaultPolicy(
          device: settings.mic.name, mode: OwnDefaultMode(rawValue: settings.mic.makeDefault.rawValue) ?? .never),
        lease: lease, for: "microphone"
      ) { [log] news in
        switch news {
        case .note(let note): log.info("\(note)")
        case .failed(let error): log.warning("\(error)")
        }
      }
    }
    let path = controlPath.flatMap { path in
      path.lastIndex(of: "/").map { path[..<$0] + "/mic.sock" }.map(String.init)
    }
    daemon.microphones = try Microphones(
      settings: settings.mic, backend: backend, localPath: path, makeDefault: makeDefault
    ) { [weak daemon] in daemon?.tell($0, isTrouble: $1) }
    daemon.graph.ends.uplink = daemon.microphones?.uplink
    daemon.microphones?.ended = { [weak daemon] entry in
      daemon?.recordings?.ended([entry.identifier, entry.name].map { .voice($0) }, "the microphone was closed")
    }
    daemon.microphones?.keepsSilent = { [weak daemon] in daemon?.talk.keepsSilent($0) ?? false }
  }

  private var controlPath: String? {
    settings.control.socket.isEmpty ? ControlClient.defaultPath : settings.control.socket
  }

  /// Ten wake-ups a second are only spent while somebody looks.
  private func followLevelSubscribers(_ daemon: Daemon) {
    let wanted = bus.hasSubscribers("levels")
    if wanted, levelListener == nil {
      levelListener = meters.open(rate: 10) { [bus] in bus.publish("levels", daemon.levels(in: $0)) }
    } else if !wanted, let listener = levelListener {
      meters.close(listener)
      levelListener = nil
    }
  }

  private func listener() throws -> ControlListener {
    if let activated = try ControlListener.activated() {
      log.info("control socket from the service manager")
      return activated
    }
    let configured = settings.control.socket
    guard let path = configured.isEmpty ? ControlClient.defaultPath : configured else {
      throw ControlError(
        .unavailable, "there is no place for the control socket",
        hint: "set XDG_RUNTIME_DIR or STREAMD_SOCKET, or give --socket PATH")
    }
    let listener = try ControlListener.open(path: path)
    log.info("control socket \(path)")
    return listener
  }

  private func declareTopics(_ daemon: Daemon) {
    bus.declare("health", .state, summary: "state and problems, when they change") { daemon.health() }
    bus.declare("sessions", .state, summary: "every session with its counters, twice a second") {
      daemon.sessionsSnapshot()
    }
    bus.declare("levels", .state, summary: "peak and RMS per channel since the last event, ten times a second") {
      ["sessions": []]
    }
    for source: any MeterSource in [
      CaptureMeters(daemon), SessionMeters(daemon), MicMeters(daemon), ChannelMeters(daemon.channels),
      NodeMeters(daemon.graph), RouteMeters(daemon.routing),
    ] { meters.add(source) }
    bus.declare(
      "meters", windowsOf: meters,
      summary:
        "highest peak and mean power per channel of every bus, session, microphone, talker, duplex channel and measuring "
        + "node, and figures such as reduction and loudness: what happened since this reader's last event; `rate` a second"
    )
    bus.declare(
      "heals", .log, summary: "a capture that came back or moved: cause, devices and for how long it was interrupted")
    bus.declare("session-ended", .log, summary: "a session that ended by itself, with the reason")
    bus.declare("ptt", .state, summary: "what push-to-talk rules and whether it is open, when it changes") {
      daemon.talk.report()
    }
    bus.declare("log", .log, summary: "what the log says of captures")
  }

  private func makeRecordings(_ daemon: Daemon, _ systems: SoundSystems) -> Recordings {
    RecordingReport.declareTopics(on: bus)
    let recordings = Recordings(
      settings: settings.recording, backends: systems, devices: daemon.devices, bus: bus, stage: daemon)
    recordings.recoverWhatIsLeft()
    return recordings
  }

  private func serve(_ listener: consuming ControlListener, _ daemon: Daemon) throws {
    var limits = ControlSocket.Limits()
    limits.clients = settings.control.maxClients
    let server = ControlSocket(
      identity: ControlSocket.Identity(name: "streamd", version: Daemon.version), bus: bus, context: daemon,
      limits: limits)
    try server.serve(listener)
    self.server = server
  }

  /// A door that cannot be opened costs only itself.
  private func openDoor() {
    guard !settings.control.headroomSocket.isEmpty, let control = controlPath else { return }
    let path = HeadroomDoor.path(settings.control.headroomSocket)
    do {
      door = try HeadroomDoor.open(at: path, to: control)
      log.info("headroom's protocol on \(path)")
    } catch { log.error("headroom's protocol: \(error)") }
  }

  private func openWeb(_ invocation: Invocation, _ daemon: Daemon) {
    guard let control = controlPath else { return }
    let web = HTTPDoor(control: control, log: log) { try Settings.load(explicit: invocation.configuration).http }
    daemon.web = web
    web.open(settings.http)
  }

  private func openConfiguredSessions(_ invocation: Invocation, _ daemon: Daemon) throws {
    for session in settings.sessions { _ = try daemon.openSession(try SessionSpec(session)) }
    if let arguments = invocation.sessionArguments {
      let session = try daemon.openSession(try SessionOpenVerb.spec(arguments, settings))
      print(session.line.description, terminator: "")
      fflush(nil)
    }
  }

  /// A graph that cannot be costs only itself.
  private func loadGraph(_ daemon: Daemon) {
    guard !settings.graph.file.isEmpty else { return }
    do { try daemon.graph.load(file: settings.graph.file) } catch {
      log.error("graph \(settings.graph.file): \(error.message)")
    }
  }

  private func stop(reason: String, status: Int32) {
    ServiceNotice.send("STOPPING=1")
    exitStatus.store(status, ordering: .relaxed)
    log.info("stopping: \(reason)")
    daemon?.web?.close()
    daemon?.shutdown()
    guard let server else { return EventLoop.shared.stop() }
    self.server = nil
    server.close(reason: reason) { [door] in
      guard let door else { return EventLoop.shared.stop() }
      // Its clients have their goodbye from the server.
      door.close { EventLoop.shared.stop() }
    }
  }
}
