import AudioCore
import Glibc
import TestSupport
import Testing
import Wire

@testable import streamctl

/// Players that others wrote: they get nothing but the description's text and the packets.
///
/// They are not there on every machine that builds this; where they are missing the test is skipped.
@Suite(.serialized) struct ForeignPlayerTests {
  static let gstreamer = "/usr/bin/gst-launch-1.0"
  static let ffmpeg = "/usr/bin/ffmpeg"
  static let hasGStreamer = access(gstreamer, X_OK) == 0 && access("/usr/bin/gst-inspect-1.0", X_OK) == 0
  static let hasFFmpeg = access(ffmpeg, X_OK) == 0

  @Test(
    .enabled(if: hasGStreamer),
    arguments: Breadth.of([ChannelLayout.mono, .stereo, .surround51, .surround71], brief: [.surround71]))
  func gstreamerPlaysEveryChannelInItsPlace(_ layout: ChannelLayout) throws {
    try check(layout) { Self.pipeline($0, $1, decoder: ["opusdec", "phase-inversion=true"]) }
  }

  private static func pipeline(_ description: String, _ output: String, decoder: [String]) -> [String] {
    [gstreamer, "-q", "filesrc", "location=\(description)", "!", "sdpdemux", "latency=20", "!", "rtpopusdepay", "!"]
      + decoder + ["!", "audioconvert", "!", "audio/x-raw,format=F32LE,layout=interleaved", "!"]
      + ["filesink", "buffer-mode=unbuffered", "location=\(output)"]
  }

  /// As it comes, GStreamer's decoder needs an encoder that does without inversion.
  @Test(.enabled(if: hasGStreamer), arguments: [ChannelLayout.stereo, .surround51])
  func gstreamerWithoutOptionsPlaysSoundWithoutInversion(_ layout: ChannelLayout) throws {
    try check(layout, phaseInversion: false) { Self.pipeline($0, $1, decoder: ["opusdec"]) }
  }

  @Test(.enabled(if: hasFFmpeg), arguments: [ChannelLayout.mono, .stereo])
  func ffmpegPlaysMonoAndStereo(_ layout: ChannelLayout) throws {
    try check(layout) { description, output in
      [
        Self.ffmpeg, "-v", "error", "-y", "-protocol_whitelist", "file,udp,rtp", "-i", description, "-f", "f32le",
        "-flush_packets", "1", output,
      ]
    }
  }

  /// Sends a tone a channel until the player has written two seconds of sound, and looks at the last of them.
  private func check(
    _ layout: ChannelLayout, phaseInversion: Bool = true, _ command: (String, String) -> [String]
  ) throws {
    let (description, output) = (WAVWriterTests.temporary(), WAVWriterTests.temporary())
    defer {
      unlink(description)
      unlink(output)
    }
    var stream = SteadyStream(layout, captureTime: true)
    stream.phaseInversion = phaseInversion
    var session = stream.description
    // A free port whose successor, which players take for RTCP, is most likely free as well.
    session.port = try { try Receiver(address: "127.0.0.1").port }() & ~1
    try Self.write(session.text(), to: description)
    let player = try #require(Self.spawn(command(description, output)))
    defer {
      kill(player, SIGKILL)
      waitpid(player, nil, 0)
    }
    let sender = Sender(to: session.port)
    var encoder = try stream.makeEncoder()
    // RTP says nothing of the count of channels: players make two of one.
    let channels = max(layout.count, 2)
    var heard = 0
    for _ in 0..<2400 where heard < 96_000 * 4 * channels {
      sender.send(try stream.next(&encoder, capturedAt: NTPTime(unixNanoseconds: Sender.wallClock)))
      usleep(5000)
      heard = Self.size(output)
    }
    let samples = Self.floats(output)
    let monoOut = layout == .mono && samples.count > 4000 && !Self.isPaired(samples)
    let count = monoOut ? 1 : channels
    for channel in 0..<count {
      let newest = stride(from: samples.count / count / 2 * count + channel, to: samples.count, by: count)
        .map { samples[$0] }
      let tone = try #require(Spectrum.dominant(newest), "channel \(channel) of \(count) is silent")
      let expected = SteadyStream.frequencies[min(channel, layout.count - 1)]
      #expect(abs(tone.frequency - expected) < 2)
      #expect(abs(Decibels(amplitude: tone.amplitude).value + 20) < 0.5)
    }
  }

  /// Whether neighbours are equal, as in a mono sound on two channels.
  private static func isPaired(_ samples: [Float]) -> Bool {
    stride(from: 2000, to: 4000, by: 2).allSatisfy { samples[$0] == samples[$0 + 1] }
  }

  private static func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_TRUNC)
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
  }

  private static func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  private static func floats(_ path: String) -> [Float] {
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    var samples = [Float](repeating: 0, count: size(path) / 4)
    let length = samples.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    return Array(samples[..<(max(length, 0) / 4)])
  }

  private static func spawn(_ arguments: [String]) -> pid_t? {
    var (process, actions) = (pid_t(), posix_spawn_file_actions_t())
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    return posix_spawn(&process, arguments[0], &actions, nil, &words, environ) == 0 ? process : nil
  }
}
