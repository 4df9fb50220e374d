import Control
import TestSupport
import Testing
import Wire

extension DaemonTests {
  /// What GameStream clients hear.
  @Suite(.serialized) struct GameStreamTests {
    static let table = ["21101", "21101", "642012453", "660012345", "85301245673", "88001234567"]
    /// Opus bytes of five milliseconds, normal and high.
    static let sizes = [2: (60, 320), 6: (160, 960), 8: (281, 1280)]

    /// Every stream of one layout at once: both qualities, both durations, plain and encrypted.
    @Test(arguments: Breadth.of([2, 6, 8], brief: [8]))
    func everyChannelArrivesInItsPlace(channels: Int) throws {
      let server = try PrivatePipeWire(sinkChannels: channels)
      let daemon = try DaemonUnderTest(on: server)
      let tone = TestTone(channels: channels)
      let directory = try TemporaryDirectory()
      try tone.write(to: directory.path + "/tone.wav", seconds: 40)
      let player = try server.play(directory.path + "/tone.wav")
      defer { player.stop() }
      var clients: [GameStreamClient] = []
      for quality in GameStreamQuality.allCases {
        let shape = try #require(GameStreamConfiguration(channels: channels, quality))
        for duration in shape.durations {
          for isEncrypted in [false, true] {
            clients.append(
              try GameStreamClient(
                try daemon.openGameStream(channels: channels, quality, duration, isEncrypted: isEncrypted)))
          }
        }
      }
      #expect(clients.count == (channels == 2 ? 8 : 6))
      try daemon.waitUntilHearing()
      #expect(try waitUntil(timeout: 20) { try Self.isLoud(clients[0]) })
      let starts = clients.map { Self.blockStart($0.count) }
      // Two seconds and a half more for each: six datagrams carry four packets.
      #expect(
        waitUntil(timeout: 20) {
          zip(clients, starts).allSatisfy { $0.count > $1 + 3750 / $0.session.duration.rawValue }
        })
      for (client, start) in zip(clients, starts) { try Self.check(client, from: start, tone) }
      let sessions = try daemon.status()["sessions"]?.arrayValue ?? []
      // The same stream is encoded once, whoever it is encrypted for.
      #expect(sessions.allSatisfy { $0["encoder_shared_by"] == 2 && $0["protocol"] == "gamestream" }, "\(sessions)")
    }

    private static func check(_ client: GameStreamClient, from start: Int, _ tone: TestTone) throws {
      let session = client.session
      let what =
        "\(session.channels) \(session.quality) \(session.duration) \(session.isEncrypted ? "encrypted" : "plain")"
      #expect(session.lines == Self.table.map { "a=fmtp:97 surround-params=\($0)\n" }.joined(), "\(what)")
      let datagrams = client.datagrams
      Self.checkSizes(datagrams, session, what)
      // Nothing before the first ping; from there on without a gap, from sequence 0.
      #expect(datagrams[0].pings > 0 && Array(datagrams[0].bytes[2...3]) == [0, 0], "\(what)")
      let sound = try GameStreamSound(session, datagrams[start...])
      let counts = sound.statistics
      #expect(counts.lost + counts.late + counts.duplicates + counts.malformed + counts.undecryptable == 0, "\(what)")
      let reference = try CodecReference.of(session, tone)
      for channel in 0..<session.channels {
        let newest = Array(sound.planes[channel].suffix(96_000))
        let own = tone.frequencies[channel]
        let level = newest.usualLevel(of: own)
        measured("\(what), channel \(channel), \(own) Hz", level, "dBFS")
        // Normal surround has 43 to 56 kbit/s for a channel.
        let isRough = session.quality == .normal && session.channels > 2
        let usual = reference.levels[channel]
        #expect(
          level > usual.lowerBound - 0.15 && level < usual.upperBound + 0.15,
          "\(what), channel \(channel): \(level), the codec alone \(usual)")
        #expect(isRough || abs(level + 20) < 0.2, "\(what), channel \(channel): \(level)")
        for other in tone.frequencies where other != own {
          let leaked = newest.usualLevel(of: other)
          #expect(leaked < (isRough ? -36 : -50), "\(what), channel \(channel) holds \(other) Hz at \(leaked)")
        }
      }
    }

    private static func checkSizes(
      _ datagrams: [GameStreamClient.Datagram], _ session: GameStreamSession, _ what: String
    ) {
      let (normal, high) = sizes[session.channels]!
      let opus = (session.quality == .high ? high : normal) * (session.duration == .ms10 ? 2 : 1)
      let payload = session.isEncrypted ? (opus / 16 + 1) * 16 : opus
      let data = Set(datagrams.lazy.filter { $0.bytes[1] == 97 }.map(\.bytes.count))
      let parity = Set(datagrams.lazy.filter { $0.bytes[1] == 127 }.map(\.bytes.count))
      #expect(data == [12 + payload] && parity == [24 + payload], "\(what): \(data) \(parity)")
    }

    /// Whether the newest 200 ms hold sound.
    private static func isLoud(_ client: GameStreamClient) throws -> Bool {
      let datagrams = client.datagrams
      guard datagrams.count > 180 else { return false }
      let sound = try GameStreamSound(client.session, datagrams.suffix(120))
      return sound.planes.allSatisfy { $0.suffix(4800).contains { abs($0) > 0.05 } }
    }

    /// Where a block begins: each is six datagrams.
    private static func blockStart(_ count: Int) -> Int { count / 6 * 6 }

    @Test func aLayoutOfTheClientsOwnIsHeardInBothQualities() throws {
      let server = try PrivatePipeWire(sinkChannels: 6)
      let daemon = try DaemonUnderTest(on: server)
      let player = try server.start([Products.streamctl, "test-tone", "--channels", "6", "--level", "-20"])
      defer { player.stop() }
      #expect(waitUntil(timeout: 10) { player.standardError.contains("playing") })
      for quality in ["normal", "high"] {
        let heard = try daemon.streamctl([
          "listen", "--gamestream", "--surround-params", "633104235", "--quality", quality, "--bitrate", "1200000",
          "--seconds", "3", "--json",
        ])
        let summary = try JSON.parse(String(try #require(heard.standardOutput.split(separator: "\n").last)))
        // The pitches of `streamctl test-tone`. A jump in what the server plays is none of ours.
        for (index, pitch) in [997.0, 1499, 701, 211, 2003, 2503].enumerated() {
          let channel = try #require(summary["channels"]?[index])
          let frequency = try #require(channel["frequency_hz"]?.doubleValue, "\(summary)")
          #expect(abs(frequency - pitch) < 3, "\(quality): \(channel)")
          #expect(abs((channel["tone_dbfs"]?.doubleValue ?? 0) + 20) < 0.8, "\(quality): \(channel)")
        }
      }
    }

    @Test func theListenerRepairsWhatANetworkLoses() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let player = try server.start([Products.streamctl, "test-tone", "--level", "-20"])
      defer { player.stop() }
      #expect(waitUntil(timeout: 10) { player.standardError.contains("playing") })
      let heard = try daemon.streamctl([
        "listen", "--gamestream", "--quality", "high", "--encrypt", "--seconds", "4", "--lose", "10", "--lose-burst",
        "2",
        "--lose-limit", "2", "--seed", "3", "--json", "--expect-test-tone", "-20",
      ])
      let summary = try JSON.parse(String(try #require(heard.standardOutput.split(separator: "\n").last)))
      let lost = try #require(summary["injected"]?["lost_data"]?.intValue)
      let recovered = try #require(summary["recovered"]?.intValue)
      #expect(lost > 20 && summary["concealed"] == 0 && summary["late"] == 0, "\(summary)")
      // The newest block may still wait, and what is lost while the start is dropped is not missed.
      #expect(recovered == summary["lost"]?.intValue && recovered <= lost && recovered > lost / 2, "\(summary)")
      #expect(try daemon.status()["state"] == "idle")
      // Without the limit nothing can be intact, and the exit status says so.
      let broken = try daemon.streamctl([
        "listen", "--gamestream", "--seconds", "3", "--lose", "40", "--expect-test-tone", "-20",
      ])
      #expect(broken.status == 7 && broken.standardError.contains("packets lost"), "\(broken)")
    }
  }
}
