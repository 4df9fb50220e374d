import AudioCore
import OpusCodec
import Testing

@testable import VirtualMic

@Suite struct TalkerLossTests {
  static func arrivals(
    _ rig: TalkerRig, _ source: inout TalkerSource, packets: Int, lost: (Int) -> Bool
  ) -> [TalkerRig.Arrival] {
    (0..<packets).compactMap { index in
      let frame = source.next()
      return lost(index)
        ? nil : TalkerRig.Arrival(time: rig.at(Double(index * source.frames) / 48), frame: frame)
    }
  }

  @Test func copiesReplaceWhatIsLost() {
    let rig = TalkerRig()
    rig.keeps = false
    var source = TalkerSource(.speech)
    source.signal = voice
    var dice = Dice(5)
    var lost = 0
    rig.run(
      Self.arrivals(rig, &source, packets: 6000) { index in
        guard index > 5, index < 5990, dice.next() < 0.1 else { return false }
        lost += 1
        return true
      })
    let report = rig.report
    let share = Double(report.concealedFrames) / Double(6000 * 960)
    #expect(report.lost == UInt64(lost) && lost > 500)
    #expect(share <= 0.015, "\(share)")
    #expect(report.recoveredFrames > UInt64(lost) * 960 * 8 / 10)
    #expect(rig.pushedFrames > 5990 * 960)
  }

  /// Jitter does not cost the copies: the delay waits for them once packets are lost.
  @Test func copiesAreWaitedFor() {
    let rig = TalkerRig()
    rig.keeps = false
    var source = TalkerSource(.speech)
    source.signal = voice
    var dice = Dice(6)
    let all = Self.arrivals(rig, &source, packets: 3000) { _ in false }.compactMap { arrival -> TalkerRig.Arrival? in
      let late = HostDuration(nanoseconds: Int64(dice.next() * 12e6))
      return dice.next() < 0.05 ? nil : TalkerRig.Arrival(time: arrival.time + late, frame: arrival.frame)
    }
    rig.run(all)
    let report = rig.report
    #expect(report.lost > 100 && report.recoveredFrames > report.lost * 960 * 7 / 10, "\(report)")
    #expect(report.delay < .milliseconds(45))
  }

  /// Only packets that say so have a copy.
  @Test func theFlagIsRead() {
    for kind in [TalkerSource.Kind.speech, .music] {
      for frames in [480, 960, 1920, 2880] where kind == .speech || frames <= 960 {
        var source = TalkerSource(kind, frames: frames)
        source.signal = voice
        var found = 0
        for _ in 0..<50 {
          guard case .opus(let packet) = source.next().body else { continue }
          if packet.withUnsafeBufferPointer({ OpusPacket.hasCopyOfPrevious($0) }) == true { found += 1 }
        }
        #expect(kind == .speech ? found > 35 : found == 0, "\(kind) \(frames): \(found)")
      }
    }
    #expect([UInt8]().withUnsafeBufferPointer { OpusPacket.hasCopyOfPrevious($0) } == nil)
    let broken: [UInt8] = [0x0B, 0xFF, 0xFF]
    #expect(broken.withUnsafeBufferPointer { OpusPacket.hasCopyOfPrevious($0) } == nil)
  }

  @Test(arguments: [TalkerSource.Kind.pcm, .music, .speech], [1, 3, 4, 12])
  func aBurstIsNoClick(kind: TalkerSource.Kind, length: Int) {
    let rig = TalkerRig()
    var source = TalkerSource(kind)
    rig.run(Self.arrivals(rig, &source, packets: 150) { (60..<60 + length).contains($0) }, until: rig.at(3200))
    let sound = rig.sound
    var step: Float = 0
    for (one, next) in zip(sound, sound.dropFirst()) { step = max(step, abs(next - one)) }
    #expect(step < 0.05, "a step of \(step)")
    // The level falls evenly: no piece of 5 ms is much louder than the one before it while packets are missing.
    let levels = stride(from: 60 * 960, to: min((60 + length) * 960 + 960, sound.count - 240), by: 240).map { place in
      (sound[place..<place + 240].reduce(0) { $0 + $1 * $1 } / 240).squareRoot()
    }
    for level in levels { #expect(level < 0.1) }
    #expect(rig.report.lost == UInt64(length))
    // And it is heard again.
    let fit = ToneFit(sound[(sound.count - 24_000)..<(sound.count - 9600)], hertz: 440)
    #expect(fit.amplitude > 0.08 && fit.residue < (kind == .speech ? -15 : -30), "\(fit)")
  }

  /// Nothing more is made up after a tenth of a second; then a silent talker costs nothing.
  @Test(arguments: [TalkerSource.Kind.pcm, .music]) func silenceCostsNothing(kind: TalkerSource.Kind) {
    let rig = TalkerRig()
    var source = TalkerSource(kind)
    rig.run(Self.arrivals(rig, &source, packets: 50) { _ in false }, until: rig.at(60_000))
    #expect(rig.due == nil)
    #expect(rig.report.state == .idle && rig.report.level == .floor)
    #expect(rig.pushedFrames <= 50 * 960 + 6240)
    #expect(rig.sound.last == 0)
    let steps = zip(rig.sound, rig.sound.dropFirst()).map { abs($1 - $0) }
    #expect(steps.max() ?? 1 < 0.02)
  }

  @Test func aPauseIsNoLoss() {
    let rig = TalkerRig()
    var source = TalkerSource(.music)
    var all: [TalkerRig.Arrival] = []
    var time = 0.0
    for _ in 0..<20 {
      for _ in 0..<25 {
        all.append(TalkerRig.Arrival(time: rig.at(time), frame: source.next()))
        time += 20
      }
      all.append(
        TalkerRig.Arrival(
          time: rig.at(time),
          frame: MicFrame(sequence: source.sequence, timestamp: source.timestamp, body: .pause)))
      source.sequence &+= 1
      source.rest(15)
      time += 300
    }
    rig.run(all, until: rig.at(time + 500))
    #expect(rig.report.lost == 0 && rig.report.concealedFrames == 0 && rig.report.late == 0)
    #expect(rig.report.playedFrames == 500 * 960)
    // Each end dies away within 11 ms, and then nothing is pushed.
    #expect(rig.pushedFrames == 500 * 960 + 20 * 528)
    #expect(rig.report.state == .paused)
    #expect(rig.pieces.max { $0.samples.count < $1.samples.count }?.samples.count == 960)
  }

  /// Time moves on without a packet and without a number: a sender that leaves silence out.
  @Test func leftOutSilenceIsNoLoss() {
    let rig = TalkerRig()
    var source = TalkerSource()
    var all: [TalkerRig.Arrival] = []
    var time = 0.0
    for index in 0..<100 {
      if index % 20 == 19 {
        source.rest(5)
        time += 100
      }
      all.append(TalkerRig.Arrival(time: rig.at(time), frame: source.next()))
      time += 20
    }
    rig.run(all, until: rig.at(time + 500))
    #expect(rig.report.lost == 0 && rig.report.late == 0 && rig.report.playedFrames == 100 * 960)
  }

  /// A packet that merely comes late is still heard when nothing else is.
  @Test func aLatePacketIsHeard() {
    let rig = TalkerRig()
    var source = TalkerSource()
    var all = (0..<1500).map { index in TalkerRig.Arrival(time: rig.at(Double(index) * 20), frame: source.next()) }
    // The network holds everything back for 80 ms, once.
    for index in 100..<104 { all[index].time = rig.at(2080) }
    rig.run(all, until: rig.at(31_000))
    #expect(rig.report.late == 0 && rig.report.lost == 0)
    #expect(rig.report.playedFrames == 1500 * 960)
    // And the delay goes back to what it was.
    #expect(rig.report.delay < .milliseconds(40), "\(rig.report.delay)")
  }
}
