import AudioCore
import Synchronization
import Testing

@testable import VirtualMic

@Suite struct FeedThreadTests {
  final class Times: Sendable {
    /// Of the graph, and of the worker's next push; nanoseconds.
    let graph = Atomic<Int64>(0)
    let worker = Atomic<Int64>(0)
    let isDone = Atomic<Bool>(false)
  }

  /// A graph on one thread and a worker that pushes, discards, opens and closes on another; neither gets far ahead. What is heard is the sum of what lanes hold, without a jump.
  @Test func renderAndWorkerAtOnce() async {
    let feed = SourceFeed(channels: 1)
    let times = Times()
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        let samples = UnsafeMutablePointer<Float>.allocate(capacity: 256)
        let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 1)
        defer {
          samples.deallocate()
          planes.deallocate()
        }
        planes[0] = samples
        let output = Block(channels: UnsafePointer(planes), channelCount: 1, frames: 256)
        let none = Block(channels: UnsafePointer(planes), channelCount: 0, frames: 256)
        var last: Float = 0
        var (step, loudest): (Float, Float) = (0, 0)
        var position: Int64 = 0
        while !times.isDone.load(ordering: .acquiring) {
          guard times.graph.load(ordering: .relaxed) < times.worker.load(ordering: .acquiring) + 10_000_000 else {
            await Task.yield()
            continue
          }
          output.silence()
          let time = HostTime(nanoseconds: position * 62_500 / 3)
          let cycle = Cycle(
            frames: 256, time: time, position: position, quantum: 256, layout: .mono, flags: .none, input: none,
            output: output)
          renderDispatch(Unmanaged.passUnretained(feed), cycle)
          for frame in 0..<256 {
            step = max(step, abs(samples[frame] - last))
            last = samples[frame]
            loudest = max(loudest, last)
          }
          position += 256
          times.graph.store(position * 62_500 / 3, ordering: .releasing)
        }
        #expect(step < 0.02, "a step of \(step)")
        #expect(loudest > 0.19 && loudest < 0.65, "\(loudest)")
      }
      group.addTask {
        let packet = [Float](repeating: 0.2, count: 960)
        var next: Int64 = 0
        var primes = 0
        for round in 0..<150 {
          guard let lane = feed.openLane() else {
            Issue.record("no lane in round \(round)")
            break
          }
          for index in 0..<20 {
            while times.graph.load(ordering: .acquiring) < next { await Task.yield() }
            _ = packet.withUnsafeBufferPointer { lane.push($0, at: HostTime(nanoseconds: next)) }
            next += 20_000_000
            times.worker.store(next, ordering: .releasing)
            if index == 10, round % 3 == 0 { lane.discard() }
            if index == 15, round % 5 == 0 { _ = feed.report }
          }
          primes += lane.report.primes
          #expect(lane.report.overruns == 0)
          feed.closeLane(lane)
        }
        #expect(primes >= 150, "\(primes)")
        times.isDone.store(true, ordering: .releasing)
      }
    }
  }
}
