import AudioCore
import Control
import Glibc
import OpusCodec
import TestSupport

/// One `streamd` process with a socket of its own, ended with its owner.
///
/// Thread: any; one at a time.
final class DaemonUnderTest: @unchecked Sendable {
  let socket: String
  let client: ControlClient
  private let child: Child
  private let directory: TemporaryDirectory
  private let environment: [String: String]

  /// Returns when the daemon answers. What it is run `through` is a program that becomes it.
  init(
    on server: PrivatePipeWire?, arguments: [String] = [], state: TemporaryDirectory? = nil,
    environment more: [String: String] = [:], through: [String] = []
  ) throws {
    directory = try TemporaryDirectory()
    socket = directory.path + "/control.sock"
    var variables = server?.environment ?? Environment.current
    variables["XDG_CONFIG_HOME"] = directory.path
    variables["XDG_STATE_HOME"] = (state ?? directory).path
    variables["STREAMD_SOCKET"] = socket
    variables.merge(more) { $1 }
    environment = variables
    let remote = server.map { ["--remote", $0.remote] } ?? []
    let child = try Child(
      through + [Products.streamd, "--socket", socket, "--log", "debug"] + remote + arguments, environment: variables)
    self.child = child
    var connected: ControlClient?
    let path = socket
    waitUntil(timeout: 15) {
      connected = try? ControlClient(path: path)
      return connected != nil || child.status != nil
    }
    guard let connected else { throw SupportError("streamd: \(child.standardError)") }
    client = connected
  }

  var pid: pid_t { child.pid }
  var configurationPath: String { directory.path }
  var statePath: String { environment["XDG_STATE_HOME"] ?? "" }
  /// What it has logged.
  var log: String { child.standardError }

  func signal(_ number: Int32) { child.signal(number) }
  func wait(timeout seconds: Double = 10) -> Int32? { child.wait(timeout: seconds) }
  @discardableResult func stop() -> Int32 { child.stop() }

  /// Opens a session towards a recorder; returns what its packets are to be decoded with.
  @discardableResult
  func open(_ recorder: PacketRecorder, _ arguments: JSONObject = [:]) throws -> OpusConfiguration {
    var arguments = arguments
    arguments["to"] = .string("127.0.0.1:\(recorder.port)")
    let reply = try client.request("session.open", arguments)
    guard let channels = reply["session"]?["channels"]?.intValue, let layout = ChannelLayout(channels: channels),
      let bitrate = reply["session"]?["bitrate"]?.intValue
    else { throw SupportError("session.open: \(reply)") }
    return .standard(layout: layout, bitrate: bitrate)
  }

  func status() throws -> JSON { try client.request("status") }
  func capture() throws -> JSON { try status()["captures"]?[0] ?? .null }
  func session() throws -> JSON { try status()["sessions"]?[0] ?? .null }

  /// Waits until the first capture hears its sink.
  func waitUntilHearing(timeout seconds: Double = 15) throws {
    guard try waitUntil(timeout: seconds, { try capture()["state"] == "running" }) else {
      throw SupportError("streamd hears nothing: \(try status()); log: \(log)")
    }
  }

  /// Descriptors it holds.
  var descriptors: Int {
    guard let listing = opendir("/proc/\(pid)/fd") else { return -1 }
    defer { closedir(listing) }
    var count = 0
    while readdir(listing) != nil { count += 1 }
    return count
  }

  /// Runs `streamctl` against this daemon to its end.
  func streamctl(_ arguments: [String], timeout seconds: Double = 20) throws -> ProgramResult {
    try Child.run([Products.streamctl] + arguments, environment: environment, timeout: seconds)
  }
}

/// Sound lost or silenced so far, as the daemon reports it.
struct Accounts: Equatable {
  var gaps: Int
  var gapMilliseconds: Double
  var missedCycles: Int
  var missedMilliseconds: Double
  var staleMilliseconds: Double
  var lateMilliseconds: Double
  var floodedMilliseconds: Double
  var silenceMilliseconds: Double
  var quantumChanges: Int
  var lateWakes: Int
  var graphRate: Int
  /// Made good from the monitor's copy.
  var repairedCycles: Int

  init(_ status: JSON) {
    let capture = status["captures"]?[0] ?? .null
    let session = status["sessions"]?[0]?["capture"] ?? .null
    gaps = session["gaps"]?.intValue ?? -1
    gapMilliseconds = session["gap_ms"]?.doubleValue ?? -1
    staleMilliseconds = session["stale_ms"]?.doubleValue ?? -1
    lateMilliseconds = session["late_ms"]?.doubleValue ?? -1
    floodedMilliseconds = session["flooded_ms"]?.doubleValue ?? -1
    silenceMilliseconds = session["silence_ms"]?.doubleValue ?? -1
    missedCycles = capture["missed_cycles"]?.intValue ?? -1
    missedMilliseconds = capture["missed_ms"]?.doubleValue ?? -1
    quantumChanges = capture["quantum_changes"]?.intValue ?? -1
    lateWakes = capture["late_wakes"]?.intValue ?? -1
    graphRate = capture["graph_rate"]?.intValue ?? -1
    repairedCycles = capture["repaired_cycles"]?.intValue ?? 0
  }

  /// Whether sound was lost between two readings.
  func hasLoss(since earlier: Accounts) -> Bool {
    gaps != earlier.gaps || missedCycles != earlier.missedCycles || staleMilliseconds != earlier.staleMilliseconds
      || lateMilliseconds != earlier.lateMilliseconds || floodedMilliseconds != earlier.floodedMilliseconds
      || silenceMilliseconds != earlier.silenceMilliseconds
  }
}
