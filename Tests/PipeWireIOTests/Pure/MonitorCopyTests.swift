import Synchronization
import Testing

@testable import PipeWireIO

/// What the monitor's copy proves and repairs, on blocks made by hand.
@Suite struct MonitorCopyTests {
  /// Interleaved: two channels of ours, two of the copy.
  private func block(_ frames: Int, ours: (Int) -> Float, copy: (Int) -> Float) -> [Float] {
    (0..<frames).flatMap { [ours($0), -ours($0), copy($0), -copy($0)] }
  }

  private func sound(_ place: Int) -> Float { Float((place * 7919) % 1009) / 2048 + 0.01 }
  private func cycle(_ number: Int, frames: Int = 64, gain: Float = 1) -> [Float] {
    block(frames, ours: { sound(number * 64 + $0) }, copy: { gain * sound((number - 1) * 64 + $0) })
  }

  /// Feeds whole cycles, as render does.
  private func feed(_ copy: CopyUnderTest, _ cycles: Range<Int>, gain: Float = 1) {
    for number in cycles {
      let samples = cycle(number, gain: gain)
      copy.check(samples)
      copy.keep(samples)
    }
  }

  @Test func aCopyIsTrustedOnceItHasBeenSeenToBeOne() {
    let copy = CopyUnderTest()
    #expect(!copy.isTrusted)
    feed(copy, 0..<1)
    #expect(!copy.isTrusted)
    feed(copy, 1..<3)
    #expect(copy.isTrusted)
    #expect(copy.unlike == 0)
  }

  @Test func silenceProvesNothing() {
    let copy = CopyUnderTest()
    let silence = block(64, ours: { _ in 0 }, copy: { _ in 0 })
    for _ in 0..<4 {
      copy.check(silence)
      copy.keep(silence)
    }
    #expect(!copy.isTrusted)
  }

  /// A new source's first cycle is an exception that is counted; a monitor with a volume of its own is no copy.
  @Test func oneDifferenceIsCountedAndManyEndTheTrust() {
    let copy = CopyUnderTest()
    feed(copy, 0..<3)
    feed(copy, 3..<4, gain: 0.5)
    #expect(copy.isTrusted && copy.unlike == 1)
    feed(copy, 4..<20, gain: 0.5)
    #expect(!copy.isTrusted)
    feed(copy, 20..<21)
    #expect(copy.isTrusted)
  }

  @Test func whatTheSinkDidNotPlayIsNoRepair() {
    let copy = CopyUnderTest()
    feed(copy, 0..<4)
    // Cycle 4 was lost. The copy in cycle 5 has it, has the one before still, or nothing.
    let isNew = copy.isNew(cycle(5))
    #expect(isNew)
    #expect(!copy.isNew(cycle(4)))
    let empty = block(64, ours: { sound($0) }, copy: { _ in 0 })
    #expect(!copy.isNew(empty))
  }

  @Test func theRestOfALongerCycleIsFound() {
    let copy = CopyUnderTest()
    feed(copy, 0..<4)
    let longer = block(256, ours: { sound(999 + $0) }, copy: { sound(3 * 64 + $0) })
    #expect(copy.isContinued(longer))
    let other = block(256, ours: { sound(999 + $0) }, copy: { sound(5 + $0) })
    #expect(!copy.isContinued(other))
    let filled = block(256, ours: { sound(999 + $0) }, copy: { $0 < 64 ? sound(3 * 64 + $0) : 0 })
    #expect(!copy.isContinued(filled))
  }

  /// Behind a resampler blocks are cut elsewhere, and only their power can be compared.
  @Test func behindAResamplerPowerIsCompared() {
    let copy = CopyUnderTest()
    copy.keep(cycle(3))
    let shifted = block(64, ours: { _ in 0 }, copy: { sound(3 * 64 + 1 + $0) })
    copy.check(shifted)
    #expect(!copy.isTrusted)
    copy.check(shifted, isResampled: true)
    #expect(copy.isTrusted)
  }
}

private final class CopyUnderTest {
  private var copy = MonitorCopy(channels: 2)
  var isTrusted: Bool { copy.isTrusted }
  var unlike: UInt64 { copy.unlike.load(ordering: .relaxed) }

  func keep(_ block: [Float]) {
    block.withUnsafeBufferPointer { copy.keep($0.baseAddress!, stride: 4, frames: $0.count / 4) }
  }

  func check(_ block: [Float], isResampled: Bool = false) {
    block.withUnsafeBufferPointer {
      copy.check($0.baseAddress! + 2, stride: 4, frames: $0.count / 4, isResampled: isResampled)
    }
  }

  func isNew(_ block: [Float]) -> Bool {
    block.withUnsafeBufferPointer { copy.isNew($0.baseAddress! + 2, stride: 4, frames: $0.count / 4) }
  }

  func isContinued(_ block: [Float]) -> Bool {
    block.withUnsafeBufferPointer {
      copy.isContinued($0.baseAddress! + 2, stride: 4, frames: $0.count / 4, isResampled: false)
    }
  }
}
