import AudioCore
import Glibc
import Testing

/// What render measures and control reads away.
@Suite struct LevelGaugeTests {
  private func measure(_ gauge: LevelGauge, _ samples: [Float], channels: Int = 1) {
    samples.withUnsafeBufferPointer {
      gauge.face.measure(interleaved: $0.baseAddress!, channels: channels, frames: samples.count / channels)
    }
  }

  @Test func nothingIsMeasuredWhileNobodyLooks() {
    let gauge = LevelGauge()
    measure(gauge, [1, 1, 1])
    #expect(!gauge.face.isWatched && gauge.take().frames == 0)
    measure(gauge, [0.5, -0.25])
    let window = gauge.take()
    #expect(window.frames == 2 && window.peaks == [0.5])
    #expect(abs(window.squares[0] - 0.3125) < 1e-9)
    gauge.rest()
    measure(gauge, [1, 1, 1])
    #expect(gauge.take().frames == 0)
    #expect(gauge.take().frames == 0)
  }

  @Test func channelsStayApartAndNoNumberIsNoLevel() {
    let gauge = LevelGauge()
    measure(gauge, [0, 0], channels: 2)
    _ = gauge.take()
    measure(gauge, [0.5, -0.75, .nan, .infinity], channels: 2)
    let window = gauge.take()
    #expect(window.peaks == [0.5, 0.75] && window.frames == 2)
    #expect(window.peak(0)! == Decibels(amplitude: 0.5))
    #expect(abs(window.rms(1)!.value - 20 * log10(0.75 / 2.0.squareRoot())) < 1e-6)
    #expect(LevelWindow(channels: 2).peak(0) == nil)
  }

  @Test func planarBlocksAreMeasuredAsInterleavedOnes() {
    let gauge = LevelGauge()
    measure(gauge, [0, 0], channels: 2)
    _ = gauge.take()
    let samples = UnsafeMutablePointer<Float>.allocate(capacity: 6)
    let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)
    defer {
      samples.deallocate()
      planes.deallocate()
    }
    for (index, value) in [Float](arrayLiteral: 0.1, 0.2, -0.3, 0.4, -0.5, 0.25).enumerated() { samples[index] = value }
    (planes[0], planes[1]) = (samples, samples + 3)
    gauge.face.measure(Block(channels: planes, channelCount: 2, frames: 3))
    #expect(gauge.take().peaks == [0.3, 0.5])
    (planes[0], planes[1]) = (samples, samples + 1)
    gauge.face.measure(Block(channels: planes, channelCount: 2, frames: 3, stride: 2))
    #expect(gauge.take().peaks == [0.5, 0.4])
  }

  /// One thread measures, another reads away: no sample is lost and none counted twice.
  @Test func whatTwoThreadsDoAddsUp() {
    let gauge = LevelGauge()
    _ = gauge.take()
    final class Writer: Sendable {
      let gauge: LevelGauge
      init(_ gauge: LevelGauge) { self.gauge = gauge }
    }
    let writer = Writer(gauge)
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { raw in
        let writer = Unmanaged<Writer>.fromOpaque(raw!).takeRetainedValue()
        let block = [Float](repeating: 0.5, count: 64)
        for _ in 0..<20_000 {
          block.withUnsafeBufferPointer {
            writer.gauge.face.measure(interleaved: $0.baseAddress!, channels: 1, frames: 64)
          }
        }
        return nil
      }, Unmanaged.passRetained(writer).toOpaque())
    var total = LevelWindow(channels: 1)
    for _ in 0..<2000 { total.merge(gauge.take()) }
    pthread_join(thread, nil)
    total.merge(gauge.take())
    #expect(total.frames == 20_000 * 64)
    #expect(total.squares == [Double(20_000 * 64) * 0.25])
    #expect(total.peaks == [0.5])
  }
}
