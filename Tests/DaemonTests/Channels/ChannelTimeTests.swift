import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// How quickly a channel's compressor and limiter act, taken from what its device plays.
  @Suite(.serialized) struct ChannelTimeTests {
    private static let quiet = -30.0

    /// A tone of a kilohertz that is 0.4 s loud and 0.6 s quiet, in turn; it changes where it is zero.
    private static func steps(quiet: Double, seconds: Int) -> [Float] {
      let low = pow(10, quiet / 20)
      return (0..<seconds * 48_000).map { frame in
        let size = frame % 48_000 < 19_200 ? 1 : low
        return Float(size * sin(2 * .pi * Double(frame) / 48))
      }
    }

    /// Levels of milliseconds, in dB of a sine's peak.
    private static func levels(_ sound: [Float]) -> [Double] {
      stride(from: 0, to: sound.count - 47, by: 48).map { start in
        let power = sound[start..<start + 48].reduce(0) { $0 + Double($1) * Double($1) } / 48
        return 10 * log10(max(2 * power, 1e-12))
      }
    }

    /// Where a curve first reaches a level, between milliseconds.
    private static func reach(_ level: Double, in curve: ArraySlice<Double>) -> Double? {
      for place in curve.indices.dropFirst() {
        let (before, after) = (curve[place - 1], curve[place])
        guard (before - level) * (after - level) <= 0, before != after else { continue }
        return Double(place - 1) + (level - before) / (after - before)
      }
      return nil
    }

    /// The time of an exponential from one level to another, whatever else there is at its beginning: from a fifth of the way
    /// to where 1/e of the rest is left.
    private static func time(from: Double, to: Double, in curve: ArraySlice<Double>) -> Double? {
      let span = to - from
      guard let first = reach(from + 0.2 * span, in: curve),
        let last = reach(to - 0.8 * span / M_E, in: curve[Int(first)...])
      else { return nil }
      return last - first
    }

    /// Records until both steps are whole in a recording, and asks for the times after them.
    private func times(
      _ listener: SinkListener, loud: Double, quiet: Double, _ measure: (ArraySlice<Double>, ArraySlice<Double>) -> Bool
    ) -> Bool {
      for _ in 0..<8 {
        let curve = Self.levels(listener.record(seconds: 2.2))
        let edge = (loud + quiet) / 2
        let rises = curve.indices.dropFirst().filter { curve[$0 - 1] < edge && curve[$0] >= edge }
        for rise in rises {
          guard
            let fall = curve.indices.first(where: { $0 > rise + 100 && curve[$0] < edge }), fall + 550 < curve.count
          else { continue }
          if measure(curve[(rise + 1)..<(fall - 2)], curve[(fall + 1)..<(fall + 550)]) { return true }
        }
      }
      return false
    }

    @Test func compressorAndLimiterTakeTheirTime() throws {
      let rig = try ChannelRig(channels: 1, isFed: true)
      try rig.configure(ChannelRig.config)
      try rig.configure(#"{"dsp": {"limiter": {"enabled": false}}}"#)
      let player = try rig.feed(1, Self.steps(quiet: Self.quiet, seconds: 60))
      defer { player.stop() }
      try rig.waitUntilRunning(1...1)
      let (listener, quiet) = (try rig.listen(1), Self.quiet)
      var (attack, release) = (0.0, 0.0)
      // Two to one above -20: a full-scale sine loses 10 dB.
      let compresses = times(listener, loud: -10, quiet: quiet) { loud, after in
        attack = Self.time(from: 0, to: -10, in: loud) ?? 0
        // That of the way back is counted from the step, for its beginning is held for a moment.
        release = Self.reach(quiet - 10 / M_E, in: after).map { $0 + 1.5 - Double(after.startIndex) } ?? 0
        return abs(attack - 10) < 1 && abs(release - 100) < 5
      }
      measured("compressor's attack, 10 ms asked for", attack, "ms")
      measured("compressor's release, 100 ms asked for", release, "ms")
      #expect(compresses, "attack \(attack) ms, release \(release) ms")
      try rig.configure(#"{"dsp": {"comp": {"enabled": false}, "limiter": {"enabled": true}}}"#)
      var highest = 0.0
      let limits = times(listener, loud: -3, quiet: quiet) { loud, after in
        highest = loud.max() ?? 0
        release = Self.time(from: quiet - 3, to: quiet, in: after) ?? 0
        return abs(release - 8) < 1 && highest < -2.9
      }
      measured("limiter's release, 8 ms asked for", release, "ms")
      measured("highest level in a millisecond while it limits", highest, "dB")
      #expect(limits, "release \(release) ms, \(highest) dB")
    }
  }
}
