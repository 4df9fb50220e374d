public import Glibc

/// A PipeWire of the test's own: server, session manager and null sink in a runtime directory that nobody else knows.
///
/// Several can run at once in one process; hand `remote` to in-process clients and `environment` to programs.
/// Thread: any; one at a time.
public final class PrivatePipeWire: @unchecked Sendable {
  public enum Server: Sendable { case pipewire, wirePlumber }

  /// The null sink's node name; it is the default sink when a session manager runs.
  public static let sinkName = "private-sink"
  /// The fake microphone's node name.
  public static let microphoneName = "private-mic"

  public let runtimeDirectory: String
  /// Where programs find this server.
  public let environment: [String: String]
  /// The server's socket, as a remote name for libpipewire.
  public var remote: String { runtimeDirectory + "/pipewire-0" }

  private let directory: TemporaryDirectory
  private let hasSink: Bool
  private let hasSessionManager: Bool
  private var server: Child?
  private var sessionManager: Child?

  /// Returns when the server answers and, with a session manager, the default sink is chosen.
  /// - Parameter sinkChannels: 2, 6 or 8; 0 for no sink.
  public init(sinkChannels: Int = 2, microphone: Bool = false, wirePlumber: Bool = true)
    throws(SupportError)
  {
    directory = try TemporaryDirectory()
    runtimeDirectory = directory.path
    hasSink = sinkChannels > 0
    hasSessionManager = wirePlumber
    var variables = Environment.current.filter {
      !$0.key.hasPrefix("PIPEWIRE_") && !$0.key.hasPrefix("PULSE_")
    }
    variables["XDG_RUNTIME_DIR"] = directory.path
    variables["XDG_CONFIG_HOME"] = directory.path + "/config"
    variables["XDG_STATE_HOME"] = directory.path + "/state"
    environment = variables
    let script = SourceTree.root + "/scripts/private-pipewire"
    let options =
      ["--prepare", directory.path, "--sink-channels", "\(sinkChannels)"]
      + (microphone ? ["--mic"] : [])
    let prepared = try Child.run([script] + options)
    guard prepared.status == 0 else {
      throw SupportError("private-pipewire: \(prepared.standardError)")
    }
    try startServer()
    if wirePlumber { try restartWirePlumber() }
  }

  deinit { stop() }

  public static func start(
    sinkChannels: Int = 2, microphone: Bool = false, wirePlumber: Bool = true
  ) throws(SupportError) -> PrivatePipeWire {
    try PrivatePipeWire(
      sinkChannels: sinkChannels, microphone: microphone, wirePlumber: wirePlumber)
  }

  /// The process of a server, nil when it has ended.
  public func pid(of which: Server) -> pid_t? {
    let child = which == .pipewire ? server : sessionManager
    guard let child, child.status == nil else { return nil }
    return child.pid
  }

  /// Sends a signal; for one that kills, returns when the process is gone.
  public func kill(_ which: Server, _ signal: Int32 = SIGKILL) {
    guard let child = which == .pipewire ? server : sessionManager else { return }
    child.signal(signal)
    if signal == SIGKILL { _ = child.wait(timeout: 5) }
  }

  /// Ends what is left of the server and its session manager and starts both anew.
  public func restartServer() throws(SupportError) {
    sessionManager?.stop()
    server?.stop()
    sessionManager = nil
    try startServer()
    if hasSessionManager { try restartWirePlumber() }
  }

  /// Returns when the session manager has answered somebody who asked about its metadata, and has chosen the default sink if
  /// the server has one of its own. Devices and programs that it is to serve may come from then on.
  public func restartWirePlumber() throws(SupportError) {
    sessionManager?.stop()
    let child = try Child(["wireplumber"], environment: environment)
    sessionManager = child
    let ready = waitUntil(timeout: 15) {
      guard child.status == nil else { return true }
      // It ends once the session manager has answered: one that does not answer must not use up the whole time.
      guard let answer = try? run(["pw-metadata", "0"], timeout: 5), answer.status == 0 else { return false }
      let metadata = answer.standardOutput
      return hasSink ? metadata.contains(Self.sinkName) : metadata.contains("Found \"default\"")
    }
    guard ready, child.status == nil else {
      throw SupportError("wireplumber: \(child.standardError)")
    }
  }

  public func stop() {
    sessionManager?.stop()
    server?.stop()
    sessionManager = nil
    server = nil
    directory.remove()
  }

  /// Runs a program (pw-dump, pw-link, pw-cli, pw-metadata …) against this server to its end.
  @discardableResult
  public func run(_ tool: [String], timeout seconds: Double = 20) throws(SupportError)
    -> ProgramResult
  {
    try Child.run(tool, environment: environment, timeout: seconds)
  }

  /// Starts a program against this server.
  public func start(_ program: [String]) throws(SupportError) -> Child {
    try Child(program, environment: environment)
  }

  private func startServer() throws(SupportError) {
    // A killed server leaves its socket; waiting for one must not find the old.
    unlink(remote)
    let child = try Child(["pipewire"], environment: environment)
    server = child
    let ready = waitUntil(timeout: 15) {
      child.status != nil
        || (access(remote, F_OK) == 0 && (try? run(["pw-cli", "info", "0"]).status) == 0)
    }
    guard ready, child.status == nil else { throw SupportError("pipewire: \(child.standardError)") }
  }
}
