import AudioCore
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// What is played into a sink arrives: each tone at its level, in its channel.
  @Suite(.serialized) struct ToneTests {
    @Test(arguments: [2, 6, 8])
    func everyChannelArrivesAtItsLevel(channels: Int) throws {
      let server = try PrivatePipeWire(sinkChannels: channels)
      let daemon = try DaemonUnderTest(on: server)
      let tone = TestTone(channels: channels)
      let bitrate = 96_000 * channels
      let sound = try hear(daemon, server, tone, channels: channels, bitrate: bitrate)
      for channel in 0..<channels {
        let own = tone.frequencies[channel]
        let level = sound[channel].usualLevel(of: own)
        measured("channel \(channel) of \(channels), \(own) Hz", level, "dBFS")
        #expect(abs(level + 20) < 0.2, "channel \(channel), \(own) Hz")
        for other in tone.frequencies where other != own {
          let leaked = sound[channel].usualLevel(of: other)
          #expect(leaked < level - 50, "channel \(channel) holds \(other) Hz at \(leaked)")
        }
      }
    }

    /// At the usual bit rates of surround the codec itself spends some accuracy. The whole path may add nothing to what
    /// the bare codec does to the same tones.
    @Test(arguments: [6, 8])
    func atTheUsualBitRatesOnlyTheCodecShows(channels: Int) throws {
      let server = try PrivatePipeWire(sinkChannels: channels)
      let daemon = try DaemonUnderTest(on: server)
      let tone = TestTone(channels: channels)
      let sound = try hear(daemon, server, tone, channels: channels, bitrate: nil)
      let bare = try throughCodec(tone, .session(channels: channels))
      for channel in 0..<channels {
        let own = tone.frequencies[channel]
        let (level, codec) = (sound[channel].usualLevel(of: own), bare[channel].usualLevel(of: own))
        measured("usual bit rate, channel \(channel) of \(channels), \(own) Hz, bare codec", codec, "dBFS")
        measured("usual bit rate, channel \(channel) of \(channels), \(own) Hz, whole path", level, "dBFS")
        #expect(abs(level - codec) < 0.2, "channel \(channel), \(own) Hz: \(level), bare codec \(codec)")
        #expect(ToneAnalysis.strongest(of: tone.frequencies, in: sound[channel], rate: 48_000) == own)
      }
    }

    @Test func aStereoSinkLeavesSixOfEightSilent() throws {
      let server = try PrivatePipeWire(sinkChannels: 2)
      let daemon = try DaemonUnderTest(on: server)
      let tone = TestTone(channels: 2)
      let sound = try hear(daemon, server, tone, channels: 8, bitrate: 768_000)
      for channel in 0..<2 {
        let level = sound[channel].usualLevel(of: tone.frequencies[channel])
        #expect(abs(level + 20) < 0.2, "channel \(channel) at \(level)")
      }
      for channel in 2..<8 {
        let loudest = sound[channel].reduce(0) { max($0, abs($1)) }
        #expect(loudest < 1e-5, "channel \(channel) reaches \(loudest)")
      }
    }

    /// The tones encoded and decoded again, with nothing in between.
    private func throughCodec(_ tone: TestTone, _ configuration: OpusConfiguration) throws -> [[Float]] {
      var configuration = configuration
      configuration.complexity = 10
      let channels = configuration.layout.count
      let planes = tone.samples(frames: 96_000)
      var encoder = try OpusEncoder(configuration)
      var decoder = try OpusDecoder(configuration)
      var result = [[Float]](repeating: [], count: channels)
      var pcm = [Float](repeating: 0, count: 240 * channels)
      var packet = [UInt8](repeating: 0, count: 4000)
      for start in stride(from: 0, to: 96_000, by: 240) {
        for index in pcm.indices { pcm[index] = planes[index % channels][start + index / channels] }
        let length = try pcm.withUnsafeBufferPointer { pcm in
          try packet.withUnsafeMutableBufferPointer { try encoder.encode(pcm.baseAddress!, into: $0) }
        }
        let frames = try packet[..<length].withUnsafeBufferPointer { packet in
          try pcm.withUnsafeMutableBufferPointer { try decoder.decode(packet, into: $0.baseAddress!, capacity: 240) }
        }
        for index in 0..<(frames.value * channels) { result[index % channels].append(pcm[index]) }
      }
      return result
    }

    /// Two seconds of steady decoded sound.
    private func hear(
      _ daemon: DaemonUnderTest, _ server: PrivatePipeWire, _ tone: TestTone, channels: Int, bitrate: Int?
    ) throws -> [[Float]] {
      let directory = try TemporaryDirectory()
      let file = directory.path + "/tone.wav"
      try tone.write(to: file, seconds: 20)
      let recorder = try PacketRecorder()
      var arguments: JSONObject = ["channels": JSON(channels)]
      if let bitrate { arguments["bitrate"] = JSON(bitrate) }
      try daemon.open(recorder, arguments)
      try daemon.waitUntilHearing()
      let player = try server.play(file)
      defer { player.stop() }
      // Until the tone has begun; then the two seconds that are looked at, without a gap the server made.
      let codec = OpusConfiguration.session(channels: channels, bitrate: bitrate)
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
