import AudioCore
import Testing

@testable import Wire

@Suite struct GameStreamReceiverTests {
  /// A receiver that is past the start and expects block 1 of `blocks`; the first is spent on synchronising.
  private func synchronised(
    _ blocks: [SentBlock], decryptor: consuming GameStreamCipher.Decryptor? = nil
  ) -> GameStreamListener {
    let receiver = GameStreamListener(decryptor: decryptor)
    #expect(receiver.deliveries(all: blocks[0]).isEmpty)
    return receiver
  }

  private func sentBlocks(_ count: Int, from sequence: UInt16 = 0, size: Int = 40) throws -> [SentBlock] {
    let sender = try GameStreamSender(sequence: sequence)
    var blocks: [SentBlock] = []
    for number in 0..<count { blocks.append(try sender.block(blockPackets(number, size: size))) }
    return blocks
  }

  private func expected(_ number: Int, from sequence: UInt16 = 0, lost: Set<Int> = []) -> [Delivered] {
    blockPackets(number).enumerated().map { index, packet in
      Delivered(
        sequence: sequence &+ UInt16(truncatingIfNeeded: 4 * number + index), bytes: lost.contains(index) ? nil : packet
      )
    }
  }

  @Test func inOrderEveryPacketGoesOutAtOnce() throws {
    let blocks = try sentBlocks(3)
    let receiver = synchronised(blocks)
    for number in 1...2 {
      for index in 0..<6 {
        #expect(receiver.deliveries(blocks[number][index]) == (index < 4 ? [expected(number)[index]] : []))
      }
    }
    let statistics = receiver.statistics
    #expect(statistics.received == 8 && statistics.unneededParity == 4 && statistics.droppedAtStart == 4)
    #expect(statistics.lost == 0 && statistics.late == 0 && statistics.duplicates == 0)
  }

  /// Encrypted, as the golden block: all ways to lose one or two of six, through the receiver.
  @Test func everyErasureOfOneOrTwoIsRepaired() throws {
    let block = GameStreamPacketizerTests.goldenBlock
    var cases = 0
    for present in 0..<64 as Range<UInt8> where (4...5).contains(present.nonzeroBitCount) {
      cases += 1
      let before = try GameStreamSender(key: .golden(), keyID: GameStreamPacketizerTests.goldenKeyID)
      let first = try before.block(blockPackets(0, size: 10))
      let decryptor = try GameStreamCipher.Decryptor(key: .golden(), keyID: GameStreamPacketizerTests.goldenKeyID)
      let receiver = synchronised([first], decryptor: decryptor)
      let got = receiver.deliveries(all: (0..<6).filter { present & 1 << $0 != 0 }.map { block[$0] })
      #expect(got.map { $0.sequence } == [4, 5, 6, 7])
      #expect(got.map { $0.bytes } == GameStreamPacketizerTests.goldenPackets)
      let missing = (~present & 0x0F).nonzeroBitCount
      #expect(receiver.statistics.recovered == missing && receiver.statistics.lost == missing)
      #expect(receiver.statistics.concealed == 0 && receiver.statistics.undecryptable == 0)
    }
    #expect(cases == 21)
  }

  @Test func everyErasureOfThreeOrMoreIsConcealed() throws {
    let blocks = try sentBlocks(3)
    for present in 1..<64 as Range<UInt8> where present.nonzeroBitCount <= 3 {
      let receiver = synchronised(blocks)
      var got = receiver.deliveries(all: (0..<6).filter { present & 1 << $0 != 0 }.map { blocks[1][$0] })
      #expect(got.allSatisfy { $0.bytes != nil })
      // The next block's first packet ends the wait.
      got += receiver.deliveries(blocks[2][0])
      let lost = Set((0..<4).filter { present & 1 << $0 == 0 })
      #expect(got == expected(1, lost: lost) + [expected(2)[0]])
      #expect(receiver.statistics.concealed == lost.count && receiver.statistics.recovered == 0)
      #expect(receiver.statistics.skippedBlocks == 0)
    }
  }

  @Test func wholeBlocksAreSkippedSilently() throws {
    let blocks = try sentBlocks(6)
    let receiver = synchronised(blocks)
    #expect(receiver.deliveries(all: blocks[1]) == expected(1))
    #expect(receiver.deliveries(all: blocks[4]) == expected(4))
    #expect(receiver.statistics.skippedBlocks == 2)
    #expect(receiver.statistics.lost == 0 && receiver.statistics.concealed == 0)
    // What was skipped comes too late.
    #expect(receiver.deliveries(all: blocks[2]).isEmpty)
    #expect(receiver.statistics.late == 4)
  }

  /// Sequence numbers jump inside a block: both parts are failures with concealment.
  @Test func jumpInsideABlock() throws {
    let blocks = try sentBlocks(4)
    let receiver = synchronised(blocks)
    var got = receiver.deliveries(all: [blocks[1][0], blocks[1][1], blocks[2][2], blocks[2][3]])
    #expect(got == expected(1, lost: [2, 3]))
    got = receiver.deliveries(blocks[3][0])
    #expect(got == expected(2, lost: [0, 1]) + [expected(3)[0]])
    #expect(receiver.statistics.skippedBlocks == 0 && receiver.statistics.concealed == 4)
  }

  @Test func reorderingAndDuplicatesInsideABlock() throws {
    let blocks = try sentBlocks(3)
    let receiver = synchronised(blocks)
    let order = [1, 1, 0, 0, 3, 3, 2, 5, 5, 4, 1]
    #expect(receiver.deliveries(all: order.map { blocks[1][$0] }) == expected(1))
    #expect(receiver.statistics.received == 4 && receiver.statistics.duplicates == 5)
    #expect(receiver.statistics.unneededParity == 2)
    // Recovered first, then the original: late, and the second time a duplicate.
    #expect(receiver.deliveries(all: [0, 1, 2, 4, 3, 3].map { blocks[2][$0] }) == expected(2))
    #expect(receiver.statistics.late == 1 && receiver.statistics.duplicates == 6 && receiver.statistics.recovered == 1)
  }

  /// Block numbers and payloads stay right over the end of the sequence, and a lost block there is one block.
  @Test func sequenceWraps() throws {
    let start: UInt16 = 65_520
    let blocks = try sentBlocks(8, from: start)
    let receiver = synchronised(blocks)
    for number in [1, 2, 3, 5, 6, 7] {
      let kept = number == 3 ? [1, 2, 4, 5] : [0, 1, 2, 3]
      #expect(receiver.deliveries(all: kept.map { blocks[number][$0] }) == expected(number, from: start))
    }
    #expect(receiver.statistics.skippedBlocks == 1 && receiver.statistics.recovered == 2)
  }

  /// Starting in the last block before the wrap costs one block more.
  @Test func startInTheLastBlock() throws {
    let blocks = try sentBlocks(3, from: 65_532)
    let receiver = synchronised(blocks)
    #expect(receiver.deliveries(all: blocks[1]).isEmpty)
    #expect(receiver.deliveries(all: blocks[2]) == expected(2, from: 65_532))
    #expect(receiver.statistics.droppedAtStart == 8)
  }

  @Test(arguments: [(GameStreamPacketDuration.ms5, 25), (.ms10, 12)]) func halfASecondIsDropped(
    _ duration: GameStreamPacketDuration, _ firstBlock: Int
  ) throws {
    let blocks = try sentBlocks(28)
    let receiver = GameStreamListener(duration, dropsStart: true)
    var got: [Delivered] = []
    for (number, block) in blocks.enumerated() {
      // The parity of the last dropped packets' block synchronises when a block ends with the drop.
      for datagram in block {
        got += receiver.deliveries(datagram, at: HostTime(nanoseconds: Int64(number) * 20_000_000))
      }
    }
    // 100 packets are 25 blocks, and 50 are twelve and a half: playing starts at the next block.
    let first = duration == .ms5 ? firstBlock : firstBlock + 1
    #expect(got == (first..<28).flatMap { expected($0) })
    #expect(receiver.statistics.droppedAtStart == 4 * first)
  }

  @Test func aPauseEndsTheDrop() throws {
    let blocks = try sentBlocks(4)
    func got(pause: Int64) -> [Delivered] {
      let receiver = GameStreamListener(dropsStart: true)
      var time: Int64 = 0
      var result: [Delivered] = []
      for (number, block) in blocks.enumerated() {
        time += number == 1 ? pause : 20_000_000
        for datagram in block { result += receiver.deliveries(datagram, at: HostTime(nanoseconds: time)) }
      }
      return result
    }
    #expect(got(pause: 99_999_999).isEmpty)
    #expect(got(pause: 100_000_000) == expected(2) + expected(3))
  }

  /// A sender that starts again at zero is not heard until it has caught up.
  @Test func resetIsSilence() throws {
    let blocks = try sentBlocks(20)
    let receiver = synchronised(blocks)
    for block in blocks[1..<10] { _ = receiver.deliveries(all: block) }
    for block in blocks[0..<10] { #expect(receiver.deliveries(all: block).isEmpty) }
    #expect(receiver.deliveries(all: blocks[10]) == expected(10))
  }

  @Test func aSizeChangeBetweenBlocksIsFine() throws {
    let sender = try GameStreamSender()
    let receiver = GameStreamListener()
    for (number, size) in [40, 40, 70, 17].enumerated() {
      let packets = blockPackets(number, size: size)
      let block = try sender.block(packets)
      // Repaired from parity, so that a length left from the block before would show.
      let got = receiver.deliveries(all: [2, 3, 4, 5].map { block[$0] })
      #expect(got.map { $0.bytes } == (number == 0 ? [] : packets))
    }
    #expect(!receiver.statistics.isIncompatible)
  }

  @Test func aSizeChangeInsideABlockEndsRepairForGood() throws {
    let blocks = try sentBlocks(4)
    let other = try sentBlocks(2, size: 41)
    let receiver = synchronised(blocks)
    #expect(receiver.deliveries(blocks[1][0]) == [expected(1)[0]])
    #expect(receiver.deliveries(other[1][1]).isEmpty)
    #expect(receiver.statistics.isIncompatible)
    // As they come, again and again.
    let got = receiver.deliveries(all: [3, 2, 2, 4, 5].map { blocks[2][$0] })
    #expect(got == [3, 2, 2].map { expected(2)[$0] })
  }

  @Test func aMisalignedBlockEndsRepairForGood() throws {
    let receiver = synchronised(try sentBlocks(1))
    var parity = try sentBlocks(2)[1][4]
    parity[15] += 1
    #expect(receiver.deliveries(parity).isEmpty)
    #expect(receiver.statistics.isIncompatible && receiver.statistics.malformed == 1)
  }

  @Test func whatDoesNotDecryptIsDroppedAlone() throws {
    let key = try GameStreamKey.golden()
    let sender = try GameStreamSender(key: key, keyID: 3)
    var blocks: [SentBlock] = []
    for number in 0..<2 { blocks.append(try sender.block(blockPackets(number))) }
    let receiver = synchronised(blocks, decryptor: try GameStreamCipher.Decryptor(key: key, keyID: 3))
    // Zeros in the last ciphertext block: these do not decrypt to valid padding under this key.
    blocks[1][1].replaceSubrange(44..<60, with: [UInt8](repeating: 0, count: 16))
    #expect(receiver.deliveries(all: blocks[1]) == [0, 2, 3].map { expected(1)[$0] })
    #expect(receiver.statistics.undecryptable == 1 && receiver.statistics.concealed == 0)
  }
}
