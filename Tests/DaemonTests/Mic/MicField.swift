import AudioCore
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing
import Wire

/// A daemon with its microphone in a graph with a real one, and recorders for it.
final class MicField {
  static let source = "streamd.mic"
  static let description = "Game stream microphone"
  static let secret = "000102030405060708090a0b0c0d0e0f"
  static let keyID: Int32 = 77

  let server: PrivatePipeWire
  let state: TemporaryDirectory
  private(set) var daemon: DaemonUnderTest!
  private let settings: String
  private var pulse: Child?
  private var recordings = 0

  /// - Parameters:
  ///   - settings: lines for the daemon's [mic] section.
  ///   - devices: whether the server has a sink and a microphone of its own. These outlive a session manager, and with them
  ///     there its successor links nobody (WirePlumber 0.4).
  init(_ settings: String = "", quantum: Int = 256, devices: Bool = true) throws {
    server = try PrivatePipeWire(sinkChannels: devices ? 2 : 0, microphone: devices)
    state = try TemporaryDirectory()
    self.settings = settings
    try server.setQuantum(quantum)
    try startDaemon()
  }

  deinit { pulse?.stop() }

  /// A daemon, after the last one ended; returns when its source can be recorded.
  func startDaemon() throws {
    let file = state.path + "/streamd.toml"
    guard let out = fopen(file, "w") else { throw SupportError("\(file): \(errno)") }
    fputs("[mic]\n\(settings)\n", out)
    fclose(out)
    daemon = try DaemonUnderTest(on: server, arguments: ["--config", file], state: state)
    guard try waitUntil(timeout: 15, { try isReady() }) else { throw SupportError("\(try report()); \(daemon.log)") }
  }

  /// The source is in the graph.
  func isReady() throws -> Bool { try report()["state"]?.stringValue != "degraded" }

  // MARK: Ways in

  var localSocket: String { String(daemon.socket[..<daemon.socket.lastIndex(of: "/")!]) + "/mic.sock" }

  func open(_ arguments: JSONObject) throws -> JSON { try daemon.client.request("mic.open", arguments) }

  struct Opened<Wire> {
    var id: String
    var wire: Wire
  }

  func openSealed(_ more: JSONObject = [:]) throws -> Opened<SealedWire> {
    let reply = try open((["rikey": .string(Self.secret)] as JSONObject).with(more))
    guard let id = reply["mic"]?["mic"]?.stringValue, let port = reply["port"]?.intValue,
      let session = reply["session_id"]?.stringValue.flatMap(UInt32.init)
    else { throw SupportError("mic.open: \(reply)") }
    return Opened(id: id, wire: try SealedWire(port: UInt16(port), session: session))
  }

  func openGameStream(
    _ form: GameStreamMicHeader.Form = .plain, padding: GameStreamMicSender.Padding = .single,
    secret: String = MicField.secret, _ more: JSONObject = [:]
  ) throws -> Opened<GameStreamWire> {
    let arguments: JSONObject = ["protocol": "gamestream", "rikey": .string(secret), "rikeyid": JSON(Int(Self.keyID))]
    let reply = try open(arguments.with(more))
    guard let id = reply["mic"]?["mic"]?.stringValue, let port = reply["port"]?.intValue else {
      throw SupportError("mic.open: \(reply)")
    }
    return Opened(
      id: id, wire: try GameStreamWire(port: UInt16(port), secret: secret, form: form, padding: padding))
  }

  // MARK: What it says

  func report() throws -> JSON { try daemon.client.request("mic.list")["mic"] ?? .null }

  func mic(_ id: String) throws -> JSON {
    try report()["mics"]?.arrayValue?.first { $0["mic"]?.stringValue == id } ?? .null
  }

  func refused(_ id: String, _ reason: String) throws -> Int { try mic(id)["refused"]?[reason]?.intValue ?? 0 }

  func waitUntilHeard(_ id: String) throws {
    guard try waitUntil(timeout: 15, { try mic(id)["received"]?.intValue ?? 0 > 5 }) else {
      throw SupportError("\(id) is not heard: \(try report())")
    }
  }

  // MARK: Recording

  var environment: [String: String] {
    server.environment.merging(["PULSE_SERVER": "unix:\(server.runtimeDirectory)/pulse/native"]) { $1 }
  }

  func startPulse() throws {
    pulse?.stop()
    pulse = try server.start(["pipewire-pulse"])
    try #require(waitUntil(timeout: 10) { (try? run(["pactl", "info"]).status) == 0 })
  }

  func run(_ command: [String]) throws -> ProgramResult { try Child.run(command, environment: environment) }

  /// What a program records of the source in about so many seconds.
  func record(_ recorder: SourceRecorder = .pipewire, seconds: Double = 3) throws -> WaveFile {
    if recorder == .pulse { try startPulse() }
    recordings += 1
    let file = server.runtimeDirectory + "/heard-\(recordings).wav"
    let command = recorder.command(file, source: Self.source, description: Self.description, seconds: seconds)
    let child = try Child(command, environment: environment)
    guard try waitUntil(timeout: 15, { try report()["recorders"]?.intValue ?? 0 > 0 || child.status != nil }) else {
      throw SupportError("\(recorder) does not record: \(child.standardError), \(try report())")
    }
    waitUntil(timeout: recorder == .jack ? seconds + 10 : seconds) { child.status != nil }
    child.signal(SIGINT)
    _ = child.wait(timeout: 10)
    return try WaveFile(reading: file)
  }

  /// Whether a recording is a client's tone: at its level, at its pitch, and beside it no more than the codec itself leaves,
  /// which for a tone at 64 kb/s is more than −60 dB; samples that nobody coded meet that.
  func judge(
    _ what: String, _ samples: [Float], isCoded: Bool = true, _ place: SourceLocation = #_sourceLocation
  ) throws {
    let verdict = try #require(
      ToneVerdict(following: samples, near: 997), "\(samples.count) frames", sourceLocation: place)
    let limit = isCoded ? try Self.codecResidual.get() + 2.5 : -60
    print("measured: \(what): \(verdict), limit \((limit * 10).rounded() / 10) dB")
    #expect(abs(verdict.level + 20) < 0.3, "\(what): \(verdict)", sourceLocation: place)
    #expect(verdict.residual < limit, "\(what): \(verdict)", sourceLocation: place)
    // Less than half a cent: what following the clocks may cost.
    #expect(abs(verdict.detune) < 0.2, "\(what): \(verdict)", sourceLocation: place)
  }

  /// What a client's packets sound like without any way in between.
  private static let codecResidual = Result {
    let configuration = OpusConfiguration.standard(layout: .mono, bitrate: 64_000, frame: .ms20)
    var encoder = try OpusEncoder(configuration)
    var decoder = try OpusDecoder(configuration)
    let tone = MicVoice.tone()
    var decoded: [Float] = []
    for packet in 0..<100 {
      let samples = (0..<960).map { tone(Int64(packet * 960 + $0)) }
      var bytes = [UInt8](repeating: 0, count: configuration.packetBytes)
      let length = try bytes.withUnsafeMutableBufferPointer { try encoder.encode(samples, into: $0) }
      var heard = [Float](repeating: 0, count: 960)
      _ = try bytes[..<length].withUnsafeBufferPointer { try decoder.decode($0, into: &heard, capacity: 960) }
      decoded += heard
    }
    guard let verdict = ToneVerdict(following: decoded, near: 997) else { throw SupportError("too short") }
    return verdict.residual
  }
}

extension JSONObject {
  /// The members of both; where both have a name, `more` wins.
  func with(_ more: JSONObject) -> JSONObject {
    var result = self
    result.merge(more)
    return result
  }
}
