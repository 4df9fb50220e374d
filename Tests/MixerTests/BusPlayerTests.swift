import AudioCore
import AudioIO
import CRenderGuard
import Glibc
import TestSupport
import Testing

@testable import Mixer

/// A writer and a player with clocks of their own, in virtual time.
private final class PlayerRig {
  let player = BusPlayer()
  let bus: BusOutput
  private let renderer = Renderer()
  private let samples = UnsafeMutablePointer<Float>.allocate(capacity: 2 * 16_384)
  private let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)
  private var written = 0
  private var read = 0
  private(set) var heard: [Float] = []
  private(set) var mostWaiting = 0

  init(layout: ChannelLayout = .stereo) {
    bus = BusOutput(layout: layout, capacity: 16_384)
    renderer.publish(RenderPlan(input: .stereo, buses: [bus]))
    player.play(bus)
    planes[0] = samples
    planes[1] = samples + 16_384
  }

  deinit {
    samples.deallocate()
    planes.deallocate()
  }

  static func tone(_ frame: Int) -> Float { Float(0.5 * sin(2 * Double.pi * 997 * Double(frame) / 48_000)) }

  private func cycle(_ frames: Int, _ time: Double, _ position: Int, isInput: Bool, broken: Bool = false) -> Cycle {
    let block = Block(channels: UnsafePointer(planes), channelCount: 2, frames: frames)
    let none = Block(channels: UnsafePointer(planes), channelCount: 0, frames: frames)
    return Cycle(
      frames: frames, time: HostTime(nanoseconds: Int64(time * 1e9) + 1_000_000_000), position: Int64(position),
      quantum: frames, layout: .stereo, flags: broken ? .discontinuity : .none, input: isInput ? block : none,
      output: isInput ? none : block)
  }

  func write(_ frames: Int, at time: Double, broken: Bool = false) {
    for channel in 0..<2 { for frame in 0..<frames { planes[channel][frame] = Self.tone(written + frame) } }
    renderer.render(cycle(frames, time, written, isInput: true, broken: broken))
    written += frames
  }

  func play(_ frames: Int, at time: Double, keep: Bool = true) {
    for channel in 0..<2 { for frame in 0..<frames { planes[channel][frame] = 0 } }
    player.render(cycle(frames, time, read, isInput: false))
    read += frames
    mostWaiting = max(mostWaiting, player.counts.waiting)
    if keep { heard += UnsafeBufferPointer(start: planes[0], count: frames) }
  }

  /// Each clock calls when its next block is due.
  func run(seconds: Double, writer: Int, reader: Int, ppm: Double) {
    var (nextWrite, nextRead) = (0.0, 0.000_1)
    while min(nextWrite, nextRead) < seconds {
      if nextWrite <= nextRead {
        write(writer, at: nextWrite)
        nextWrite += Double(writer) / (48_000 * (1 + ppm / 1e6))
      } else {
        play(reader, at: nextRead)
        nextRead += Double(reader) / 48_000
      }
    }
  }

  /// The longest step from one sample to the next; a sine of this kind has none above 0.0653.
  var steepest: Float { zip(heard.dropFirst(), heard).map { abs($0 - $1) }.max() ?? 0 }
}

@Suite struct BusPlayerTests {
  /// One driver, the player called first, as it has nothing to wait for: one cycle late, and exact.
  @Test(arguments: [16, 64, 256, 1024, 4096]) func oneDriverPlaysEachBlockACycleLater(quantum: Int) {
    let rig = PlayerRig()
    let cycles = 96_000 / quantum
    for index in 0..<cycles {
      let time = Double(index * quantum) / 48_000
      rig.play(quantum, at: time)
      rig.write(quantum, at: time)
    }
    let start = quantum + 240
    #expect((start..<cycles * quantum).allSatisfy { rig.heard[$0] == PlayerRig.tone($0 - quantum) })
    #expect(rig.heard[..<quantum].allSatisfy { $0 == 0 })
    #expect(rig.steepest < 0.066)
    #expect(
      rig.player.counts
        == {
          var none = BusPlayer.Counts()
          none.waiting = quantum
          return none
        }())
  }

  /// The writer's node rests while nothing plays: no fault, no click, and no more delay than before.
  @Test func aPauseIsNoUnderrun() {
    let rig = PlayerRig()
    var time = 0.0
    for _ in 0..<5 {
      for index in 0..<100 {
        rig.play(256, at: time)
        rig.write(256, at: time, broken: index == 0)
        time += 256.0 / 48_000
      }
      for _ in 0..<50 {
        rig.play(256, at: time)
        time += 256.0 / 48_000
      }
    }
    #expect(rig.player.counts.underruns == 0 && rig.player.counts.overruns == 0)
    #expect(rig.mostWaiting == 256)
    #expect(rig.steepest < 0.08)
  }

  /// A cycle of the writer that is missing is a hole with soft edges, and is counted.
  @Test func aMissingBlockIsAnUnderrun() {
    let rig = PlayerRig()
    for index in 0..<200 {
      let time = Double(index * 256) / 48_000
      rig.play(256, at: time)
      if index != 100 { rig.write(256, at: time) }
    }
    #expect(rig.player.counts.underruns == 1)
    #expect(rig.steepest < 0.08)
  }

  /// Two drivers, faster and slower, blocks of different lengths: what waits is bounded, what is done about it is soft and
  /// seldom.
  @Test(
    arguments: Breadth.of([-500.0, -100, 100, 500], brief: [-500, 100]),
    [(256, 256), (1024, 256), (256, 1024), (64, 480)])
  func twoDriversAreHeldTogether(ppm: Double, blocks: (writer: Int, reader: Int)) {
    let rig = PlayerRig()
    rig.run(seconds: 120, writer: blocks.writer, reader: blocks.reader, ppm: ppm)
    let counts = rig.player.counts
    let unit = max(blocks.writer, blocks.reader)
    #expect(rig.mostWaiting <= 8 * unit, "\(rig.mostWaiting)")
    #expect(rig.steepest < 0.08, "\(rig.steepest)")
    #expect(counts.underruns <= 4, "\(counts)")
    // No more is left out or repeated than the clocks are apart, give or take a cushion.
    let apart = Int(120 * 48_000 * abs(ppm) / 1e6)
    #expect(counts.droppedFrames <= (ppm > 0 ? apart : 0) + 6 * unit, "\(counts)")
    #expect(counts.insertedFrames <= (ppm < 0 ? apart : 0) + 6 * unit, "\(counts)")
    let silent = rig.heard.dropFirst(48_000 / 4).count { $0 == 0 }
    #expect(silent < 20 * unit, "\(silent) silent frames")
  }

  /// The device stood still while the writer went on: what has gathered is let go.
  @Test func aHeldUpReaderCatchesUp() {
    let rig = PlayerRig()
    var time = 0.0
    for index in 0..<400 {
      if !(100..<150).contains(index) { rig.play(256, at: time) }
      rig.write(256, at: time)
      time += 256.0 / 48_000
    }
    #expect(rig.player.counts.overruns >= 1)
    #expect(rig.player.counts.waiting <= 512)
    #expect(rig.steepest < 0.08)
  }

  @Test func anotherBusIsTakenUp() {
    let rig = PlayerRig(layout: .surround51)
    for index in 0..<20 {
      rig.play(256, at: Double(index * 256) / 48_000)
      rig.write(256, at: Double(index * 256) / 48_000)
    }
    #expect(rig.heard.allSatisfy { $0 == 0 }, "six channels are not two")
    let other = BusOutput(layout: .stereo, capacity: 4096)
    let renderer = Renderer()
    renderer.publish(RenderPlan(input: .stereo, buses: [other]))
    rig.player.play(other)
    rig.player.reclaim()
    rig.play(256, at: 0.2)
    #expect(rig.player.counts.waiting == 0)
    rig.player.reclaim()
  }

  @Test(.enabled(if: render_guard_available() != 0)) func nothingIsAllocatedOrLocked() {
    let rig = PlayerRig()
    let client = Unmanaged<RenderClient>.passUnretained(rig.player)
    let samples = UnsafeMutablePointer<Float>.allocate(capacity: 2048)
    let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)
    defer {
      samples.deallocate()
      planes.deallocate()
    }
    planes[0] = samples
    planes[1] = samples + 1024
    let sections = render_guard_sections()
    render_guard_count_apart(1)
    for index in 0..<10_000 {
      let frames = [256, 64, 1024, 480][index / 100 % 4]
      rig.write(frames, at: Double(index) / 100)
      if index % 50 == 0 { rig.write(1024, at: Double(index) / 100) }
      guard index % 77 != 0 else { continue }
      let block = Block(channels: UnsafePointer(planes), channelCount: 2, frames: frames)
      renderDispatch(
        client,
        Cycle(
          frames: frames, time: HostTime(nanoseconds: Int64(index) * 10_000_000), position: 0, quantum: frames,
          layout: .stereo, flags: .none,
          input: Block(channels: UnsafePointer(planes), channelCount: 0, frames: frames), output: block))
    }
    let hits = (0..<Int32(4)).map { render_guard_apart_hits_of($0) }
    render_guard_count_apart(0)
    #expect(hits == [0, 0, 0, 0])
    #expect(render_guard_sections() - sections >= 9000)
    #expect(rig.player.counts.overruns > 0)
  }
}
