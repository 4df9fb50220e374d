import CLinux
import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Players that others wrote get the text that `streamctl session open` prints, and nothing else.
  @Suite(.serialized) struct PlayerTests {
    static let gstreamer = "/usr/bin/gst-launch-1.0"
    static let ffmpeg = "/usr/bin/ffmpeg"

    @Test(.enabled(if: access(ffmpeg, X_OK) == 0, "ffmpeg is not installed"))
    func ffmpegPlaysASession() throws {
      try check(channels: 2) { description, output in
        [
          Self.ffmpeg, "-v", "error", "-y", "-protocol_whitelist", "file,udp,rtp", "-i", description, "-f", "f32le",
          "-flush_packets", "1", output,
        ]
      }
    }

    @Test(
      .enabled(if: access(gstreamer, X_OK) == 0, "GStreamer is not installed"),
      arguments: Breadth.of([2, 6, 8], brief: [8]))
    func gstreamerPlaysEveryChannelInItsPlace(channels: Int) throws {
      try check(channels: channels) { description, output in
        [
          Self.gstreamer, "-q", "filesrc", "location=\(description)", "!", "sdpdemux", "latency=50", "!",
          "rtpopusdepay", "!", "opusdec", "phase-inversion=true", "!", "audioconvert", "!",
          "audio/x-raw,format=F32LE,layout=interleaved", "!", "filesink", "buffer-mode=unbuffered",
          "location=\(output)",
        ]
      }
    }

    private func check(channels: Int, _ command: (String, String) -> [String]) throws {
      let server = try PrivatePipeWire(sinkChannels: channels)
      let daemon = try DaemonUnderTest(on: server)
      let directory = try TemporaryDirectory()
      let tone = TestTone(channels: channels)
      try tone.write(to: directory.path + "/tone.wav", seconds: 60)
      let source = try server.play(directory.path + "/tone.wav")
      defer { source.stop() }

      let opened = try daemon.streamctl([
        "session", "open", "--to", "127.0.0.1:\(try Self.freePort())", "--channels", "\(channels)",
      ])
      #expect(opened.status == 0)
      let description = directory.path + "/session.sdp"
      try Self.write(opened.standardOutput, to: description)
      try daemon.waitUntilHearing()

      let output = directory.path + "/heard.f32"
      let player = try Child(command(description, output))
      defer { player.stop() }
      let wanted = 3 * 48_000 * channels * 4
      #expect(waitUntil(timeout: 30) { Self.size(output) >= wanted || player.status != nil }, "the player is slow")
      let heard = try Self.floats(output)
      try #require(heard.count >= wanted / 4, "the player ended: \(player.standardError)")
      for channel in 0..<channels {
        // What it starts with may be silence or concealment; the newest two seconds count.
        let frames = heard.count / channels
        let newest = (frames - 96_000..<frames).map { heard[$0 * channels + channel] }
        let own = tone.frequencies[channel]
        let level = newest.usualLevel(of: own)
        measured("player, channel \(channel) of \(channels), \(own) Hz", level, "dBFS")
        #expect(abs(level + 20) < 0.2, "channel \(channel), \(own) Hz at \(level)")
        #expect(ToneAnalysis.strongest(of: tone.frequencies, in: newest, rate: 48_000) == own)
      }
    }

    /// Even, and its successor most likely free as well: players take that one for RTCP.
    private static func freePort() throws -> Int { Int(try PacketRecorder().port) & ~1 }

    private static func write(_ text: String, to path: String) throws {
      let file = try #require(fopen(path, "w"))
      fputs(text, file)
      fclose(file)
    }

    private static func size(_ path: String) -> Int { FileFacts(of: path)?.size ?? 0 }

    private static func floats(_ path: String) throws -> [Float] {
      let file = try #require(fopen(path, "r"))
      defer { fclose(file) }
      var samples = [Float](repeating: 0, count: size(path) / 4)
      let count = samples.withUnsafeMutableBytes { fread($0.baseAddress, 4, $0.count / 4, file) }
      return Array(samples[..<count])
    }
  }
}
