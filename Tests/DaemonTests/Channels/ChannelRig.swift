import Control
import Glibc
import TestSupport
import Testing

/// Four microphones that bring a tone of 440 Hz at full scale, four sinks, and a daemon that knows them by the numbers that
/// the example of `config.json` has.
final class ChannelRig {
  let server: PrivatePipeWire
  private(set) var daemon: DaemonUnderTest
  private let state: TemporaryDirectory
  static let pitch = 440.0

  /// As the users of the form write it.
  static let config = """
    {
      "sample_rate": 44100,
      "sample_format": "int16",
      "channels": 2,
      "blocksize": 512,
      "logical_channels": {
        "1": {"input_device_id": 1, "output_device_id": 3},
        "2": {"input_device_id": 2, "output_device_id": 4},
        "3": {"input_device_id": 5, "output_device_id": 6},
        "4": {"input_device_id": 7, "output_device_id": 8}
      },
      "dsp": {
        "comp": {"ratio": 2.0, "threshold_db": -20.0, "attack_ms": 10.0, "release_ms": 100.0},
        "limiter": {"ceiling_db": -3.0, "release_ms": 8.0}
      }
    }
    """

  /// `isFed`: the microphones bring what the test plays into them, and else nothing.
  init(channels: Int = 4, isFed: Bool = false) throws {
    server = try PrivatePipeWire()
    state = try TemporaryDirectory()
    mkdir(state.path + "/streamd", 0o700)
    var numbers = ""
    let inputs = [1, 2, 5, 7]
    let outputs = [3, 4, 6, 8]
    for channel in 1...4 {
      numbers += "\(inputs[channel - 1]) pipewire:input:name/in\(channel)\n"
      numbers += "\(outputs[channel - 1]) pipewire:output:name/out\(channel)\n"
    }
    guard let file = fopen(state.path + "/streamd/device-numbers", "w") else { throw SupportError("device-numbers") }
    fputs(numbers, file)
    fclose(file)
    for channel in 1...channels {
      if isFed {
        try server.createNode("in\(channel)", mediaClass: "Audio/Source/Virtual", channels: 2)
      } else {
        try Self.plugIn(channel, server)
      }
      try server.createSink("out\(channel)", channels: 2)
    }
    daemon = try DaemonUnderTest(on: server, state: state)
  }

  static func plugIn(_ channel: Int, _ server: PrivatePipeWire) throws {
    try server.createNode("in\(channel)", mediaClass: "Audio/Source", channels: 2, factory: "audiotestsrc")
  }

  /// Plays a sound into a microphone until the child is stopped.
  func feed(_ channel: Int, _ sound: [Float]) throws -> Child {
    let file = state.path + "/feed.wav"
    try WaveFile(rate: 48_000, channels: [sound, sound]).write(to: file)
    let player = try server.start([
      "pw-cat", "--playback", "--target", "0", "-P", "{ node.name = feeder }", file,
    ])
    for side in ["FL", "FR"] {
      guard
        try waitUntil(
          timeout: 10,
          { try server.run(["pw-link", "feeder:output_\(side)", "in\(channel):input_\(side)"]).status == 0 })
      else { throw SupportError("nothing plays into in\(channel): \(player.standardError)") }
    }
    return player
  }

  /// Ends the daemon and starts another with the same state.
  func restart() throws {
    daemon.stop()
    daemon = try DaemonUnderTest(on: server, state: state)
  }

  @discardableResult
  func configure(_ text: String) throws -> JSON {
    guard let arguments = try JSON.parse(Array(text.utf8)).objectValue else { throw SupportError("no object") }
    return try daemon.client.request("channels.configure", ["config": .object(arguments)])
  }

  func status() throws -> JSON { try daemon.client.request("channels.list") }

  func waitUntilRunning(_ channels: ClosedRange<Int>) throws {
    let isRunning = try waitUntil(timeout: 20) {
      let list = try status()["logical_channels"]
      return channels.allSatisfy { number in
        let channel = list?["\(number)"]
        return channel?["output"]?["state"] == "running" && channel?["input"]?["state"] == "running"
      }
    }
    guard isRunning else { throw SupportError("channels do not run: \(try status()); \(daemon.log.suffix(1500))") }
  }

  func listen(_ channel: Int) throws -> SinkListener { try SinkListener(server, to: "out\(channel)") }

  /// What a microphone brings, in dBFS at its peaks.
  func setInput(_ channel: Int, to level: Double) throws {
    let number = try #require(try server.nodeIdentifier("in\(channel)"))
    let factor = pow(10, level / 20)
    let result = try server.run([
      "pw-cli", "set-param", number, "Props", "{ channelVolumes: [ \(factor), \(factor) ] }",
    ])
    guard result.status == 0 else { throw SupportError(result.standardError) }
  }

  /// The peak level of the tone in the best of some recordings, once it is near what is expected.
  func level(_ listener: SinkListener, near expected: Double) -> Double {
    var found = -200.0
    for _ in 0..<20 {
      let sound = listener.record(seconds: 0.6)
      if let verdict = ToneVerdict(bestOf: sound, frequency: Self.pitch) { found = verdict.level }
      if abs(found - expected) < 0.1 { break }
    }
    return found
  }
}

/// How far a recording bends away from a tone of that pitch at its worst place, relative to full scale: a click shows, a gain
/// that moves smoothly does not.
func worstBend(_ sound: [Float], pitch: Double, rate: Double = 48_000) -> Double {
  let turn = 2 * cos(2 * .pi * pitch / rate)
  var worst = 0.0
  for place in sound.indices.dropFirst(2) {
    worst = max(worst, abs(Double(sound[place]) - turn * Double(sound[place - 1]) + Double(sound[place - 2])))
  }
  return worst
}
