import AudioCore
import CRenderGuard
import Glibc
import Synchronization
import Testing

@testable import Mixer

@Suite struct LevelMeterTests {
  private let stereo = StreamFormat(rate: .codec, layout: .stereo)

  private func decibels(_ amplitude: Float) -> Double { Decibels(amplitude: Double(amplitude)).value }

  @Test func levelsOfASine() throws {
    var meter = LevelMeter(format: stereo)
    let reader = try self.reader(of: meter)
    var sound = TestSound(sine: 1000, level: -20, seconds: 1, channels: 2)
    sound.channels[1] = sound.channels[1].map { $0 / 2 }
    sound.render { meter.process($0, frames: $1) }
    let levels = reader.take()
    #expect(levels.span == .seconds(1))
    #expect(abs(decibels(levels.peak[0]) + 20) < 0.01 && abs(decibels(levels.peak[1]) + 26.02) < 0.01)
    #expect(abs(decibels(levels.rms[0]) + 23.01) < 0.01 && abs(decibels(levels.rms[1]) + 29.03) < 0.01)
    #expect(abs(decibels(levels.loudest[0]) + 23.01) < 0.01)
    let nothing = reader.take()
    #expect(nothing.span == .zero && nothing.peak[0] == 0 && nothing.rms[0] == 0 && nothing.loudest[0] == 0)
  }

  /// However seldom somebody looks, one loud sample is seen, and by everybody once.
  @Test func eachReaderHasItsOwnSpan() throws {
    var meter = LevelMeter(format: stereo)
    let quick = try reader(of: meter)
    let slow = try reader(of: meter)
    for round in 0..<10 {
      var sound = TestSound(sine: 500, level: -40, seconds: 0.1, channels: 2)
      if round == 3 { sound.channels[1][77] = -0.9 }
      sound.render(block: 128) { meter.process($0, frames: $1) }
      let levels = quick.take()
      #expect(levels.span == .milliseconds(100))
      #expect((levels.peak[1] == 0.9) == (round == 3))
      #expect(abs(decibels(levels.rms[0]) + 43.01) < 0.01)
    }
    let levels = slow.take()
    #expect(levels.span == .seconds(1) && levels.peak[1] == 0.9)
    // 0.9 in one of 480 frames.
    #expect(abs(levels.loudest[1] - 0.9 / Float(480).squareRoot()) < 0.002)
    #expect(slow.take().peak[1] == 0)
  }

  @Test func aReaderBeginsWhenItIsMade() throws {
    var meter = LevelMeter(format: stereo)
    var loud = TestSound(sine: 1000, level: 0, seconds: 0.1, channels: 2)
    loud.render { meter.process($0, frames: $1) }
    let late = try reader(of: meter)
    var quiet = TestSound(sine: 1000, level: -60, seconds: 0.1, channels: 2)
    quiet.render { meter.process($0, frames: $1) }
    let levels = late.take()
    #expect(levels.span == .milliseconds(100) && levels.peak[0] < 0.0011 && levels.rms[0] < 0.0008)
  }

  /// The macros of tests take no value that cannot be copied.
  private func reader(of meter: borrowing LevelMeter) throws -> LevelMeter.Reader {
    let reader = meter.makeReader()
    return try #require(reader)
  }

  private func keep(_ meter: borrowing LevelMeter, _ count: Int) -> Int {
    guard count > 0, let reader = meter.makeReader() else { return count }
    return withExtendedLifetime(reader) { keep(meter, count - 1) }
  }

  @Test func placesOfReaders() throws {
    let meter = LevelMeter(format: stereo)
    // Eight, then no more; and all of them again once they are gone.
    let first = keep(meter, 9)
    let again = keep(meter, 9)
    #expect(first == 1 && again == 1)
    let enough = keep(meter, 8)
    #expect(enough == 0)
  }

  @Test func aReaderOutlivesItsMeter() throws {
    func made() throws -> LevelMeter.Reader {
      var meter = LevelMeter(format: StreamFormat(rate: .codec, layout: .mono))
      let reader = try self.reader(of: meter)
      var sound = TestSound(sine: 1000, level: -6, seconds: 0.1, channels: 1)
      sound.render { meter.process($0, frames: $1) }
      return reader
    }
    let reader = try made()
    #expect(abs(decibels(reader.take().peak[0]) + 6) < 0.01)
  }

  @Test func blocksDoNotMatter() throws {
    func levels(_ block: Int) throws -> [Float] {
      var meter = LevelMeter(format: StreamFormat(rate: SampleRate(hertz: 44_100), layout: .surround51))
      let reader = try self.reader(of: meter)
      var sound = TestSound(noise: -12, seconds: 0.7, channels: 6, rate: 44_100)
      sound.channels[2][500] = .nan
      sound.channels[3][501] = .infinity
      sound.render(block: block) { meter.process($0, frames: $1) }
      let levels = reader.take()
      return (0..<6).flatMap { [levels.peak[$0], levels.rms[$0], levels.loudest[$0]] }
    }
    let whole = try levels(100_000)
    #expect(whole.allSatisfy { $0.isFinite && $0 > 0.1 && $0 < 0.5 })
    for block in [1, 64, 256, 1024, 13] { #expect(try levels(block) == whole) }
  }

  /// Two threads: sums are of one moment, and no peak is lost.
  @Test func readWhileWritten() throws {
    nonisolated(unsafe) var meter = LevelMeter(format: stereo)
    let reader = try self.reader(of: meter)
    let done = Atomic<Bool>(false)
    nonisolated(unsafe) var seen: (peaks: Int, worst: Float, span: Int64) = (0, 0, 0)
    try withThread {
      while true {
        let isLast = done.load(ordering: .acquiring)
        let levels = reader.take()
        if levels.peak[0] == 0.75 { seen.peaks += 1 }
        if levels.span > .zero { seen.worst = max(seen.worst, abs(levels.rms[0] - levels.rms[1])) }
        seen.span += levels.span.nanoseconds
        if isLast { break }
      }
    } during: {
      var sound = TestSound(sine: 1000, level: -20, seconds: 0.4, channels: 2)
      for _ in 0..<20 { sound.render(block: 48) { meter.process($0, frames: $1) } }
      sound.channels[0][19_000] = 0.75
      sound.render(block: 48) { meter.process($0, frames: $1) }
      done.store(true, ordering: .releasing)
    }
    #expect(seen.peaks == 1)
    #expect(seen.span == 21 * 400_000_000)
    #expect(seen.worst < 0.1)
  }

  private func withThread(_ body: @escaping () -> Void, during main: () -> Void) throws {
    final class Box {
      let body: () -> Void
      init(_ body: @escaping () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let status = pthread_create(
      &thread, nil,
      { raw in
        Unmanaged<Box>.fromOpaque(raw.unsafelyUnwrapped).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    #expect(status == 0)
    main()
    pthread_join(thread, nil)
  }

  @Test(.enabled(if: render_guard_available() != 0)) func allocatesNothing() throws {
    var meter = LevelMeter(format: stereo)
    let reader = try self.reader(of: meter)
    var sound = TestSound(noise: -12, seconds: 0.5, channels: 2)
    render_guard_count_apart(1)
    sound.render(block: 64) { meter.process($0, frames: $1) }
    #expect((0..<Int32(4)).map { render_guard_apart_hits_of($0) } == [0, 0, 0, 0])
    render_guard_count_apart(0)
    withExtendedLifetime(reader) {}
  }
}
