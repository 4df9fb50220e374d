import AudioCore
import Capture
import Mixer
import Synchronization
import Testing

/// The contract a program that does its own encoding relies on.
@Suite struct DesktopCapturerTests {
  /// A desktop of one bus that the test itself plays into.
  private final class Desktop: Sendable {
    let bus: BusOutput
    let isAlive = Atomic<Bool>(true)
    let isClosed = Atomic<Bool>(false)
    private let renderer = Renderer()
    private let position = Atomic<Int>(0)

    init(capacity: FrameCount = 8192) {
      bus = BusOutput(layout: .stereo, capacity: capacity)
      renderer.publish(RenderPlan(input: .stereo, buses: [bus]))
    }

    func capturer(idle: HostDuration = .milliseconds(1)) -> DesktopCapturer {
      DesktopCapturer(
        DesktopCapturer.Feed(
          reader: bus.makeReader(), signal: bus.signal, layout: .stereo, floodedFrames: { [bus] in bus.floodedFrames },
          isAlive: { self.isAlive.load(ordering: .acquiring) },
          close: { self.isClosed.store(true, ordering: .releasing) }),
        idleTimeout: idle)
    }

    /// Left counts up from one, right is its negative.
    func play(_ frames: Int) {
      let start = position.add(frames, ordering: .relaxed).oldValue
      let samples = UnsafeMutablePointer<Float>.allocate(capacity: 2 * frames)
      let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)
      defer {
        samples.deallocate()
        planes.deallocate()
      }
      planes[0] = samples
      planes[1] = samples + frames
      for index in 0..<frames {
        planes[0][index] = Float(start + index + 1)
        planes[1][index] = -Float(start + index + 1)
      }
      let block = Block(channels: planes, channelCount: 2, frames: frames)
      renderer.render(
        Cycle(
          frames: frames, time: HostTime(nanoseconds: Int64(start) * 20_833), position: Int64(start), quantum: frames,
          layout: .stereo, flags: .none, input: block, output: Block(channels: planes, channelCount: 0, frames: frames))
      )
    }
  }

  @Test func chunksAreInterleavedAndContiguous() throws {
    let desktop = Desktop()
    let capturer = desktop.capturer()
    #expect(capturer.channels == 2)
    var heard: [Float] = []
    for _ in 0..<100 {
      desktop.play(256)
      heard += try capturer.nextChunk()
    }
    #expect(heard.count == 2 * 25_600)
    #expect(heard.enumerated().allSatisfy { $1 == ($0 % 2 == 0 ? 1 : -1) * Float($0 / 2 + 1) })
    #expect(capturer.droppedFrames == 0)
  }

  /// Marks and samples are both bounded; reading must free both.
  @Test func manySmallBlocksKeepFlowing() throws {
    let desktop = Desktop()
    let capturer = desktop.capturer()
    for _ in 0..<5000 {
      desktop.play(16)
      #expect(try capturer.nextChunk().count == 32)
    }
    #expect(capturer.droppedFrames == 0)
  }

  @Test func nothingToHearIsAnEmptyChunk() throws {
    let capturer = Desktop().capturer()
    #expect(try capturer.nextChunk().isEmpty)
  }

  @Test func soundWakesTheOneWhoWaits() async throws {
    let desktop = Desktop()
    // The timeout would end the test with an empty chunk.
    let capturer = desktop.capturer(idle: .seconds(60))
    let waiter = Task.detached { try capturer.nextChunk() }
    desktop.play(64)
    #expect(try await waiter.value.count == 128)
  }

  @Test func deadIsAnError() throws {
    let desktop = Desktop()
    let capturer = desktop.capturer()
    desktop.play(64)
    _ = try capturer.nextChunk()
    desktop.isAlive.store(false, ordering: .releasing)
    #expect(throws: DesktopCapturer.Dead()) { try capturer.nextChunk() }
  }

  @Test func drainForgetsWhatWasNotRead() throws {
    let desktop = Desktop()
    let capturer = desktop.capturer()
    desktop.play(256)
    capturer.drain()
    #expect(try capturer.nextChunk().isEmpty)
    desktop.play(64)
    #expect(try capturer.nextChunk().first == 257)
  }

  @Test func laggardLosesTheNewestAndIsTold() throws {
    let desktop = Desktop(capacity: 4096)
    let capturer = desktop.capturer()
    for _ in 0..<32 { desktop.play(256) }
    #expect(capturer.droppedFrames == 4096)
    var heard = 0
    while case let chunk = try capturer.nextChunk(), !chunk.isEmpty {
      #expect(chunk[0] == Float(heard + 1))
      heard += chunk.count / 2
    }
    #expect(heard == 4096)
    desktop.play(256)
    #expect(try capturer.nextChunk().first == Float(8193))
  }

  @Test func goingAwayClosesTheFeed() {
    let desktop = Desktop()
    var capturer: DesktopCapturer? = desktop.capturer()
    let before = desktop.isClosed.load(ordering: .acquiring)
    #expect(capturer != nil && !before)
    capturer = nil
    let after = desktop.isClosed.load(ordering: .acquiring)
    #expect(after)
  }
}
