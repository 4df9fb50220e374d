import AudioCore
import Capture
import Testing

/// Blocks of any length become exact codec frames, sample for sample.
@Suite struct ReframerTests {
  @Test(arguments: [120, 240, 480, 960], [UInt64(1), 2, 3])
  func anyQuantumBecomesExactFrames(frame: Int, seed: UInt64) {
    let rig = ReframerRig(frame: frame)
    var generator = SeededGenerator(seed: seed)
    var number: Int64 = 0
    for _ in 0..<150 {
      let quantum = Int.random(in: 16...8192, using: &generator)
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        rig.deliver(quantum, number: number)
        number += Int64(quantum)
      }
    }
    #expect(rig.packets.count == Int(number) / frame)
    #expect(rig.misplacement == 0...0)
    #expect(rig.packets.allSatisfy { $0.ones.allSatisfy { $0 == 1 } })
    #expect(rig.brokenPositions == 0)
    #expect(rig.counts.frames == UInt64(rig.packets.count))
    #expect(rig.counts.gaps == 0 && rig.counts.silentFrames == 0)
    #expect(rig.counts.staleFrames == 0 && rig.counts.lateFrames == 0)
    for (before, after) in zip(rig.packets, rig.packets.dropFirst()) {
      let step = after.facts.captureTime - before.facts.captureTime
      #expect(abs(step.milliseconds - Double(frame) / 48) < 0.001, "capture times step with the media")
    }
  }

  @Test(arguments: [16, 64, 1024, 8192]) func steadyQuantumNeverMakesSilence(quantum: Int) {
    let rig = ReframerRig()
    rig.deliver(from: 0, to: 48_000 * 3, quantum: quantum)
    #expect(rig.silentPackets.isEmpty)
    #expect(rig.misplacement == 0...0)
  }

  @Test func quantumMayJumpBetweenExtremes() {
    let rig = ReframerRig()
    var number: Int64 = 0
    for round in 0..<40 {
      let quantum = round % 2 == 0 ? 16 : 8192
      for _ in 0..<(round % 2 == 0 ? 200 : 2) {
        rig.deliver(quantum, number: number)
        number += Int64(quantum)
      }
    }
    #expect(rig.silentPackets.isEmpty)
    #expect(rig.misplacement == 0...0)
    #expect(rig.counts.gaps == 0)
  }

  @Test func deviceOrderBecomesCodecOrder() {
    var writer = AudioRing.Writer(channels: 3, minimumCapacity: 4096)
    var reframer = Reframer(reader: writer.makeReader(), order: [2, 0, 1], frame: 120, start: ReframerRig.origin)
    _ = writer.reserve(120)
    for channel in 0..<3 {
      for offset in 0..<120 { writer.pointer(channel: channel, offset: offset).pointee = Float(channel) }
    }
    let written = writer.commit(120, time: ReframerRig.origin, position: 0, quantum: 120, flags: .none)
    #expect(written)
    let target = UnsafeMutablePointer<Float>.allocate(capacity: 360)
    defer { target.deallocate() }
    guard case .frame = reframer.next(now: ReframerRig.origin, into: target) else {
      Issue.record("no frame")
      return
    }
    #expect((0..<360).allSatisfy { target[$0] == [2, 0, 1][$0 % 3] })
  }

  @Test func drainForgets() {
    let rig = ReframerRig()
    let number = rig.deliver(from: 0, to: 4800)
    rig.write(256, number: number)
    rig.drain()
    // Two blocks were thrown away, half a frame with them; what follows stays where it belongs.
    rig.forgetPackets()
    rig.deliver(from: number + 256, to: number + 9600)
    #expect(rig.misplacement == 0...0)
    #expect(rig.packets.flatMap(\.numbers).allSatisfy { $0 == 0 || $0 >= Float(number + 256) })
    #expect(rig.brokenPositions == 0)
  }

  @Test func soundThatEndsFades() throws {
    let rig = ReframerRig(frame: 480)
    rig.deliver(from: 0, to: 2048)
    rig.run(until: ReframerRig.time(ofFrame: 48_000))
    let last = try #require(rig.packets.last { $0.isSound })
    let assembled = 2048 % 480
    #expect(last.ones.prefix(assembled).allSatisfy { $0 > 0 })
    #expect(zip(last.ones, last.ones.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(zip(last.ones, last.ones.dropFirst()).allSatisfy { $0 - $1 < 0.01 }, "no step at the end")
    #expect(last.ones.suffix(480 - assembled).allSatisfy { $0 == 0 })
    #expect(!last.facts.isSilence)
    #expect(rig.counts.silentFrames == UInt64(rig.silentPackets.count))
  }
}
