import AudioCore
import Glibc
import Testing

@testable import VirtualMic

@Suite struct TalkerStreamTests {
  static func steady(_ rig: TalkerRig, _ source: inout TalkerSource, packets: Int, from: Double) -> [TalkerRig.Arrival]
  {
    (0..<packets).map { index in
      TalkerRig.Arrival(time: rig.at(from + Double(index * source.frames) / 48), frame: source.next())
    }
  }

  /// A client that connects again counts from zero.
  @Test func numbersThatStartAgainAreANewStream() {
    let rig = TalkerRig()
    var first = TalkerSource()
    first.sequence = 4000
    first.timestamp = 4_000_000
    var second = TalkerSource()
    (second.sequence, second.timestamp) = (0, 0)
    rig.run(Self.steady(rig, &first, packets: 100, from: 0))
    rig.run(Self.steady(rig, &second, packets: 100, from: 2005), until: rig.at(5000))
    #expect(rig.report.restarts == 1)
    #expect(rig.report.playedFrames > 198 * 960 && rig.report.late == 0)
    #expect(rig.report.lost == 0)
  }

  /// The same within the first second: too near to be told from old packets at once.
  @Test func anEarlyRestartIsFoundToo() {
    let rig = TalkerRig()
    var first = TalkerSource()
    (first.sequence, first.timestamp) = (0, 0)
    var second = first
    rig.run(Self.steady(rig, &first, packets: 30, from: 0))
    rig.run(Self.steady(rig, &second, packets: 100, from: 605), until: rig.at(5000))
    #expect(rig.report.playedFrames > (30 + 100 - 32) * 960, "\(rig.report)")
  }

  @Test func nothingStaleIsHeardAfterAGap() {
    let rig = TalkerRig()
    var source = TalkerSource()
    source.signal = { 0.1 + 1e-6 * Float($0) }
    rig.run(Self.steady(rig, &source, packets: 100, from: 0))
    // Two seconds of the network holding everything back, then all of it at once.
    let held = (0..<100).map { index in
      TalkerRig.Arrival(time: rig.at(4000 + Double(index) / 20), frame: source.next())
    }
    rig.run(held)
    rig.run(Self.steady(rig, &source, packets: 50, from: 4005), until: rig.at(6000))
    var checked = 0
    for piece in rig.pieces where piece.time > rig.at(4000) && piece.time < rig.at(5000) {
      guard let last = piece.samples.last, last > 0.15 else { continue }
      let position = Double(last - 0.1) * 1e6
      let age = (piece.time - rig.start).milliseconds + Double(piece.samples.count) / 48 - position / 48
      #expect(age < 100, "\(age) ms old")
      checked += 1
    }
    #expect(checked > 40)
    #expect(rig.report.skipped + rig.report.late > 80)
  }

  /// A sender whose clock stands still while nobody talks.
  @Test func timeThatStoodStillIsNoLateness() {
    let rig = TalkerRig()
    var source = TalkerSource()
    rig.run(Self.steady(rig, &source, packets: 50, from: 0))
    rig.run(Self.steady(rig, &source, packets: 50, from: 31_000), until: rig.at(33_000))
    #expect(rig.report.late == 0 && rig.report.playedFrames == 100 * 960)
  }

  /// The way gets longer for good.
  @Test func aLongerWayIsLearnt() {
    let rig = TalkerRig()
    var source = TalkerSource()
    rig.run(Self.steady(rig, &source, packets: 100, from: 0))
    rig.run(Self.steady(rig, &source, packets: 100, from: 2300), until: rig.at(5000))
    #expect(rig.report.playedFrames > 184 * 960, "\(rig.report)")
  }

  @Test(arguments: [TalkerSource.Kind.pcm, .pcmStereo, .speech, .music], [1, 2])
  func everyKindIsHeard(kind: TalkerSource.Kind, channels: Int) {
    for frames in [120, 240, 480, 960, 1920, 2880] {
      // Low delay coding ends at 20 ms, copies begin at 10 ms.
      if kind == .music && frames > 2880 || kind == .speech && frames < 480 { continue }
      let rig = TalkerRig(channels: channels)
      var source = TalkerSource(kind, frames: frames)
      rig.run(Self.steady(rig, &source, packets: 48_000 / frames, from: 0), until: rig.at(2000))
      #expect(rig.report.garbage == 0 && rig.report.playedFrames == UInt64(48_000 / frames * frames))
      let all = rig.sound
      let one = stride(from: 0, to: all.count, by: channels).map { all[$0] }
      let fit = ToneFit(one[9600..<33_600], hertz: 440)
      // Half of a sound and its opposite is nothing.
      let expected = kind == .pcmStereo && channels == 1 ? 0 : 0.1
      #expect(abs((kind == .pcmStereo && channels == 1 ? Double(one[20_000]) : fit.amplitude) - expected) < 0.02)
      if kind == .pcmStereo && channels == 2 { #expect(all[40_001] == -all[40_000]) }
    }
  }

  @Test func garbageIsCountedAndHarmless() {
    let rig = TalkerRig()
    var source = TalkerSource()
    let bodies: [MicFrame.Body] = [
      .opus([]), .opus([0xFF, 0xFF, 0xFF, 0xFF]), .pcm([], channels: 1), .pcm([1, 2, 3], channels: 2),
      .pcm([.nan], channels: 1), .pcm([Float](repeating: 0, count: 5761), channels: 1), .pcm([1], channels: 3),
    ]
    var all = Self.steady(rig, &source, packets: 50, from: 0)
    for (index, body) in bodies.enumerated() {
      all.append(
        TalkerRig.Arrival(time: rig.at(200 + Double(index)), frame: MicFrame(sequence: 1, timestamp: 2, body: body)))
    }
    rig.run(all, until: rig.at(2000))
    #expect(rig.report.garbage == UInt64(bodies.count))
    #expect(rig.report.playedFrames == 50 * 960 && rig.report.restarts == 0)
  }

  /// Random bytes as packets: never a crash, never a sample out of range.
  @Test func noiseFromTheNetwork() {
    let rig = TalkerRig(channels: 2)
    var dice = Dice(99)
    var all: [TalkerRig.Arrival] = []
    for index in 0..<3000 {
      let bytes = (0..<Int(dice.next() * 60)).map { _ in UInt8(dice.next() * 256) }
      let wild = dice.next() < 0.1
      all.append(
        TalkerRig.Arrival(
          time: rig.at(Double(index * 10)),
          frame: MicFrame(
            sequence: wild ? UInt16(dice.next() * 65_536) : UInt16(index),
            timestamp: wild ? UInt32(dice.next() * 4e9) : UInt32(index * 480), body: .opus(bytes))))
    }
    rig.run(all, until: rig.at(40_000))
    #expect(rig.sound.allSatisfy { $0.isFinite && abs($0) <= 1 })
    #expect(rig.playout.order.entries.count <= 256)
  }

  /// A delay that must go up or down: the tone stays a tone of its pitch.
  @Test(arguments: [200.0, 440, 997, 3000]) func timeScalingKeepsTheTone(hertz: Double) {
    let rig = TalkerRig()
    var source = TalkerSource()
    source.signal = { Float(0.3 * sin(2 * .pi * hertz * Double($0) / 48_000)) }
    // Packets get longer and with them the delay, then short again: nothing ever comes late.
    var all: [TalkerRig.Arrival] = []
    var time = 0.0
    for index in 0..<260 {
      source.frames = (50..<110).contains(index) ? 2880 : 960
      all.append(TalkerRig.Arrival(time: rig.at(time), frame: source.next()))
      time += Double(source.frames) / 48
    }
    rig.run(all)
    let report = rig.report
    #expect(report.addedFrames > 1700 && report.removedFrames > 1400, "\(report)")
    #expect(report.concealedFrames == 0 && report.delay < .milliseconds(27))
    let sound = rig.sound
    var worst = -200.0
    var drift = 0.0
    var last: ToneFit?
    for place in stride(from: 9600, to: sound.count - 9600, by: 4800) {
      let fit = ToneFit(sound[place..<place + 4800], hertz: hertz)
      worst = max(worst, fit.residue)
      if let last {
        var turn = fit.phase - last.phase - 2 * .pi * hertz * 0.1
        turn -= (turn / (2 * .pi)).rounded() * 2 * .pi
        drift = max(drift, abs(turn) / (2 * .pi * 0.1))
      }
      last = fit
    }
    let cents = 1200 * log2(1 + drift / hertz)
    #expect(worst < -40, "\(worst) dB")
    #expect(cents < 2, "\(cents) cents")
  }
}
