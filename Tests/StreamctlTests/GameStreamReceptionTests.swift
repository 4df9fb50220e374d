import AudioCore
import Testing
import Wire

@testable import streamctl

/// The client of `listen --gamestream` in virtual time.
@Suite struct GameStreamReceptionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var channels: Int
    var quality: GameStreamQuality
    var duration: GameStreamPacketDuration
    var isEncrypted: Bool
    var testDescription: String { "\(channels) \(quality) \(duration) \(isEncrypted ? "encrypted" : "plain")" }
    var configuration: GameStreamConfiguration { GameStreamConfiguration(channels: channels, quality)! }
  }

  static let cases: [Case] = GameStreamConfiguration.all().flatMap { shape in
    shape.durations.flatMap { duration in
      [false, true].map {
        Case(channels: shape.channels, quality: shape.quality, duration: duration, isEncrypted: $0)
      }
    }
  }

  @Test(arguments: cases) func everyChannelIsHeardInItsPlace(_ shape: Case) throws {
    let tones = try GameStreamTones(shape.configuration, shape.duration, isEncrypted: shape.isEncrypted)
    let client = try GameStreamReception(tones.agreement, wav: nil, sink: nil)
    let packets = 3000 / shape.duration.rawValue
    let summary = try hear(tones, packets: packets, by: client)
    #expect(summary.channels.count == shape.channels)
    for (channel, tone) in zip(summary.channels, tones.tones) {
      let frequency = try #require(channel.frequency, "\(channel.name)")
      #expect(abs(frequency - tone!.frequency) < 1, "\(channel.name): \(frequency) Hz")
      // Eight tones share what normal quality has.
      let tolerance = shape.quality == .high || shape.channels == 2 ? 0.2 : 0.8
      #expect(abs(channel.tone!.value + 20) < tolerance, "\(channel.name): \(channel.tone!)")
    }
    let counts = try #require(summary.protection?.statistics)
    // Half a second, then the rest of the block after it.
    #expect(counts.droppedAtStart == (500 / shape.duration.rawValue + 3) / 4 * 4)
    #expect(counts.received + counts.droppedAtStart == packets)
    #expect(counts.lost + counts.late + counts.duplicates + counts.malformed + counts.undecryptable == 0)
    #expect(summary.spanLost == 0 && summary.corrupt == 0 && summary.spanConcealed == .zero)
    #expect(summary.jitter < .milliseconds(1))
  }

  @Test func stereoIsIntact() throws {
    let tones = try GameStreamTones(GameStreamConfiguration(channels: 2, .high)!, isEncrypted: true)
    let client = try GameStreamReception(tones.agreement, wav: nil, sink: nil)
    let summary = try hear(tones, packets: 800, by: client)
    #expect(summary.faults(expecting: tones.tones) == [])
  }

  @Test func lossesThatCanBeRepairedAreNotHeard() throws {
    var plan = FaultPlan()
    (plan.loss, plan.blockLimit, plan.seed) = (0.3, 2, 5)
    let tones = try GameStreamTones(GameStreamConfiguration(channels: 2, .high)!)
    let client = FaultyReception(try GameStreamReception(tones.agreement, wav: nil, sink: nil, dropsStart: false), plan)
    let summary = try hear(tones, packets: 1000, by: client)
    #expect(summary.faults(expecting: tones.tones) == [])
    let (counts, injected) = (summary.protection!.statistics, summary.injected!)
    #expect(injected.lostData > 150 && injected.lostParity > 60)
    #expect(counts.recovered > 150 && counts.concealed == 0)
    #expect(summary.text.contains("recovered \(counts.recovered), concealed 0"))
    #expect(summary.json.contains("\"injected\":{\"lost\":\(injected.lost),"))
  }

  @Test func aLostBlockBreaksTheToneAndAThirdOfOneIsConcealed() throws {
    var plan = FaultPlan()
    (plan.loss, plan.burst, plan.seed) = (0.01, 4, 3)
    let tones = try GameStreamTones(GameStreamConfiguration(channels: 2, .high)!)
    let client = FaultyReception(try GameStreamReception(tones.agreement, wav: nil, sink: nil, dropsStart: false), plan)
    let summary = try hear(tones, packets: 2000, by: client)
    let counts = summary.protection!.statistics
    #expect(counts.concealed > 0 && summary.spanConcealed == .milliseconds(5) * Int64(counts.concealed))
    #expect(!summary.intact(expecting: tones.tones))
  }

  @Test func theWrongKeyIsHeardByNobody() throws {
    let tones = try GameStreamTones(GameStreamConfiguration(channels: 2, .normal)!, isEncrypted: true)
    var agreement = tones.agreement
    agreement.encryption?.key = try GameStreamKey(hexadecimal: "00112233445566778899aabbccddeefe")
    let client = try GameStreamReception(agreement, wav: nil, sink: nil, dropsStart: false)
    let summary = try hear(tones, packets: 400, by: client)
    let counts = summary.protection!.statistics
    // Only the padding tells: one packet in about 256 looks right.
    #expect(counts.undecryptable > 380 && counts.undecryptable + Int(summary.corrupt) <= counts.received)
    #expect(summary.measured == .zero)
  }

  @Test func theMeterShowsTheRepair() throws {
    let tones = try GameStreamTones(GameStreamConfiguration(channels: 2, .normal)!)
    let client = try GameStreamReception(tones.agreement, wav: nil, sink: nil, dropsStart: false)
    let lost = 9
    for (index, datagram) in try tones.datagrams(packets: 40).enumerated() where index != lost {
      client.take(datagram, at: HostTime(nanoseconds: Int64(index) * 3_000_000))
    }
    let snapshot = client.snapshot()
    var line = MeterLine(.plain)
    let shown = line.update(snapshot, at: HostTime(nanoseconds: 0))
    let text = try #require(shown)
    #expect(text.contains("packets 35, lost 1, recovered 1, concealed 0, late 0, dup 0"))
    #expect(!text.contains("buffer") && !text.contains("latency"))
    #expect(snapshot.json.contains("\"recovered\":1,\"concealed\":0,\"skipped_blocks\":0"))
  }

  @Test func aDescriptionWithoutTheLayoutIsUnplayable() throws {
    var agreement = try GameStreamTones(GameStreamConfiguration(channels: 8, .normal)!).agreement
    agreement.description = ""
    #expect { try GameStreamReception(agreement, wav: nil, sink: nil) } throws: {
      ($0 as? ReceiverError)?.code == "listen_unplayable"
    }
    // One line only: the client knows of no high quality.
    agreement.description = SurroundParams.lines()[4]
    _ = try GameStreamReception(agreement, wav: nil, sink: nil)
    agreement.quality = .high
    #expect(throws: ReceiverError.self) { try GameStreamReception(agreement, wav: nil, sink: nil) }
  }
}

@Suite struct PingScheduleTests {
  private static func parsed(_ bytes: [UInt8]) -> GameStreamPing? {
    bytes.withUnsafeBytes { GameStreamPing(parsing: $0) }
  }

  @Test func twiceASecondWithARisingCounter() throws {
    let payload = try #require(GameStreamPingPayload("0123456789ABCDEF"))
    var schedule = PingSchedule(payload)
    var sent: [(at: Int, ping: GameStreamPing?)] = []
    for millisecond in 0..<2600 {
      while let bytes = schedule.next(at: HostTime(nanoseconds: 7_000_000_000 + Int64(millisecond) * 1_000_000)) {
        sent.append((millisecond, Self.parsed(bytes)))
      }
    }
    #expect(sent.map(\.at) == [0, 500, 1000, 1500, 2000, 2500])
    #expect(sent.map(\.ping) == (1...6).map { .current(payload, counter: $0) })
  }

  /// After a pause one ping goes out, not all that were missed.
  @Test func whatWasMissedIsNotMadeUpFor() {
    var schedule = PingSchedule(nil)
    var sent = 0
    for millisecond: Int64 in [0, 1, 4321, 4322, 4820, 4821, 5000] {
      while let bytes = schedule.next(at: HostTime(nanoseconds: millisecond * 1_000_000)) {
        #expect(Self.parsed(bytes) == .legacy)
        sent += 1
      }
    }
    #expect(sent == 3)
  }
}
