import AudioCore
import OpusCodec
import Testing
import Wire

@testable import streamctl

/// The same datagrams twice, whole and with losses: as long as a block loses no more than two of its six, not one sample of
/// the decoded sound differs.
@Suite struct GameStreamRepairTests {
  struct Heard {
    var samples: [Float] = []
    var statistics = GameStreamReceiverStatistics()
  }

  /// Through the receiver into the decoder, as the client does it.
  static func decode(_ datagrams: [[UInt8]], _ tones: GameStreamTones) throws -> Heard {
    var heard = Heard()
    let decoding = try tones.agreement.decoding()
    var decoder = try OpusDecoder(GameStreamTones.codec(decoding, tones.configuration.bitrate, tones.duration))
    var receiver: GameStreamReceiver
    if let encryption = tones.agreement.encryption {
      receiver = GameStreamReceiver(
        duration: tones.duration,
        decryptor: try GameStreamCipher.Decryptor(key: encryption.key, keyID: encryption.keyID), dropsStart: false)
    } else {
      receiver = GameStreamReceiver(duration: tones.duration, dropsStart: false)
    }
    let frames = FrameCount(tones.duration.rawValue * 48)
    var pcm = [Float](repeating: 0, count: frames.value * tones.configuration.channels)
    for datagram in datagrams {
      datagram.withUnsafeBytes {
        receiver.receive($0, at: HostTime(nanoseconds: 0)) { delivery in
          switch delivery {
          case .packet(let bytes, let sequence):
            let made = try? decoder.decode(bytes.assumingMemoryBound(to: UInt8.self), into: &pcm, capacity: frames)
            #expect(made == frames, "packet \(sequence)")
          case .lost: _ = try? decoder.conceal(frames, into: &pcm)
          }
          heard.samples += pcm
        }
      }
    }
    heard.statistics = receiver.statistics
    return heard
  }

  /// What is left, and what was taken, by block; the first, to which the client only synchronises, stays whole.
  static func lose(_ plan: FaultPlan, _ datagrams: [[UInt8]]) -> (left: [[UInt8]], counts: FaultCounts) {
    var injector = FaultInjector(plan)
    var left = Array(datagrams.prefix(12))
    for datagram in datagrams.dropFirst(12) {
      datagram.withUnsafeBytes { injector.take($0, at: HostTime(nanoseconds: 0)) }
      while let bytes = injector.next(at: HostTime(nanoseconds: 0)) { left.append(bytes) }
    }
    return (left, injector.counts)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var loss: Double
    var burst: Int
    var seed: UInt64 = 1
    var isEncrypted: Bool
    var testDescription: String { "\(loss * 100) % in runs of \(burst), \(isEncrypted ? "encrypted" : "plain")" }
  }

  static let cases: [Case] = [(0, 1), (0.01, 1), (0.05, 1), (0.1, 1), (0.1, 2), (0.33, 2)].flatMap { loss, burst in
    [false, true].map { Case(loss: loss, burst: burst, isEncrypted: $0) }
  }

  @Test(arguments: cases) func soundIsTheSameToTheLastBit(_ fault: Case) throws {
    for shape in GameStreamConfiguration.all() {
      let tones = try GameStreamTones(shape, isEncrypted: fault.isEncrypted)
      let datagrams = try tones.datagrams(packets: 300)
      var plan = FaultPlan()
      (plan.loss, plan.burst, plan.blockLimit, plan.seed) = (fault.loss, fault.burst, 2, fault.seed)
      let (left, lost) = Self.lose(plan, datagrams)
      let (whole, repaired) = try (Self.decode(datagrams, tones), Self.decode(left, tones))
      #expect(whole.samples.count == 296 * 240 * shape.channels)
      #expect(repaired.samples == whole.samples, "\(shape.channels) channels \(shape.quality)")
      #expect(whole.samples.contains { abs($0) > 0.09 })
      #expect(whole.statistics.lost == 0 && whole.statistics.recovered == 0 && whole.statistics.received == 296)
      let counts = repaired.statistics
      #expect(left.count + lost.lost == datagrams.count)
      #expect(fault.loss == 0 || lost.lostData > 0)
      #expect(counts.lost == lost.lostData && counts.recovered == lost.lostData && counts.concealed == 0)
      #expect(counts.received == 296 - lost.lostData && counts.skippedBlocks == 0 && counts.late == 0)
      // All parity that came was used or was not needed, but for the first block's.
      #expect(counts.parity + counts.unneededParity == 148 - lost.lostParity)
      #expect(counts.undecryptable == 0 && counts.malformed == 0 && counts.duplicates == 0)
    }
  }

  /// Without the limit some blocks lose too much. What each loses is known, so the counts are, too.
  @Test(arguments: [(0.05, 1), (0.1, 1), (0.1, 3), (0.2, 1), (0.05, 7)]) func countsAreThoseOfWhatWasTaken(
    loss: Double, burst: Int
  ) throws {
    let tones = try GameStreamTones(GameStreamConfiguration(channels: 2, .normal)!)
    let datagrams = try tones.datagrams(packets: 4000)
    var plan = FaultPlan()
    (plan.loss, plan.burst, plan.seed) = (loss, burst, 11)
    var (left, lost) = Self.lose(plan, datagrams)
    // A block is given up when a later one begins: one whole block more ends them all.
    left += try tones.datagrams(packets: 4)
    let counts = try Self.decode(left, tones).statistics
    var (recovered, concealed, skipped) = (0, 0, 0)
    var remaining = Dictionary(grouping: left.map { $0.withUnsafeBytes { GameStreamPlace($0)! } }, by: \.base)
    for base in stride(from: UInt16(4), to: 4004, by: 4) {
      let came = remaining.removeValue(forKey: base) ?? []
      let data = came.count { !$0.isParity }
      if came.isEmpty { skipped += 1 } else if came.count >= 4 { recovered += 4 - data } else { concealed += 4 - data }
    }
    #expect(counts.recovered == recovered && counts.concealed == concealed && counts.skippedBlocks == skipped)
    #expect(counts.lost == recovered + concealed && counts.lost + 4 * skipped == lost.lostData)
    #expect(concealed > 0 && (burst < 6 || skipped > 0))
  }

  /// The order inside a block and copies change nothing, either.
  @Test func reorderedAndDuplicatedSoundIsTheSame() throws {
    let tones = try GameStreamTones(GameStreamConfiguration(channels: 6, .normal)!, isEncrypted: true)
    let datagrams = try tones.datagrams(packets: 200)
    var random = FaultRandom(state: 77)
    var mixed: [[UInt8]] = []
    for start in stride(from: 0, to: datagrams.count, by: 6) {
      var block = Array(datagrams[start..<start + 6])
      // The first block and the first of each stay: a client begins with what comes first.
      for index in stride(from: 5, to: 1, by: -1) where start > 0 {
        block.swapAt(index, 1 + Int(random.share() * Double(index)))
      }
      mixed += block.flatMap { random.share() < 0.3 ? [$0, $0] : [$0] }
    }
    let (whole, heard) = try (Self.decode(datagrams, tones), Self.decode(mixed, tones))
    #expect(heard.samples == whole.samples)
    #expect(heard.statistics.duplicates > 40 && heard.statistics.concealed == 0)
  }
}
