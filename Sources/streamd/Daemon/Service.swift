import AudioIO
import Control
import Glibc
import PipeWireIO
import Settings
import Synchronization

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
    return run(invocation, settings)
  }

  private static func adjusted(_ loaded: Settings, by invocation: Invocation) throws(Misuse) -> Settings {
    var settings = loaded
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
    let log = Log(level: settings.log.level)
    let backend: PipeWireBackend
    do {
      backend = try PipeWireBackend(remote: settings.pipewire.remote) { log.debug("pipewire: \($0)") }
    } catch {
      complain("\(error)")
      return 1
    }
    EventLoop.shared.post {
      let life = ServiceLife(settings: settings, log: log, backend: backend)
      ServiceLife.current = life
      life.start(invocation)
    }
    EventLoop.shared.run()
    return exitStatus.load(ordering: .relaxed)
  }

  private static func complain(_ text: String) { fputs("streamd: \(text)\n", stderr) }
}

/// What lives between start and stop, on the control thread.
@ControlActor
final class ServiceLife {
  static var current: ServiceLife?

  private let daemon: Daemon
  private let bus = EventBus()
  private let log: Log
  private let settings: Settings
  private var server: ControlSocket?
  private var signals: SignalWatch?
  init(settings: Settings, log: Log, backend: any AudioBackend) {
    self.settings = settings
    self.log = log
    daemon = Daemon(settings: settings, log: log, backend: backend, bus: bus)
  }

  func start(_ invocation: Invocation) {
    declareTopics()
    do {
      signals = try EventLoop.shared.onSignals([SIGTERM, SIGINT]) { [unowned self] signal in
        stop(reason: signal == SIGINT ? "interrupted" : "terminated", status: 0)
      }
      try serve()
      try openConfiguredSessions(invocation)
    } catch {
      log.error("\(error)")
      return stop(reason: "cannot start", status: 1)
    }
    EventLoop.shared.schedule(after: .milliseconds(500), every: .milliseconds(500)) { [daemon] in daemon.tick() }
    EventLoop.shared.schedule(after: .milliseconds(100), every: .milliseconds(100)) { [daemon, bus] in
      if bus.hasSubscribers("levels") { bus.publish("levels", daemon.levels()) }
    }
    ServiceNotice.send("READY=1\nSTATUS=serving")
  }

  private func declareTopics() {
    bus.declare("health", .state, summary: "state and problems, when they change") { [daemon] in daemon.health() }
    bus.declare("sessions", .state, summary: "every session with its counters, twice a second") { [daemon] in
      daemon.sessionsSnapshot()
    }
    bus.declare("levels", .state, summary: "peak and RMS per channel since the last event, ten times a second") {
      [daemon] in daemon.levels()
    }
    bus.declare("log", .log, summary: "what the log says of captures")
  }

  private func serve() throws {
    var limits = ControlSocket.Limits()
    limits.clients = settings.control.maxClients
    let server = ControlSocket(
      identity: ControlSocket.Identity(name: "streamd", version: Daemon.version), bus: bus, context: daemon,
      limits: limits)
    let path = settings.control.socket.isEmpty ? nil : settings.control.socket
    let listener = try ControlListener.open(path: path)
    log.info("control socket \(listener.path)")
    try server.serve(listener)
    self.server = server
  }

  private func openConfiguredSessions(_ invocation: Invocation) throws {
    for session in settings.sessions { _ = try daemon.openSession(try SessionSpec(session, settings: settings)) }
    if let arguments = invocation.sessionArguments {
      let session = try daemon.openSession(try SessionOpenVerb.spec(arguments, settings))
      print(session.description, terminator: "")
      fflush(stdout)
    }
  }

  private func stop(reason: String, status: Int32) {
    ServiceNotice.send("STOPPING=1")
    exitStatus.store(status, ordering: .relaxed)
    log.info("stopping: \(reason)")
    daemon.shutdown()
    guard let server else { return EventLoop.shared.stop() }
    self.server = nil
    server.close(reason: reason) { EventLoop.shared.stop() }
  }
}
