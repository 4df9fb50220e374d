import AudioCore
import OpusCodec
import Testing
import VirtualMic
import Wire

@testable import streamctl

/// What the sender says arrives as it was said, whatever the way in.
@Suite struct MicTalkTests {
  private static let seconds = 4.0

  private func talk(
    _ rig: MicTalkRig, _ way: MicWay, padding: GameStreamMicSender.Padding = .single, channels: Int = 1,
    sound: (any MicSound)? = nil, _ change: (inout MicTalk.Settings) -> Void = { _ in }
  ) throws -> MicTalk {
    var settings = MicTalk.Settings(codec: MicTalkRig.codec(channels: channels))
    settings.length = FrameCount(Int(Self.seconds * 48_000))
    change(&settings)
    let tone = ToneSound(frequency: 997, level: Decibels(-20), channels: channels)
    return try MicTalk(
      settings, sound: sound ?? tone, envelope: try MicTalkRig.envelope(way, padding: padding), start: rig.start)
  }

  /// The middle of what was heard is the tone.
  private func expectTone(_ rig: MicTalkRig, channels: Int = 1) throws {
    for channel in 0..<channels {
      let samples = stride(from: channel, to: rig.heard.count, by: channels).map { rig.heard[$0] }
      #expect(Double(samples.count) > (Self.seconds - 0.3) * 48_000)
      let tone = try #require(Spectrum.dominant(Array(samples[48_000..<144_000])))
      #expect(abs(tone.frequency - 997) < 0.5 && abs(Decibels(amplitude: tone.amplitude).value + 20) < 0.5, "\(tone)")
    }
  }

  @Test(arguments: MicWay.allCases, [1, 2]) func theToneArrives(way: MicWay, channels: Int) throws {
    let rig = try MicTalkRig(way, channels: channels)
    let talk = try talk(rig, way, channels: channels)
    try rig.run(talk)
    #expect(talk.counts.packets == 200 && talk.counts.frames == 192_000 && talk.counts.silent == 0)
    // A door for GameStream needs three packets to know whose they are.
    #expect(rig.frames.count == (way == .gamestream ? 198 : 200) && rig.refused.isEmpty, "\(rig.refused)")
    // The end is a pause, where there is a word for it.
    #expect(rig.pauses == (way == .gamestream ? 0 : 1))
    #expect(rig.playout.report.lost == 0 && rig.playout.report.late == 0)
    try expectTone(rig, channels: channels)
  }

  @Test func doublePaddingIsOfTheNativeClients() throws {
    let rig = try MicTalkRig(.gamestream)
    try rig.run(try talk(rig, .gamestream, padding: .double))
    #expect(rig.facts.padsTwice)
    try expectTone(rig)
  }

  /// Each leaves when it is due, however late the ones before were woken.
  @Test(arguments: [0.0, 300, -300]) func packetsLeaveOnAnAbsoluteClock(ppm: Double) throws {
    let rig = try MicTalkRig(.sealed)
    var random = FaultRandom(state: 5)
    let talk = try talk(rig, .sealed) { $0.ppm = ppm }
    try rig.run(talk) { _ in HostDuration(nanoseconds: Int64(random.share() * 5e6)) }
    for (index, datagram) in rig.sent.prefix(200).enumerated() {
      let due = Double(rig.start.nanoseconds) + Double(index) * 20e6 / (1 + ppm * 1e-6)
      let late = Double(datagram.at.nanoseconds) - due
      #expect(late > -1000 && late < 6e6, "packet \(index): \(late / 1e6) ms")
    }
  }

  @Test func aFastClockIsSeenAsOne() throws {
    let rig = try MicTalkRig(.sealed)
    try rig.run(try talk(rig, .sealed) { ($0.ppm, $0.length) = (400, FrameCount(40 * 48_000)) })
    #expect(abs(rig.playout.report.senderPPM - 400) < 40, "\(rig.playout.report.senderPPM)")
  }

  @Test func lossesAreThoseThatWereAskedFor() throws {
    let rig = try MicTalkRig(.sealed)
    var plan = FaultPlan()
    (plan.loss, plan.seed) = (0.1, 3)
    let talk = try talk(rig, .sealed) { ($0.faults, $0.length) = (plan, FrameCount(20 * 48_000)) }
    try rig.run(talk)
    let lost = try #require(talk.counts.faults?.lost)
    #expect((70...130).contains(lost) && talk.counts.packets == 1000)
    #expect(rig.frames.count + rig.pauses + lost == 1001)
    let report = rig.playout.report
    #expect(Int(report.lost) >= lost - 1 && Int(report.lost) <= lost)
    // In-band copies: most of what was lost is heard all the same.
    #expect(report.recoveredFrames > 4 * report.concealedFrames, "\(report.recoveredFrames) \(report.concealedFrames)")
  }

  @Test func withoutCopiesLossesAreMadeUp() throws {
    let rig = try MicTalkRig(.sealed)
    var plan = FaultPlan()
    plan.loss = 0.1
    try rig.run(try talk(rig, .sealed) { ($0.faults, $0.codec.expectedLoss) = (plan, 0) })
    #expect(rig.playout.report.recoveredFrames == 0 && rig.playout.report.concealedFrames > 0)
  }

  @Test func orderAndCopiesAndDelayAsAskedFor() throws {
    let rig = try MicTalkRig(.sealed)
    var plan = FaultPlan()
    (plan.reordering, plan.duplication, plan.jitter) = (0.1, 0.1, .milliseconds(30))
    let talk = try talk(rig, .sealed) { $0.faults = plan }
    try rig.run(talk)
    let faults = try #require(talk.counts.faults)
    #expect(faults.reordered > 5 && faults.duplicated > 5 && faults.delayed > 100 && faults.lost == 0)
    #expect(rig.refused.count == faults.duplicated && rig.refused.allSatisfy { $0 == .replayed })
    #expect(rig.frames.count + rig.pauses == 201)
    #expect(zip(rig.frames, rig.frames.dropFirst()).contains { $0.sequence > $1.sequence })
  }

  /// What is not said is not sent, and a sign of life comes every second.
  @Test func silenceIsAPause() throws {
    let rig = try MicTalkRig(.sealed)
    let sound = FileSound([Float](repeating: 0, count: 4 * 48_000))
    let talk = try talk(rig, .sealed, sound: sound) { $0.codec.discontinuous = true }
    try rig.run(talk)
    #expect(talk.counts.silent > 150 && talk.counts.packets < 50, "\(talk.counts)")
    #expect(talk.counts.packets + talk.counts.silent == 200)
    #expect(rig.pauses == talk.counts.pauses && rig.pauses > 1)
    #expect(rig.playout.report.lost == 0 && rig.playout.report.concealedFrames == 0)
  }

  @Test(arguments: MicWay.allCases) func aMutedTalkerSaysSo(way: MicWay) throws {
    let rig = try MicTalkRig(way)
    let talk = try talk(rig, way) { $0.mutedFrom = 48_000 }
    try rig.run(talk)
    #expect(talk.counts.packets == 50 && talk.counts.silent == 150)
    #expect(rig.pauses == (way == .gamestream ? 0 : 1) && rig.keepalives == (way == .sealed ? 2 : 0))
    if way == .sealed { #expect(rig.facts.isMuted) }
    #expect(rig.playout.report.lost == 0)
  }

  /// The last packet of a file is filled up with silence, and then it is over.
  @Test func aFileEnds() throws {
    let rig = try MicTalkRig(.local)
    let talk = try talk(rig, .local, sound: FileSound([Float](repeating: 0.1, count: 48_000 + 1))) { $0.length = nil }
    try rig.run(talk)
    #expect(talk.counts.packets == 51 && rig.frames.count == 51 && rig.pauses == 1)
  }

  /// After a hold-up the talker's time is what it would be: no burst of what nobody can hear any more.
  @Test func aHoldUpIsSkipped() throws {
    let rig = try MicTalkRig(.sealed)
    let talk = try talk(rig, .sealed)
    let late = rig.start + .seconds(1)
    try rig.run(talk) { $0 == late ? .seconds(2) : .zero }
    #expect(talk.counts.skipped == 96_000 && talk.counts.packets == 100, "\(talk.counts)")
    #expect(rig.refused.isEmpty && rig.frames.count == 100)
    let stamps = rig.frames.map(\.timestamp)
    #expect(stamps[49] == 49 * 960 && stamps[50] == 150 * 960)
  }

  /// A live sound says itself when there is a packet of it.
  @Test func aLiveSoundIsSentAsItComes() throws {
    let rig = try MicTalkRig(.sealed)
    let sound = LiveSound()
    let talk = try talk(rig, .sealed, sound: sound) { $0.length = nil }
    var now = rig.start
    var sent = 0
    for step in 0..<100 {
      // Nothing for a second in the middle, and then what was let go.
      if step < 30 || step >= 80 { sound.ready = .filled(after: step == 80 ? 480 : 0) }
      _ = try talk.step(at: now) { _ in sent += 1 }
      now = now + .milliseconds(20)
    }
    #expect(sent == 50 && talk.counts.packets == 50)
    // From the last packet before to the first after: 51 packets' time.
    #expect(talk.counts.skipped == 51 * 960)
    try talk.hangUp(at: now) { _ in sent += 1 }
    #expect(try talk.step(at: now) { _ in } == nil)
    #expect(sent == 51 && talk.counts.pauses == 1)
  }

  private final class LiveSound: MicSound {
    let isLive = true
    var ready = MicSoundOutcome.waiting

    func fill(_ samples: UnsafeMutableBufferPointer<Float>) -> MicSoundOutcome {
      defer { ready = .waiting }
      for index in samples.indices { samples[index] = 0.1 * Float(index % 48) / 48 }
      return ready
    }
  }
}
