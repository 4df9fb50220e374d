import Control
import Glibc
import TestSupport
import Testing
import Wire

extension DaemonTests {
  /// Packets spread behind a graph cycle of four packets. Figures are printed; the bounds of the promise hold on an idle
  /// machine and are judged in the long form alone.
  @Suite(.serialized) struct EvenPacingTests {
    @Test func packetsLeaveAtEvenDistancesBehindALongCycle() throws {
      let server = try PrivatePipeWire()
      try server.setQuantum(1024)
      let daemon = try DaemonUnderTest(on: server)
      let tone = try TonePlayer(server)
      let recorder = try PacketRecorder()
      try daemon.open(recorder, ["pacing": "even"])
      try daemon.waitUntilHearing()
      // What the first cycles teach the pacer is over by then.
      #expect(waitUntil(timeout: 20) { recorder.count > 600 })
      let seconds = Double(Breadth.rounds(short: 4, long: 600))
      var packets: [RecordedPacket] = []
      var isWhole = false
      // Seconds in which the server lost a cycle say nothing of us.
      for _ in 0..<Breadth.rounds(short: 4, long: 1) where !isWhole {
        let before = Accounts(try daemon.status())
        _ = recorder.take()
        packets = []
        _ = waitUntil(timeout: seconds) {
          packets += recorder.take()
          return false
        }
        isWhole = !Accounts(try daemon.status()).hasLoss(since: before)
      }
      try #require(Double(packets.count) > 150 * seconds)
      #expect(try daemon.session()["pacing"] == "even")

      let spacings = zip(packets.dropFirst(), packets).map { ($0.arrival - $1.arrival) * 1000 }.sorted()
      let delays = packets.map {
        $0.arrival - packets[0].arrival - Double($0.header.timestamp &- packets[0].header.timestamp) / 48_000
      }
      // Drift of the graph's clock against ours is no jitter.
      let slope = Self.slope(packets.map(\.arrival), delays)
      let level = zip(packets, delays).map { ($1 - slope * ($0.arrival - packets[0].arrival)) * 1000 }.sorted()
      let spread = level[level.count * 99 / 100] - level[level.count / 100]
      let p99 = spacings[spacings.count * 99 / 100]
      let p1 = spacings[spacings.count / 100]
      measured("packets followed", Double(packets.count), "")
      measured("spacing p1", p1, "ms")
      measured("spacing median", spacings[spacings.count / 2], "ms")
      measured("spacing p99", p99, "ms")
      measured("delay p99 less p1", spread, "ms")
      measured("media clock against ours", slope * 1e6, "ppm")
      // The heart of it, whatever the machine: most packets are a packet's length apart, not in bursts of a cycle.
      #expect(abs(spacings[spacings.count / 2] - 5) < 0.5)
      #expect(spacings.count { $0 < 1 } * 10 < spacings.count)
      #expect(isWhole)
      if Breadth.isLong {
        #expect(p99 < 6 && p1 > 4)
        #expect(spread < 2)
        #expect(abs(slope) < 100e-6)
      }
      withExtendedLifetime(tone) {}
    }

    /// Of the line of least squares through the points.
    private static func slope(_ times: [Double], _ values: [Double]) -> Double {
      let count = Double(times.count)
      let (meanTime, meanValue) = (times.reduce(0, +) / count, values.reduce(0, +) / count)
      var (above, below) = (0.0, 0.0)
      for (time, value) in zip(times, values) {
        above += (time - meanTime) * (value - meanValue)
        below += (time - meanTime) * (time - meanTime)
      }
      return above / below
    }
  }
}
