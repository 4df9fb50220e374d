import AudioCore
import AudioIO
import CRenderGuard
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import ALSAIO

/// What devices are given and what comes from them, in whatever form they deal.
@Suite(.serialized) struct DeviceTests {
  struct Form: Sendable, CustomTestStringConvertible {
    var format: SoftCard.Format
    var access: SoftCard.Access
    var rate: Int32 = 48_000
    var channels: Int32 = 2
    var testDescription: String { "\(format) \(access) \(rate) Hz, \(channels) channels" }
    /// What is not the tone, at most: a format's own rounding, or the resampler's images.
    var residual: Double { format == .int16 ? -90 : rate == 48_000 ? -120 : -105 }
  }

  static let forms: [Form] =
    SoftCard.Format.allCases.map { Form(format: $0, access: .mapped) }
    + SoftCard.Access.allCases.dropFirst().map { Form(format: .int32, access: $0) } + [
      Form(format: .int16, access: .plain, rate: 44_100), Form(format: .int32, access: .mapped, rate: 44_100),
      Form(format: .float32, access: .mapped, rate: 96_000), Form(format: .packed24, access: .plainPlanar, channels: 6),
    ]

  @Test(arguments: forms) func toneIsPlayedAsItIs(form: Form) throws {
    let card = try SoftCard(format: form.format, access: form.access, rate: form.rate, channels: form.channels)
    let hits = render_guard_hits()
    let rig = try DeviceRig(card)
    let ran = rig.run(cycles: 16)
    #expect(ran, "\(rig.states)")
    rig.stream.stop()
    #expect(render_guard_hits() == hits)
    let played = try card.played()
    let buffer = Int(card[.buffer])
    for (channel, samples) in played.enumerated() {
      guard channel < 2 else {
        #expect(samples.allSatisfy { $0 == 0 }, "nobody speaks there")
        continue
      }
      // The resampler's own silence comes before the tone.
      let onset = DeviceRig.onset(samples)
      #expect(onset >= buffer && onset < buffer + 200, "\(onset)")
      let tone = Array(samples.dropFirst(buffer + 2_000))
      let verdict = try #require(ToneVerdict(bestOf: tone, frequency: RigClient.frequency, rate: Int(form.rate)))
      #expect(abs(verdict.level + 6.0206) < 0.005 && verdict.residual < form.residual, "\(verdict)")
      #expect(abs(ToneAnalysis.overallLevel(of: tone) + 6.02) < 0.2, "no holes")
    }
    let report = rig.stream.report
    #expect(report.graphRate == Int(form.rate))
    let terms = try #require(report.terms)
    #expect(terms.contains("\(form.rate) Hz, \(form.channels) channels"))
    #expect(terms.hasPrefix(form.access == .mapped || form.access == .mappedPlanar ? "mmap" : "rw"))
  }

  @Test(arguments: forms) func toneIsRecordedAsItIs(form: Form) throws {
    let card = try SoftCard(format: form.format, access: form.access, rate: form.rate, channels: form.channels)
    let hits = render_guard_hits()
    let rig = try DeviceRig(card, role: .capture(source: "card"))
    let ran = rig.run(cycles: 16)
    #expect(ran, "\(rig.states)")
    rig.stream.stop()
    #expect(render_guard_hits() == hits)
    // Six channels are folded to two: both hear more than one tone.
    guard form.channels == 2 else { return }
    for channel in 0..<2 {
      let tone = Array(rig.client.recorded(channel: channel).dropFirst(2_000))
      let frequency = 1000.0 * Double(channel + 1)
      let verdict = try #require(ToneVerdict(bestOf: tone, frequency: frequency))
      #expect(abs(verdict.level + 6.0206) < 0.005 && verdict.residual < form.residual, "\(verdict)")
    }
  }

  /// A device without a clock is paced by ours, and what it is given is what was rendered.
  @Test func fileGetsTheTone() throws {
    let card = try SoftCard()
    let rig = try DeviceRig(card, role: .playback(to: .named("tofile")))
    let ran = rig.run(cycles: 40)
    #expect(ran, "\(rig.states)")
    rig.stream.stop()
    let passed = (renderNow() - rig.begun).milliseconds
    #expect(Double(rig.client.frames.load(ordering: .relaxed)) <= passed * 48 + 480, "no quicker than time")
    #expect(rig.stream.report.clockPPM == nil)
    let played = try SoftCard.samples(of: card.file, format: .float32, channels: 2)
    // The tone's own first sample is nothing.
    let tone = played[0].dropFirst(DeviceRig.onset(played[0]) - 1)
    #expect(tone.count >= 40 * 480)
    #expect(zip(tone, 0...).allSatisfy { sample, frame in sample == rig.client.tone(at: frame) })
  }

  @Test func fileIsRecordedToTheSample() throws {
    let card = try SoftCard()
    // As the tone that the file was written with.
    let tone = TestTone(frequencies: [440, 660], level: -12).samples(frames: 96_000)
    var bytes: [Float] = []
    for frame in 0..<96_000 { bytes += [tone[0][frame], tone[1][frame]] }
    let file = try #require(fopen(card.file, "w"))
    let written = fwrite(bytes, 4, bytes.count, file)
    fclose(file)
    #expect(written == bytes.count)
    let rig = try DeviceRig(card, role: .capture(source: "fromfile"))
    let ran = rig.run(cycles: 20)
    #expect(ran, "\(rig.states)")
    rig.stream.stop()
    for channel in 0..<2 {
      let recorded = rig.client.recorded(channel: channel)
      #expect(recorded.count >= 20 * 480)
      #expect(zip(recorded, tone[channel]).allSatisfy { $0 == $1 })
    }
  }
}
