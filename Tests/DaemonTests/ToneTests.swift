import AudioCore
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// What is played into a sink arrives: each tone at its level, in its channel.
  @Suite(.serialized) struct ToneTests {
    @Test(arguments: Breadth.of([2, 6, 8], brief: [6]))
    func everyChannelArrivesAtItsLevel(channels: Int) throws {
      let server = try PrivatePipeWire(sinkChannels: channels)
      let daemon = try DaemonUnderTest(on: server)
      let tone = TestTone(channels: channels)
      let sound = try hear(daemon, server, tone, channels: channels)
      for channel in 0..<channels {
        let own = tone.frequencies[channel]
        let level = sound[channel].usualLevel(of: own)
        measured("channel \(channel) of \(channels), \(own) Hz", level, "dBFS")
        #expect(abs(level + 20) < 0.2, "channel \(channel), \(own) Hz")
        for other in tone.frequencies where other != own {
          let leaked = sound[channel].usualLevel(of: other)
          // Partners of a pair are coded together and bleed a little into each other.
          #expect(leaked < -50, "channel \(channel) holds \(other) Hz at \(leaked)")
        }
      }
    }

    @Test func aStereoSinkLeavesSixOfEightSilent() throws {
      let server = try PrivatePipeWire(sinkChannels: 2)
      let daemon = try DaemonUnderTest(on: server)
      let tone = TestTone(channels: 2)
      let sound = try hear(daemon, server, tone, channels: 8)
      for channel in 0..<2 {
        let level = sound[channel].usualLevel(of: tone.frequencies[channel])
        #expect(abs(level + 20) < 0.2, "channel \(channel) at \(level)")
      }
      for channel in 2..<8 {
        let loudest = sound[channel].reduce(0) { max($0, abs($1)) }
        #expect(loudest < 1e-5, "channel \(channel) reaches \(loudest)")
      }
    }

    /// Two seconds of steady decoded sound.
    private func hear(
      _ daemon: DaemonUnderTest, _ server: PrivatePipeWire, _ tone: TestTone, channels: Int
    ) throws -> [[Float]] {
      let directory = try TemporaryDirectory()
      let file = directory.path + "/tone.wav"
      try tone.write(to: file, seconds: 20)
      let recorder = try PacketRecorder()
      let codec = try daemon.open(recorder, ["channels": JSON(channels)])
      try daemon.waitUntilHearing()
      let player = try server.play(file)
      defer { player.stop() }
      // Until the tone has begun; then the two seconds that are looked at, without a gap the server made.
      #expect(try waitUntil(timeout: 15) { try recorder.recording.peaks(codec).suffix(40).allSatisfy { $0 > 0.05 } })
      for _ in 0..<4 {
        let before = Accounts(try daemon.status())
        let start = recorder.count
        #expect(waitUntil(timeout: 15) { recorder.count >= start + 440 })
        guard Accounts(try daemon.status()).hasLoss(since: before) else {
          return try recorder.recording.decoded(codec).map { Array($0.suffix(96_000)) }
        }
        print("the server lost a cycle: measuring again")
      }
      throw SupportError("no two seconds without a lost graph cycle: \(try daemon.status())")
    }
  }
}

extension [Float] {
  /// The middle one of the levels of short windows: a jump in what the player delivers spoils one window, not the level.
  func usualLevel(of frequency: Double) -> Double {
    let levels = stride(from: 0, through: count - 8192, by: 4096).map {
      ToneAnalysis.level(of: frequency, in: self[$0..<$0 + 8192], rate: 48_000)
    }
    return levels.isEmpty ? -200 : levels.sorted()[levels.count / 2]
  }
}
