import AudioCore
import AudioIO
import Glibc
import Synchronization
import TestSupport
import Testing

/// What people record with finds our source and hears what is said.
@Suite(.serialized) struct RecorderTests {
  /// Before anybody has talked or recorded.
  @Test func itIsListedEverywhere() throws {
    let rig = try SourceRig()
    try rig.startPulse()
    #expect(try rig.run(["pw-cli", "ls", "Node"]).standardOutput.contains("node.name = \"\(SourceRig.name)\""))
    let listing = try rig.run(["wpctl", "status"]).standardOutput
    let sources = try #require(listing.firstRange(of: "Sources:"))
    let end = try #require(listing[sources.upperBound...].firstRange(of: "Source endpoints:"))
    #expect(listing[sources.upperBound..<end.lowerBound].contains(SourceRig.description), "\(listing)")
    let pulse = try rig.run(["pactl", "list", "sources"]).standardOutput
    let name = try #require(pulse.firstRange(of: "Name: \(SourceRig.name)\n"), "\(pulse)")
    let entry = pulse[name.upperBound...].prefix(1500)
    for line in [
      "Description: \(SourceRig.description)", "Sample Specification: float32le 1ch 48000Hz", "Channel Map: mono",
      "Mute: no", "0.00 dB", "Monitor of Sink: n/a", "media.class = \"Audio/Source\"",
    ] {
      #expect(entry.contains(line), "no \(line) in \(entry)")
    }
    let devices = try rig.run(["arecord", "-L"]).standardOutput
    #expect(devices.split(separator: "\n").contains("pipewire"), "\(devices)")
    let ports = try rig.run(["pw-jack", "jack_lsp", "-p"]).standardOutput
    #expect(ports.contains(SourceRig.description + ":capture_MONO\n\tproperties: output"), "\(ports)")
    #expect(rig.talker.frames.load(ordering: .relaxed) == 0)
  }

  @Test(arguments: Recorder.allCases, Breadth.of([1, 2], brief: [1])) func itIsHeard(recorder: Recorder, channels: Int)
    throws
  {
    let rig = try SourceRig(channels: channels)
    let recording = try rig.record(recorder, channels: channels)
    #expect(recording.channels.count == channels)
    try rig.judge(recording)
    #expect(rig.talker.faults.load(ordering: .relaxed) == 0)
  }

  /// A stereo recorder of a mono source hears the voice in both ears, at its level.
  @Test func oneChannelFillsTwo() throws {
    let rig = try SourceRig()
    let recording = try rig.record(channels: 2)
    #expect(recording.channels.count == 2)
    try rig.judge(recording)
  }

  @Test(arguments: Breadth.of([32, 64, 256, 1024, 8192], brief: [64, 8192])) func anyQuantum(quantum: Int) throws {
    let rig = try SourceRig()
    try rig.server.setQuantum(quantum)
    let recording = try rig.record(seconds: 2.5)
    // A machine that is late for a cycle of a millisecond breaks moments, not all.
    let best = try #require(ToneVerdict(bestOf: recording.channels[0], frequency: Talker.frequency))
    #expect(abs(best.level - Talker.level) < 0.3 && best.residual < -60, "\(best)")
    if quantum >= 256 { try rig.judge(recording) }
    // Never more than the cycle asks for, whatever the buffers hold.
    #expect(rig.talker.longest.load(ordering: .relaxed) == quantum)
    #expect(rig.talker.faults.load(ordering: .relaxed) == 0)
    #expect(rig.stream.report.quantum == quantum)
  }

  @Test(arguments: Breadth.of([44_100, 96_000], brief: [44_100])) func anyGraphRate(rate: Int) throws {
    let rig = try SourceRig()
    try rig.server.setRate(rate)
    try rig.server.setQuantum(512)
    try rig.judge(try rig.record(seconds: 2.5))
    #expect(rig.stream.report.graphRate == rate)
    #expect(rig.stream.report.format?.rate.hertz == 48_000)
    // A cycle's worth at 48 kHz, and once what the resampler needs to begin.
    #expect(rig.talker.longest.load(ordering: .relaxed) < 512 * 48_000 / rate + 64)
    #expect(rig.talker.faults.load(ordering: .relaxed) == 0)
  }

  /// The rate and the cycle change under a recorder.
  @Test func theGraphMayChangeMeanwhile() throws {
    let rig = try SourceRig()
    let file = rig.server.runtimeDirectory + "/changes.wav"
    let child = try rig.server.start(Recorder.pipewire.command(file, channels: 1))
    for (rate, quantum) in [(48_000, 1024), (44_100, 512), (44_100, 128), (48_000, 256)] {
      try rig.server.setRate(rate)
      try rig.server.setQuantum(quantum)
      let goal = rig.talker.frames.load(ordering: .relaxed) + 36_000
      #expect(waitUntil(timeout: 15) { rig.talker.frames.load(ordering: .relaxed) > goal }, "\(rate) \(quantum)")
      #expect(rig.stream.report.graphRate == rate)
    }
    child.signal(SIGINT)
    _ = child.wait(timeout: 5)
    // A second from the end: after the last change.
    let last = Array(try WaveFile(reading: file).channels[0].suffix(24_000))
    let verdict = try #require(ToneVerdict(of: last, frequency: Talker.frequency))
    #expect(abs(verdict.level - Talker.level) < 0.3 && verdict.residual < -60, "\(verdict)")
  }
}
