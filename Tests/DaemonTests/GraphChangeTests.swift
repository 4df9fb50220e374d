import AudioCore
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// The graph's cycle and rate change under a steady sine.
  @Suite(.serialized) struct GraphChangeTests {
    enum Change {
      case quantum(Int)
      case rate(Int)
    }

    /// The long form: every two seconds for longer than a minute.
    private static let rounds = Breadth.rounds(short: 1, long: 3)

    private static let quanta: [Change] = [1024, 8192, 256, 64, 1024, 256].map { .quantum($0) }
    private static let rates: [Change] = [
      .rate(44_100), .quantum(1024), .quantum(64), .quantum(8192), .rate(96_000), .quantum(256), .rate(48_000),
    ]

    /// Cycles that grow cost nothing, though the capture beside the sink gets only the beginning of the first longer one:
    /// the rest is repaired. One that shrinks costs the sink what the server had planned for the longer one, but not us.
    @Test func changesOfTheQuantumBreakNothingThatIsNotReported() throws {
      let (journal, status) = try run(Self.quanta)
      #expect(status["captures"]?[0]?["path"] == "streams")
      #expect(journal.accounts.repairedCycles - journal.first.repairedCycles >= 3 * Self.rounds)
      let made = Self.quanta.count * Self.rounds
      #expect(journal.accounts.quantumChanges - journal.first.quantumChanges == made)
    }

    @Test func changesOfTheRateBreakNothingThatIsNotReported() throws {
      let (journal, status) = try run(Self.rates, hasSeams: true)
      #expect(status["captures"]?[0]?["graph_rate"] == 48_000)
      // A change of rate may come with one of the cycle in frames of ours; a resampler's rounding is none.
      let counted = journal.accounts.quantumChanges - journal.first.quantumChanges
      #expect((4 * Self.rounds...20 * Self.rounds).contains(counted), "\(counted) changes of the quantum")
    }

    /// Behind a resampler a repair has a seam: its filter has heard something else.
    private func run(_ changes: [Change], hasSeams: Bool = false) throws -> (journal: Journal, status: JSON) {
      let server = try PrivatePipeWire()
      try server.setQuantum(256)
      let daemon = try DaemonUnderTest(on: server)
      let recorder = try PacketRecorder()
      let codec = try daemon.open(recorder, ["bitrate": 192_000])
      try daemon.waitUntilHearing()
      let tone = try TonePlayer(server)
      #expect(try waitUntil(timeout: 15) { try recorder.recording.peaks(codec).suffix(40).allSatisfy { $0 > 0.05 } })
      // The first cycle counts as a change too; it is read with the next turn of the daemon's clock.
      #expect(try waitUntil(timeout: 10) { Accounts(try daemon.status()).quantumChanges > 0 })
      recorder.restart()
      var journal = Journal(try daemon.status(), hasSeams: hasSeams)
      journal.watch(daemon, seconds: 0.5)
      var quantum = 256
      for change in Array(repeatElement(changes, count: Self.rounds).joined()) {
        switch change {
        case .quantum(let frames):
          if frames < quantum { journal.switches.append(monotonicSeconds()) }
          quantum = frames
          try server.setQuantum(frames)
        case .rate(let hertz):
          journal.switches.append(monotonicSeconds())
          try server.setRate(hertz)
        }
        journal.watch(daemon, seconds: Breadth.isLong ? 2 : 0.9)
      }
      journal.watch(daemon, seconds: 0.7)
      journal.playerMisses = tone.misses
      try judge(recorder.recording, codec, journal)
      return (journal, try daemon.status())
    }

    private func judge(_ recording: Recording, _ codec: OpusConfiguration, _ journal: Journal) throws {
      #expect(recording.sequenceBreaks.isEmpty && recording.sources.count == 1)
      #expect(recording.markersAreRight)
      let sound = try recording.decoded(codec)
      // The decoder joins in the middle of the stream and needs a moment.
      let breaks = SineContinuity(frequency: 997, threshold: -20).breaks(in: Array(sound[0].dropFirst(4800)))
      print("measured: \(breaks.count) breaks, the player missed \(journal.playerMisses.count); \(journal.accounts)")
      for found in breaks {
        let time = recording.arrival(ofFrame: found.frames.lowerBound + 4800)
        let why = journal.explanation(of: time)
        print(
          "  \(found), \(found.frames.count) frames, \(time - recording.packets[0].arrival) s: \(why ?? "unexplained")")
        #expect(why != nil, "\(found) with nothing reported")
      }
      // The same cycle at both ends, so the same distance between sound and packet.
      let offsets = recording.clockOffsets
      let drift = abs(offsets[offsets.count - 2] - offsets[0])
      measured("media clock against real time", drift * 1000, "ms")
      #expect(drift < 0.05)
    }
  }
}

/// What the daemon reported, and what the test did, with times.
struct Journal {
  let first: Accounts
  private(set) var accounts: Accounts
  /// When the test shortened the cycle or changed the rate: the server then throws away what players had ready for the
  /// longer one, which every listener to the sink hears.
  var switches: [Double] = []
  /// When the test's own tone was not asked for in time.
  var playerMisses: [Double] = []
  private var losses: [Double] = []
  private var repairs: [Double] = []
  private let hasSeams: Bool
  private var reports: [Double] = []

  init(_ status: JSON, hasSeams: Bool) {
    self.hasSeams = hasSeams
    first = Accounts(status)
    accounts = first
  }

  mutating func watch(_ daemon: DaemonUnderTest, seconds: Double) {
    let end = monotonicSeconds() + seconds
    while monotonicSeconds() < end {
      if let status = try? daemon.status() {
        let now = Accounts(status)
        if now.hasLoss(since: accounts) || now.lateWakes != accounts.lateWakes { losses.append(monotonicSeconds()) }
        if now.quantumChanges != accounts.quantumChanges || now.graphRate != accounts.graphRate {
          reports.append(monotonicSeconds())
        }
        if now.repairedCycles != accounts.repairedCycles { repairs.append(monotonicSeconds()) }
        accounts = now
      }
      usleep(50_000)
    }
  }

  func explanation(of time: Double) -> String? {
    // A cycle is at most 171 ms long, and a packet leaves within it.
    if playerMisses.contains(where: { time > $0 - 0.25 && time < $0 + 0.25 }) { return "not played in time" }
    // Some counters are read twice a second.
    if losses.contains(where: { time > $0 - 0.8 && time < $0 + 0.1 }) { return "reported loss" }
    if hasSeams, repairs.contains(where: { time > $0 - 0.8 && time < $0 + 0.1 }) { return "repaired, reported" }
    guard let change = switches.first(where: { time > $0 - 0.05 && time < $0 + 0.3 }) else { return nil }
    return reports.contains { $0 > change && $0 < change + 0.9 } ? "the server's switch, reported" : nil
  }
}
