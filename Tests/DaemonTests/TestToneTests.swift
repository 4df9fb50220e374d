import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// `streamctl test-tone` without PipeWire.
  @Suite(.serialized) struct TestToneTests {
    @Test func tonePlaysIntoAPCM() throws {
      let card = try SoftCard()
      var environment = Environment.current
      environment["ALSA_CONFIG_PATH"] = card.configuration
      let player = try Child.run(
        [
          Products.streamctl, "test-tone", "--backend", "alsa:tofile", "--seconds", "0.5", "--frequency", "440",
          "--level", "-6",
        ], environment: environment)
      #expect(player.status == 0 && player.standardError.contains("playing tofile"), "\(player)")
      for channel in try SoftCard.samples(of: card.file, format: .float32, channels: 2) {
        let verdict = try #require(ToneVerdict(bestOf: Array(channel.dropFirst(4_800)), frequency: 440))
        #expect(abs(verdict.level + 6) < 0.01 && verdict.residual < -100, "\(verdict)")
      }
    }

    /// JACK's library is silent about it: what is said is ours.
    @Test func tonePlaysIntoAJACKServerThatDies() throws {
      let server = try PrivateJACK()
      var environment = server.environment
      environment["JACK_DEFAULT_SERVER"] = nil
      environment["JACK_NO_START_SERVER"] = nil
      let player = try Child(
        [Products.streamctl, "test-tone", "--backend", "jack:\(server.name)", "--channels", "1"],
        environment: environment)
      #expect(waitUntil(timeout: 10) { player.standardError.contains("playing system") }, "\(player.standardError)")
      let left = try server.connections(of: "streamctl.test-tone:output_MONO")
      #expect(left == ["system:playback_1", "system:playback_2"])
      server.kill()
      #expect(waitUntil(timeout: 10) { player.standardError.contains("waiting") }, "\(player.standardError)")
      try server.restart()
      #expect(waitUntil(timeout: 10) { player.standardError.split(separator: "\n").count == 3 })
      player.signal(SIGINT)
      #expect(player.wait(timeout: 5) == 0)
      #expect(player.standardError.split(separator: "\n").allSatisfy { $0.hasPrefix("test-tone: ") })
      #expect(player.standardError.split(separator: "\n").count == 4, "\(player.standardError)")
    }

    @Test(arguments: [
      "jackd", "jack:", "jack --remote x", "alsa:", "alsa:card --sink x", "alsa --remote x",
    ]) func backendIsUnderstoodOrRefused(
      words: String
    ) throws {
      let result = try Child.run(
        [Products.streamctl, "test-tone", "--backend"] + words.split(separator: " ").map(String.init))
      #expect(result.status == 2 && !result.standardError.isEmpty, "\(result)")
    }
  }
}
