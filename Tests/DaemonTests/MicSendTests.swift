import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// What `streamctl mic` sends is what applications record.
  @Suite(.serialized) struct MicSendTests {
    private static let source = "streamd.mic"

    /// A daemon, a recorder of its microphone, and whoever talks into it.
    private final class Scene {
      let server: PrivatePipeWire
      let daemon: DaemonUnderTest
      private let file: String
      private let recorder: Child

      init(microphone: Bool = false) throws {
        server = try PrivatePipeWire(microphone: microphone)
        daemon = try DaemonUnderTest(on: server)
        file = server.runtimeDirectory + "/heard.wav"
        let server = server
        try #require(try waitUntil(timeout: 15) { try server.nodes().contains(MicSendTests.source) })
        recorder = try server.start([
          "pw-record", "--target", MicSendTests.source, "--channels", "1", "--format", "f32", file,
        ])
        let daemon = daemon
        try #require(try waitUntil(timeout: 15) { try daemon.status()["mic"]?["recorders"] == 1 })
      }

      deinit {
        recorder.stop()
        daemon.stop()
        server.stop()
      }

      func talk(_ words: String) throws -> Child {
        try Child(
          [Products.streamctl, "mic", "send", "--json", "--socket", daemon.socket]
            + words.split(separator: " ").map { String($0) }, environment: server.environment)
      }

      func mics() throws -> [JSON] { try daemon.client.request("mic.list")["mic"]?["mics"]?.arrayValue ?? [] }

      /// Ends the recording and returns it.
      func recording() throws -> [Float] {
        recorder.signal(SIGINT)
        _ = recorder.wait(timeout: 10)
        return try WaveFile(reading: file).channels[0]
      }
    }

    private func summary(_ child: Child, timeout: Double = 20) throws -> JSON {
      #expect(child.wait(timeout: timeout) == 0, "\(child.standardError)")
      let line = child.standardOutput.split(separator: "\n").last.map { String($0) } ?? ""
      return try JSON.parse(Array(line.utf8))
    }

    @Test(arguments: Breadth.of(["sealed", "gamestream", "local"], brief: ["sealed"])) func theToneIsRecorded(
      way: String
    ) throws {
      let scene = try Scene()
      let sender = try scene.talk("--tone 997 --seconds 4 --protocol \(way)")
      #expect(try waitUntil(timeout: 10) { try scene.mics().first?["state"] == "playing" })
      let table = try scene.daemon.streamctl(["mic", "status"])
      #expect(table.status == 0 && table.standardOutput.contains("playing"), "\(table)")
      let summary = try summary(sender)
      #expect(summary["packets"] == 200 && summary["host"]?["lost"] == 0, "\(summary)")
      #expect(summary["host"]?["received"]?.intValue ?? 0 >= 198, "\(summary)")
      #expect(try waitUntil(timeout: 5) { try scene.mics().isEmpty })
      let verdict = try #require(ToneVerdict(bestOf: try scene.recording(), frequency: 997))
      #expect(abs(verdict.level + 20) < 0.5 && verdict.residual < -25, "\(verdict)")
    }

    @Test func lossesArriveAsLosses() throws {
      let scene = try Scene()
      let summary = try summary(try scene.talk("--tone 997 --seconds 6 --lose 10 --jitter 20 --seed 3"))
      let lost = try #require(summary["injected"]?["lost"]?.intValue)
      #expect(lost > 10 && abs((summary["host"]?["lost"]?.intValue ?? 0) - lost) <= 2, "\(summary)")
      #expect(summary["host"]?["recovered_ms"]?.doubleValue ?? 0 > 0, "\(summary)")
    }

    /// The microphone of this computer, although the daemon's own is the default.
    @Test func theLocalMicrophoneIsSent() throws {
      let scene = try Scene(microphone: true)
      try scene.server.run([
        "pw-metadata", "0", "default.configured.audio.source", "{\"name\":\"\(Self.source)\"}", "Spa:String:JSON",
      ])
      let summary = try summary(try scene.talk("--source --seconds 4"))
      #expect(summary["packets"]?.intValue ?? 0 > 150, "\(summary)")
      // The private microphone plays 440 Hz at full scale.
      let sound = try scene.recording()
      let verdict = try #require(ToneVerdict(bestOf: sound, frequency: 440))
      #expect(abs(verdict.level) < 1 && verdict.residual < -20, "\(verdict)")
    }

    @Test func anOpenMicrophoneIsTalkedInto() throws {
      let scene = try Scene()
      let key = "000102030405060708090a0b0c0d0e0f"
      func run(_ words: String) throws -> ProgramResult {
        try scene.daemon.streamctl(["mic"] + words.split(separator: " ").map { String($0) })
      }
      let opened = try JSON.parse(
        Array(try run("open --json --name tv --protocol gamestream --rikey \(key) --rikeyid 9").standardOutput.utf8))
      let port = try #require(opened["port"]?.intValue)
      let sender = try scene.talk(
        "--protocol gamestream --to 127.0.0.1:\(port) --rikey \(key) --rikeyid 9 --double-padding --tone 997")
      #expect(try waitUntil(timeout: 10) { try scene.mics().first?["state"] == "playing" })
      #expect(try run("mute tv").status == 0)
      #expect(try waitUntil(timeout: 5) { try scene.mics().first?["muted"] == true })
      #expect(try run("unmute tv").status == 0)
      let list = try run("list").standardOutput
      #expect(list.contains("tv") && list.contains("gamestream"), "\(list)")
      #expect(try waitUntil(timeout: 10) { try scene.mics().first?["received"]?.intValue ?? 0 > 20 })
      // Ctrl-C ends a talk in order; the microphone was not its own.
      sender.signal(SIGINT)
      #expect(try summary(sender)["packets"]?.intValue ?? 0 > 10)
      #expect(try scene.mics().count == 1)
      #expect(try run("close tv").status == 0)
      #expect(try scene.mics().isEmpty)
      #expect(try run("close tv").status == 4)
    }

    @Test func whatCannotBeSaysSo() throws {
      let scene = try Scene()
      let sender = try scene.talk("--source nothing --seconds 1")
      #expect(sender.wait(timeout: 15) == 4)
      #expect((sender.standardError + sender.standardOutput).contains("nothing"), "\(sender.standardError)")
      #expect(try waitUntil(timeout: 5) { try scene.mics().isEmpty })
    }
  }
}
