import AudioCore
import Control
import Glibc
import TestSupport
import Testing

/// A daemon whose profiles are the test's own, and what plays on its server.
final class RoutingRig {
  let server: PrivatePipeWire
  let state: TemporaryDirectory
  let config: TemporaryDirectory
  private(set) var daemon: DaemonUnderTest
  private let arguments: [String]

  /// `settings` are those of a configuration file.
  init(sinkChannels: Int = 2, profiles: [String: String] = [:], settings: String = "") throws {
    server = try PrivatePipeWire(sinkChannels: sinkChannels)
    state = try TemporaryDirectory()
    config = try TemporaryDirectory()
    for (name, text) in profiles { try Self.write(text, to: config, name) }
    if !settings.isEmpty { try settings.write(toFile: config.path + "/settings.toml") }
    arguments = settings.isEmpty ? [] : ["--config", config.path + "/settings.toml"]
    daemon = try DaemonUnderTest(
      on: server, arguments: arguments, state: state, environment: ["XDG_CONFIG_HOME": config.path])
  }

  func write(_ text: String, _ name: String) throws { try Self.write(text, to: config, name) }

  private static func write(_ text: String, to config: TemporaryDirectory, _ name: String) throws {
    for folder in ["/streamd", "/streamd/profiles"] { mkdir(config.path + folder, 0o700) }
    try text.write(toFile: "\(config.path)/streamd/profiles/\(name).toml")
  }

  func restart() throws {
    daemon = try DaemonUnderTest(
      on: server, arguments: arguments, state: state, environment: ["XDG_CONFIG_HOME": config.path])
  }

  @discardableResult
  func ask(_ verb: String, _ arguments: JSONObject = [:]) throws -> JSON { try daemon.client.request(verb, arguments) }

  /// Every link of this player leads to this node, and there are so many.
  func plays(_ player: String = "tone", to sink: String, links count: Int = 2) throws -> Bool {
    try waitUntil(timeout: 10) {
      let links = try server.links().filter {
        $0.output.hasPrefix(player + ":") && !["streamd.capture", "streamd-tap"].contains(where: $0.input.hasPrefix)
      }
      return links.count == count && links.allSatisfy { $0.input.hasPrefix(sink + ":") }
    }
  }

  func row(_ player: String = "tone") throws -> JSON? {
    try ask("route.list")["current"]?.arrayValue?.first {
      $0["labels"]?["node_name"]?.arrayValue?.contains(.string(player)) ?? false
    }
  }

  func route(_ player: String = "tone") throws -> String? { try row(player)?["route"]?.stringValue }

  /// The level of a tone at the real sink.
  func level(of frequency: Double = 997, seconds: Double = 0.5) throws -> Double {
    let heard = try SinkListener(server).record(seconds: seconds)
    return ToneAnalysis.level(of: frequency, in: heard, rate: 48_000)
  }

  /// It takes that level, within half a decibel, soon.
  func reaches(_ level: Double, of frequency: Double = 997) throws -> Bool {
    let listener = try SinkListener(server)
    return waitUntil(timeout: 10) {
      abs(ToneAnalysis.level(of: frequency, in: listener.record(seconds: 0.3), rate: 48_000) - level) < 0.5
    }
  }

  /// What the session manager gives to who names no sink.
  func defaultSink() throws -> String? {
    let text = try server.run(["pw-metadata", "0", "default.audio.sink"]).standardOutput
    guard let name = text.firstRange(of: "\"name\":\"") ?? text.firstRange(of: "\"name\": \"") else { return nil }
    return text[name.upperBound...].split(separator: "\"").first.map(String.init)
  }

  /// Where streams are told to play, as metadata has it.
  func targets() throws -> [String] {
    try server.run(["pw-metadata"]).standardOutput.split(separator: "\n").map { String($0) }
      .filter { $0.contains("target.object") && !$0.contains("remove") }
  }
}

extension String {
  fileprivate func write(toFile path: String) throws {
    guard let file = fopen(path, "w") else { throw SupportError("\(path) cannot be written") }
    fputs(self, file)
    fclose(file)
  }
}
