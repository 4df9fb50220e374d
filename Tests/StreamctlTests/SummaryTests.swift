import AudioCore
import Glibc
import OpusCodec
import Testing
import VirtualMic
import Wire

@testable import streamctl

@Suite struct SummaryTests {
  @Test(arguments: [ChannelLayout.mono, .stereo, .surround51, .surround71]) func steadyTonesAreIntact(
    _ layout: ChannelLayout
  ) throws {
    var stream = SteadyStream(layout)
    let summary = try hear(&stream, seconds: 3)
    #expect(summary.faults(expecting: stream.tones, within: Decibels(0.2)) == [])
    #expect(summary.channels.map(\.name) == layout.names)
    #expect(summary.packets == 600 && summary.network.lost == 0)
    #expect(summary.measured > .milliseconds(2400))
    #expect(summary.channels.allSatisfy { $0.breaks == 0 })
  }

  /// Frames left out before the encoder: 240 at 997 Hz are nearly five periods, the hardest case.
  @Test(arguments: [64, 128, 240, 256, 1024]) func missingFramesAreABreak(_ frames: Int) throws {
    var stream = SteadyStream(.stereo)
    stream.cuts = [96_000: frames]
    let summary = try hear(&stream, seconds: 3)
    #expect(summary.channels.contains { $0.breaks == 1 })
    #expect(!summary.intact(expecting: stream.tones))
  }

  /// As little as one frame, which no residue shows: the phase alone tells.
  @Test func aSingleMissingFrameIsABreak() throws {
    var stream = SteadyStream(.stereo)
    stream.cuts = [96_000: 1]
    #expect(try hear(&stream, seconds: 4).channels.contains { $0.breaks == 1 })
  }

  /// The codec's own wavering, over long: it is worst where a tone beats with the frames.
  @Test func codecNoiseIsNoBreak() throws {
    var stream = SteadyStream(.stereo)
    stream.bitrate = 96_000
    let channels = try hear(&stream, seconds: 12).channels
    #expect(channels.allSatisfy { $0.breaks == 0 })
  }

  @Test func aHoleOfTwoMillisecondsIsABreak() throws {
    var stream = SteadyStream(.stereo)
    stream.mutes = [96_100..<96_200]
    #expect(try hear(&stream, seconds: 3).channels[0].breaks == 1)
  }

  @Test func aLostPacketIsAFault() throws {
    var stream = SteadyStream(.stereo)
    let summary = try hear(&stream, seconds: 3, losing: [400])
    #expect(summary.network.lost == 1 && summary.spanLost == 1)
    let faults = summary.faults(expecting: stream.tones)
    #expect(faults.contains("1 packets lost") && faults.contains("5.0 ms concealed"))
  }

  @Test func lossBeforeTheMeasuredSpanIsToldButNoFault() throws {
    var stream = SteadyStream(.stereo)
    let summary = try hear(&stream, seconds: 3, losing: [20])
    #expect(summary.network.lost == 1 && summary.spanLost == 0)
    #expect(summary.faults(expecting: stream.tones) == [])
  }

  @Test func wrongToneLevelChannelAndCountAreFaults() throws {
    var stream = SteadyStream(.stereo)
    let summary = try hear(&stream, seconds: 3)
    #expect(!summary.intact(expecting: stream.tones.reversed()))
    #expect(!summary.intact(expecting: [stream.tones[0], nil]))
    #expect(!summary.intact(expecting: [stream.tones[0]]))
    let louder = stream.tones.map { ExpectedTone(frequency: $0!.frequency, level: Decibels(-19.4)) }
    #expect(summary.faults(expecting: louder).count == 4)
    #expect(summary.intact(expecting: louder, within: Decibels(0.7)))
  }

  @Test func silenceIsSilence() throws {
    var stream = SteadyStream(.stereo, level: Decibels(-120))
    let summary = try hear(&stream, seconds: 2)
    #expect(summary.intact(expecting: [nil, nil]))
    #expect(!summary.intact(expecting: stream.tones))
    #expect(summary.channels[0].breaks == nil)
  }

  @Test func nothingHeardIsAFault() throws {
    var stream = SteadyStream(.stereo)
    #expect(try hear(&stream, seconds: 0).faults(expecting: stream.tones) == ["no packets arrived"])
    #expect(try hear(&stream, seconds: 1).faults(expecting: stream.tones)[0].hasPrefix("only "))
  }

  @Test func strangersAreCountedAndHarmless() throws {
    let stream = SteadyStream(.stereo)
    let state = try ReceiverState(stream.description, wav: nil, sink: nil)
    for length in 0..<200 {
      let junk = [UInt8](repeating: UInt8(length), count: length)
      junk.withUnsafeBytes { state.take($0, at: HostTime(nanoseconds: 1), wallOffset: 0) }
    }
    let summary = state.facts().summary
    #expect(summary.malformed == 200 && summary.packets == 0)
  }

  @Test func textAndJSON() throws {
    var stream = SteadyStream(.stereo)
    let summary = try hear(&stream, seconds: 3)
    #expect(summary.text.contains("    FL  rms  -23.0 dBFS  peak"))
    #expect(summary.text.contains("packets 600, lost 0, late 0, duplicate 0"))
    #expect(summary.json.hasPrefix("{\"measured_seconds\":2.4"))
    #expect(summary.json.contains("{\"name\":\"FR\",\"rms_dbfs\":-23.0"))
    #expect(summary.json.contains("\"latency_p50_ms\":null"))
  }

  @Test func unplayableDescriptionsAreRefused() {
    var description = SteadyStream(.stereo).description
    description.audio.mapping = [0, 7]
    #expect { _ = try ReceiverState(description, wav: nil, sink: nil).facts() } throws: {
      ($0 as? ReceiverError)?.code == "listen_unplayable"
    }
  }
}

@Suite struct SpectrumTests {
  @Test(arguments: [61.3, 440, 997, 8009.7]) func frequencyAndAmplitude(_ frequency: Double) throws {
    let samples = (0..<20_000).map { Float(0.25 * Self.sine(frequency, $0) + 0.01 * Self.sine(frequency * 1.7, $0)) }
    let tone = try #require(Spectrum.dominant(samples))
    #expect(abs(tone.frequency - frequency) < 0.1)
    #expect(abs(tone.amplitude - 0.25) < 0.002)
  }

  @Test func silenceHasNoTone() {
    #expect(Spectrum.dominant([Float](repeating: 0, count: 4096)) == nil)
    #expect(Spectrum.dominant([0.5, 0.5]) == nil)
  }

  static func sine(_ frequency: Double, _ n: Int) -> Double { sin(2 * Double.pi * frequency * Double(n) / 48_000) }
}

@Suite struct LatencyHistogramTests {
  @Test func percentiles() {
    var histogram = LatencyHistogram()
    #expect(histogram.percentile(0.5) == nil)
    for index in 1...100 { histogram.record(.milliseconds(Int64(index))) }
    #expect(abs(histogram.percentile(0.5)!.milliseconds - 50) <= 0.011)
    #expect(abs(histogram.percentile(0.99)!.milliseconds - 99) <= 0.011)
    #expect(histogram.percentile(1) == .milliseconds(100))
    histogram.record(.seconds(3))
    #expect(histogram.percentile(1) == .seconds(3))
    histogram.record(.milliseconds(-1))
    #expect(histogram.least == .milliseconds(-1))
    #expect(abs(histogram.percentile(0.001)!.milliseconds + 1) <= 0.011)
  }
}
