import AudioCore
import Capture
import Testing

/// Packets that are protected four together: nothing is ever left out but whole blocks.
@Suite struct BlockTests {
  static let blockFrames: Int64 = 960

  /// What a receiver may rely on: packets follow each other, or whole blocks are missing between two blocks.
  private func expectWholeBlocks(_ rig: ReframerRig) {
    var expected: Int64 = 0
    for packet in rig.packets {
      let position = packet.facts.position
      #expect(position - expected == Int64(packet.facts.skipped.value))
      if position != expected {
        #expect(position % Self.blockFrames == 0 && expected % Self.blockFrames == 0)
      }
      expected = position + 240
    }
  }

  @Test(arguments: [300, 1000, 2500, 4801, 48_000, 100_000]) func lostSoundSkipsWholeBlocksOnly(_ lost: Int) {
    let rig = ReframerRig(block: 4)
    let next = rig.deliver(from: 0, to: 20_000)
    let after = next + Int64(lost)
    rig.deliver(from: after, to: after + 40_000)
    expectWholeBlocks(rig)
    // Sound is where it belongs again, and in time.
    #expect(rig.packets.suffix(20).compactMap(\.misplacement).allSatisfy { abs($0.lowerBound) <= 1 })
    #expect(rig.packets.suffix(20).allSatisfy { $0.isSound })
  }

  @Test(arguments: [60, 200, 1000, 5000]) func stalledReaderResumesAtABlock(milliseconds: Int64) {
    let rig = ReframerRig(block: 4)
    var number = rig.deliver(from: 0, to: 20_000)
    rig.forgetPackets()
    let end = rig.now + .milliseconds(milliseconds)
    rig.stallReader(until: end)
    while ReframerRig.time(ofFrame: number) < end {
      rig.write(256, number: number)
      number += 256
    }
    rig.deliver(from: number, to: number + 20_000)
    var expected = rig.packets[0].facts.position - Int64(rig.packets[0].facts.skipped.value)
    for packet in rig.packets {
      if packet.facts.position != expected {
        #expect(packet.facts.position % Self.blockFrames == 0 && expected % Self.blockFrames == 0)
      }
      expected = packet.facts.position + 240
    }
    // Up to three packets of silence complete the block that was begun; what is older than the lag is gone.
    #expect(rig.largestBurst <= 3 + 8)
    #expect(rig.packets.suffix(20).compactMap(\.misplacement).allSatisfy { abs($0.lowerBound) <= 1 })
  }

  @Test(arguments: [128, 256, 240, 64]) func aFrameLeavesWithTheBlockThatCompletesIt(quantum: Int) {
    let rig = ReframerRig()
    rig.deliver(from: 0, to: 96_000, quantum: quantum)
    for packet in rig.packets {
      let last = packet.facts.position + 239
      let completing = last / Int64(quantum) * Int64(quantum)
      #expect(packet.sentAt == ReframerRig.time(ofFrame: completing))
    }
    #expect(rig.packets.count >= 399)
  }
}
