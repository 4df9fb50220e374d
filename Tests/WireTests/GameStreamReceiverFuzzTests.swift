import AudioCore
import Testing

@testable import Wire

@Suite struct GameStreamReceiverFuzzTests {
  /// Random loss, reordering and duplicates against what the rules say of each block: the shards that came before any
  /// packet of a later block decide.
  @Test(arguments: 1...40) func lossReorderingAndDuplicates(_ seed: Int) throws {
    var random = Lehmer(state: UInt64(seed))
    let start = UInt16(truncatingIfNeeded: 65_536 - 4 * random.below(200))
    let count = 150
    let key = seed % 2 == 0 ? try GameStreamKey.golden() : nil
    let sender = try GameStreamSender(sequence: start, key: key)
    var arrivals: [(block: Int, shard: Int, place: Int, datagram: [UInt8])] = []
    let lossPercent = random.below(50)
    let spread = random.below(12)
    for number in 0..<count {
      let sent = try sender.block(blockPackets(number))
      // Sometimes a whole block. The first and last always come, in order, as fixed points.
      let whole = random.below(12) == 0
      for (shard, datagram) in sent.enumerated() {
        let place = number * 6 + shard
        guard number > 0, number < count - 1 else {
          arrivals.append((number, shard, number == 0 ? -100 + shard : place + 100, datagram))
          continue
        }
        let copies = whole || random.below(100) < lossPercent ? 0 : random.below(10) == 0 ? 2 : 1
        for _ in 0..<copies { arrivals.append((number, shard, place + random.below(spread + 1), datagram)) }
      }
    }
    arrivals.sort { ($0.place, $0.block, $0.shard) < ($1.place, $1.block, $1.shard) }

    let receiver: GameStreamListener
    if let key {
      receiver = GameStreamListener(decryptor: try GameStreamCipher.Decryptor(key: key, keyID: 0))
    } else {
      receiver = GameStreamListener()
    }
    let got = receiver.deliveries(all: arrivals.map { $0.datagram })

    // Block 0 synchronises, unless its neighbour is block 0 of the sequence, which costs one more.
    let firstPlayed = start == 65_532 ? 2 : 1
    var inTime = [Set<Int>](repeating: [], count: count)
    var newest = 0
    for arrival in arrivals {
      newest = max(newest, arrival.block)
      if arrival.block == newest { inTime[arrival.block].insert(arrival.shard) }
    }
    var expected: [Delivered] = []
    var model = GameStreamReceiverStatistics()
    for number in firstPlayed..<count {
      let shards = inTime[number]
      guard !shards.isEmpty else {
        model.skippedBlocks += 1
        continue
      }
      for (index, packet) in blockPackets(number).enumerated() {
        let repaired = shards.count >= 4
        let there = repaired || shards.contains(index)
        if !shards.contains(index), !repaired { model.concealed += 1 }
        expected.append(
          Delivered(sequence: start &+ UInt16(truncatingIfNeeded: 4 * number + index), bytes: there ? packet : nil))
      }
    }
    #expect(got == expected)
    #expect(receiver.statistics.skippedBlocks == model.skippedBlocks)
    #expect(receiver.statistics.concealed == model.concealed)
    let statistics = receiver.statistics
    #expect(statistics.lost == statistics.recovered + statistics.concealed)
    #expect(statistics.received + statistics.lost == expected.count)
    #expect(statistics.malformed == 0 && statistics.undecryptable == 0 && !statistics.isIncompatible)
    let counted =
      statistics.received + statistics.parity + statistics.duplicates + statistics.late + statistics.unneededParity
    #expect(counted <= arrivals.count)
  }

  /// Junk, changed and cut datagrams: never a crash, never more than a datagram out, and the counters add up.
  @Test func junk() throws {
    var random = Lehmer(state: 5)
    for round in 0..<60 {
      let sender = try GameStreamSender(key: .golden())
      let receiver = GameStreamListener(
        round % 2 == 0 ? .ms5 : .ms10, decryptor: try GameStreamCipher.Decryptor(key: .golden(), keyID: 0),
        dropsStart: round % 3 == 0)
      var (datagrams, out, time) = (0, 0, Int64(0))
      for number in 0..<60 {
        for var datagram in try sender.block(blockPackets(number, size: 1 + random.below(80))) {
          if random.below(4) == 0 { datagram[random.below(datagram.count)] ^= UInt8(1 + random.below(255)) }
          if random.below(12) == 0 { datagram.removeLast(random.below(datagram.count + 1)) }
          if random.below(12) == 0 { datagram += [UInt8](repeating: 0, count: random.below(1600)) }
          if random.below(6) == 0 {
            datagram = (0..<random.below(60)).map { _ in UInt8(random.below(256)) }
            if datagram.count > 2, random.below(2) == 0 {
              datagram[0] = 0x80
              datagram[1] = random.below(2) == 0 ? 97 : 127
            }
          }
          time += Int64(random.below(120_000_000))
          datagrams += 1
          let got = receiver.deliveries(datagram, at: HostTime(nanoseconds: time))
          // The block before given up, and this one begun.
          #expect(got.count <= 8)
          #expect(got.allSatisfy { ($0.bytes?.count ?? 0) <= GameStreamFormat.payloadLimit + 12 })
          out += got.count
        }
      }
      let statistics = receiver.statistics
      #expect(out <= statistics.received + statistics.lost)
      #expect(
        statistics.received + statistics.parity + statistics.malformed + statistics.duplicates + statistics.late
          <= datagrams)
      #expect(statistics.malformed > 10)
    }
  }

  @Test func malformed() {
    let receiver = GameStreamListener()
    let flawed = [
      "", "80", "8061 0000 00000000 00000000", "4061 0000 00000000 00000000 aa", "9061 0000 00000000 00000000 aa",
      "80e1 0000 00000000 00000000 aa", "8062 0000 00000000 00000000 aa", "807f 0000 00000000 00000000 aa",
      "807f 0000 00000000 00000000 0061 0000 00000000 00000000",
      "807f 0000 00000000 00000000 0261 0000 00000000 00000000 aa",
      "807f 0000 00000000 00000000 0060 0000 00000000 00000000 aa",
    ].map(bytes)
    for datagram in flawed + [bytes("8061 0000 00000000 00000000") + [UInt8](repeating: 0, count: 1389)] {
      #expect(receiver.deliveries(datagram).isEmpty)
    }
    #expect(receiver.statistics.malformed == flawed.count + 1 && !receiver.statistics.isIncompatible)
    #expect(receiver.statistics.droppedAtStart == 0)
  }
}
