import AudioCore
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// From a packet's arrival to its first sample in a recorder of the graph, with cycles of 256 frames.
  @Suite(.serialized) struct MicLatencyTests {
    /// Marks in a stream that never pauses, and bursts after silence.
    @Test(arguments: Breadth.of([(FrameDuration.ms5, true), (.ms20, true), (.ms20, false)], brief: [(.ms20, true)]))
    func fromTheWireToTheNode(frame: FrameDuration, isSteady: Bool) throws {
      let field = try MicField()
      let marks = Breadth.isLong ? 40 : 10
      let opened = try field.openSealed()
      let tail = try RecordedTail(field.server)
      defer { tail.stop() }
      // Five times a second a packet of 20 ms or more begins with a tone.
      let every: Int64 = 9600
      let voice = try MicVoice(opened.wire, frame: frame) { place in
        place % every < 1920 ? Float(0.5 * cos(2 * .pi * 997 * Double(place % every) / 48_000)) : 0
      } speaks: {
        isSteady || $0 % every < 3840
      }
      defer { voice.stop() }
      #expect(waitUntil(timeout: 30) { voice.sent.count { $0.frame % every == 0 } >= marks + 4 })
      let (facts, report) = (try field.mic(opened.id), try field.report())
      usleep(300_000)
      voice.stop()
      let onsets = self.onsets(tail)
      // The first ones meet a delay that is not yet settled.
      let starts = voice.sent.filter { $0.frame % every == 0 }.dropFirst(4)
      let delays = starts.compactMap { start in
        onsets.first { $0 > start.seconds }.map { ($0 - start.seconds) * 1000 }
      }.filter { $0 < 200 }.sorted()
      #expect(delays.count >= starts.count - 2 && starts.count >= marks, "\(delays.count) of \(starts.count)")
      guard !delays.isEmpty else { return }
      let name = "\(isSteady ? "mark in a steady stream" : "burst after silence"), packets of \(frame.rawValue / 48) ms"
      measured("\(name): arrival to recorder, p50", delays[delays.count / 2], "ms")
      measured("\(name): p99", delays[min(delays.count - 1, delays.count * 99 / 100)], "ms")
      let delay = delays[delays.count / 2]
      let held = try #require(facts["delay_ms"]?.doubleValue)
      let cycle = Double(try #require(report["quantum"]?.intValue)) / 48
      measured("\(name): of it held against jitter", held, "ms")
      measured("\(name): of it one cycle, which the graph may take at any moment", cycle, "ms")
      measured("\(name): of it margin, resampler, threads and the recorder's own cycle", delay - held - cycle, "ms")
      #expect(delay < 200 && held >= 0)
    }

    /// When a recorder had the first loud sample of each mark.
    private func onsets(_ tail: RecordedTail) -> [Double] {
      let samples = tail.samples
      var (found, quiet): ([Double], Int) = ([], 4800)
      for block in tail.blocks {
        for place in block.start..<block.start + block.count {
          if abs(samples[place]) > 0.2 {
            if quiet >= 2400 { found.append(block.seconds) }
            quiet = 0
          } else {
            quiet += 1
          }
        }
      }
      return found
    }
  }
}
