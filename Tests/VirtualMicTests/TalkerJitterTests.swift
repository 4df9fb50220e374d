import AudioCore
import Testing

@testable import VirtualMic

@Suite struct TalkerJitterTests {
  /// Packets with delays of their own; each may overtake others.
  static func arrivals(
    _ rig: TalkerRig, _ source: inout TalkerSource, packets: Int, ppm: Double = 0, _ delay: (Int) -> Double
  )
    -> [TalkerRig.Arrival]
  {
    (0..<packets).map { index in
      let sent = Double(index * source.frames) / 48 / (1 + ppm * 1e-6)
      return TalkerRig.Arrival(time: rig.at(sent + delay(index)), frame: source.next())
    }
  }

  @Test(arguments: [5.0, 15, 40]) func theDelayCoversTheJitter(deviation: Double) {
    let rig = TalkerRig()
    rig.keeps = false
    var source = TalkerSource()
    source.signal = voice
    var dice = Dice(7)
    let all = Self.arrivals(rig, &source, packets: 21_000) { _ in dice.exponential(deviation) }
    rig.run(Array(all[..<1000]))
    let before = rig.report
    var (sum, count) = (0.0, 0.0)
    rig.watch = { playout in
      sum += playout.report.delay.milliseconds
      count += 1
    }
    rig.run(Array(all[1000...]))
    let late = Double(rig.report.late - before.late) / 20_000
    let mean = sum / count
    // A hundredth of an exponential distribution lies beyond 4.6 deviations.
    #expect(late <= 0.01, "\(late * 100) % late")
    #expect(mean <= 1.2 * max(4.605 * deviation, 20), "\(mean) ms")
    #expect(rig.report.lost == 0 && rig.report.restarts == 0)
  }

  @Test(arguments: [120, 240, 480, 960, 1920, 2880]) func withoutJitterThereIsHardlyDelay(frames: Int) {
    let rig = TalkerRig()
    var source = TalkerSource(frames: frames)
    // A mark once a second, at the beginning of a packet.
    let period = 48_000 / frames * frames
    source.signal = { $0 % period < 48 ? 0.5 : 0 }
    let packets = 10 * 48_000 / frames
    rig.run(Self.arrivals(rig, &source, packets: packets) { _ in 3 }, until: rig.at(10_200))
    let packet = Double(frames) / 48
    // A packet is sent once its last frame exists: heard is compared with its arrival.
    var seen = 0
    for piece in rig.pieces where piece.time > rig.at(900) {
      guard let place = piece.samples.firstIndex(where: { $0 > 0.4 }) else { continue }
      let heard = (piece.time - rig.start).milliseconds + Double(place) / 48
      let sent = (heard * 48 / Double(period)).rounded(.down) * Double(period) / 48
      let delay = heard - sent - 3
      #expect(delay <= packet + 5 && delay > 0, "\(delay) ms")
      seen += 1
    }
    #expect(seen >= 8)
    #expect(rig.report.concealedFrames <= 5760 && rig.report.removedFrames == 0 && rig.report.late == 0)
  }

  /// One packet in four hundred comes far too late: too rare for the usual delay, too regular for an accident.
  @Test func rareDelaysAreLearnt() {
    let rig = TalkerRig()
    rig.keeps = false
    var source = TalkerSource()
    source.signal = voice
    let all = Self.arrivals(rig, &source, packets: 8000) { $0 % 400 == 399 ? 150 : Double($0 % 3) }
    rig.run(Array(all[..<2000]))
    let before = rig.report
    rig.run(Array(all[2000...]))
    #expect(rig.report.late == before.late && rig.report.concealedFrames == before.concealedFrames)
    #expect(before.concealedFrames > 0 && before.concealedFrames < 20 * 960)
    #expect(rig.report.delay < .milliseconds(175))
  }

  /// What comes out keeps the sender's pace, whatever its clock, and nothing is made up.
  @Test(arguments: [-500.0, -100, 100, 500]) func theSendersClockIsFollowed(ppm: Double) {
    let rig = TalkerRig()
    rig.keeps = false
    var source = TalkerSource()
    source.signal = { _ in 0.1 }
    var dice = Dice(3)
    rig.run(Self.arrivals(rig, &source, packets: 30_000, ppm: ppm) { _ in dice.exponential(1) })
    let report = rig.report
    #expect(report.concealedFrames == 0 && report.late == 0 && report.restarts == 0)
    #expect(abs(report.senderPPM - ppm) < 60, "\(report.senderPPM)")
    #expect(report.delay < .milliseconds(45))
    #expect(abs(rig.pushedFrames - 30_000 * 960) < 4 * 960)
  }

  /// Ten packets at a time come all at once and in reverse.
  @Test func reorderingIsUndone() {
    let rig = TalkerRig()
    var source = TalkerSource()
    let frames = (0..<600).map { _ in source.next() }
    let arrivals = (0..<600).map { place in
      let block = place / 10 * 10
      return TalkerRig.Arrival(
        time: rig.at(Double(block * 20 + 180) + Double(place % 10) / 100), frame: frames[block + 9 - place % 10])
    }
    rig.run(Array(arrivals[..<200]))
    let before = rig.report
    let from = rig.sound.count
    rig.run(Array(arrivals[200...]), until: rig.at(13_000))
    let report = rig.report
    #expect(report.lost == 0 && report.late == before.late && report.restarts == 0)
    // Nothing was missing but the end.
    #expect(report.concealedFrames - before.concealedFrames <= 5760, "\(report)")
    let fit = ToneFit(rig.sound[(from + 4800)..<(from + 96_000)], hertz: 440)
    #expect(fit.residue < -40, "\(fit.residue)")
  }

  @Test func duplicatesAndOldPacketsAreIgnored() {
    let rig = TalkerRig()
    var source = TalkerSource()
    var frames = (0..<300).map { _ in source.next() }
    frames = frames.enumerated().flatMap { index, frame in
      // Each one twice, and now and then one from half a second ago.
      index % 10 == 9 && index > 40 ? [frame, frame, frames[index - 25]] : [frame, frame]
    }
    var time = 0.0
    var last: UInt16?
    let arrivals = frames.map { frame in
      if frame.sequence != last, last.map({ frame.sequence &- $0 < 100 }) ?? true { time += 20 }
      if last.map({ frame.sequence &- $0 < 100 }) ?? true { last = frame.sequence }
      return TalkerRig.Arrival(time: rig.at(time), frame: frame)
    }
    rig.run(arrivals, until: rig.at(7000))
    #expect(rig.report.duplicates == 300 + 26)
    #expect(rig.report.playedFrames == 300 * 960)
    #expect(rig.report.late == 0 && rig.report.lost == 0 && rig.report.restarts == 0)
    let fit = ToneFit(rig.sound[4800..<150_000], hertz: 440)
    #expect(fit.residue < -60, "\(fit.residue)")
  }

  /// An hour of everything at once: nothing grows.
  @Test func anHour() {
    let rig = TalkerRig()
    rig.keeps = false
    var source = TalkerSource()
    source.signal = voice
    var dice = Dice(11)
    var most = 0
    var longest = HostDuration.zero
    rig.watch = { playout in
      most = max(most, playout.order.entries.count)
      longest = max(longest, playout.report.delay)
    }
    var half = PlayoutReport()
    for minute in 0..<60 {
      if minute == 30 { half = rig.report }
      var arrivals: [TalkerRig.Arrival] = []
      for index in (minute * 3000)..<((minute + 1) * 3000) {
        let frame = source.next()
        if dice.next() < 0.02 { continue }
        let sent = Double(index * 20) / (1 + 150e-6) + dice.exponential(index % 5000 < 500 ? 30 : 4)
        arrivals.append(TalkerRig.Arrival(time: rig.at(sent), frame: frame))
        if dice.next() < 0.01 { arrivals.append(TalkerRig.Arrival(time: rig.at(sent + 7), frame: frame)) }
      }
      rig.run(arrivals)
    }
    let report = rig.report
    #expect(most < 40 && longest < .milliseconds(400), "\(most) \(longest)")
    #expect(report.restarts == 0 && report.garbage == 0)
    #expect(report.concealedFrames < 60 * 60 * 48_000 / 20)
    #expect(report.concealedFrames - half.concealedFrames < half.concealedFrames * 3 / 2)
    #expect(abs(rig.pushedFrames - 3600 * 48_000) < 48_000)
  }
}
