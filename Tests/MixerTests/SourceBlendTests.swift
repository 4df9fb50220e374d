import AudioCore
import AudioIO
import Testing

@testable import Mixer

/// Calls both sides as one render thread would.
private final class BlendRig {
  let renderer = Renderer()
  let blend: SourceBlend
  let bus = BusOutput(layout: .stereo, capacity: 48_000)
  private var reader: AudioRing.Reader
  private let samples = UnsafeMutablePointer<Float>.allocate(capacity: 2 * 8192)
  private let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)
  private(set) var heard: [Float] = []
  private(set) var positions: [Int64] = []

  init() {
    blend = SourceBlend(renderer)
    reader = bus.makeReader()
    renderer.publish(RenderPlan(input: .stereo, buses: [bus]))
  }

  deinit {
    samples.deallocate()
    planes.deallocate()
  }

  func play(
    _ side: SourceBlend.Side, value: Float, frames: Int = 256, position: Int64, interleaved: Bool = true,
    flags: CycleFlags = .none, sample: ((Int) -> Float)? = nil
  ) {
    planes[0] = samples
    planes[1] = interleaved ? samples + 1 : samples + 8192
    let stride = interleaved ? 2 : 1
    for frame in 0..<frames {
      planes[0][frame * stride] = sample?(frame) ?? value
      planes[1][frame * stride] = -(sample?(frame) ?? value)
    }
    let input = Block(channels: UnsafePointer(planes), channelCount: 2, frames: frames, stride: stride)
    let cycle = Cycle(
      frames: frames, time: HostTime(nanoseconds: position * 20_833), position: position, quantum: frames,
      layout: .stereo, flags: flags, input: input,
      output: Block(channels: UnsafePointer(planes), channelCount: 0, frames: frames))
    (side == .first ? blend.first : blend.second).render(cycle)
    while let mark = reader.mark(), reader.available.value > 0 {
      positions.append(mark.position)
      var out = [Float](repeating: 0, count: mark.frames * 2)
      _ = out.withUnsafeMutableBufferPointer {
        reader.readInterleaved(FrameCount(mark.frames), order: [0, 1], into: $0.baseAddress!)
      }
      heard += stride2(out)
    }
  }

  private func stride2(_ all: [Float]) -> [Float] { Swift.stride(from: 0, to: all.count, by: 2).map { all[$0] } }
}

@Suite struct SourceBlendTests {
  @Test func onlyTheChosenSideIsHeard() {
    let rig = BlendRig()
    rig.play(.first, value: 1, position: 0)
    #expect(rig.heard.isEmpty && rig.blend.heard == nil)
    rig.blend.hear(.second)
    for cycle in 0..<10 {
      rig.play(.first, value: 1, position: Int64(cycle * 256))
      rig.play(.second, value: 0.5, position: Int64(cycle * 256))
    }
    #expect(rig.blend.heard == .second)
    #expect(rig.heard.count == 2560 && rig.heard.allSatisfy { $0 == 0.5 })
  }

  @Test(arguments: [true, false], [64, 256, 1024, 8192]) func aChangeIsAFade(firstComesFirst: Bool, quantum: Int) {
    let rig = BlendRig()
    rig.blend.hear(.first)
    var at = 0
    let cycles = { (count: Int) in
      for _ in 0..<count {
        let sides: [SourceBlend.Side] = firstComesFirst ? [.first, .second] : [.second, .first]
        for side in sides {
          // Each side counts from its own zero.
          rig.play(
            side, value: side == .first ? 1 : 0, frames: quantum,
            position: Int64(at) + (side == .first ? 0 : 777_777), interleaved: side == .first)
        }
        at += quantum
      }
    }
    cycles(4)
    rig.blend.hear(.second)
    cycles(2 + 960 / quantum + 2)
    #expect(rig.blend.heard == .second)
    rig.blend.hear(.first)
    cycles(2 + 960 / quantum + 2)
    #expect(rig.blend.heard == .first)
    #expect(rig.heard.count == at, "one block a cycle")
    let steepest = zip(rig.heard.dropFirst(), rig.heard).map { abs($0 - $1) }.max() ?? 1
    #expect(steepest < 0.0011)
    #expect(rig.heard.min() == 0 && rig.heard.last == 1)
    // For who reads the ring nothing was lost.
    #expect(zip(rig.positions.dropFirst(), rig.positions).allSatisfy { $0 == $1 + Int64(quantum) })
  }

  @Test func aSideThatDoesNotRunIsNotWaitedFor() {
    let rig = BlendRig()
    rig.blend.hear(.first)
    for cycle in 0..<4 { rig.play(.first, value: 1, position: Int64(cycle * 256)) }
    rig.blend.hear(.second)
    for cycle in 4..<8 { rig.play(.second, value: 0.5, position: Int64(cycle * 256)) }
    #expect(rig.blend.heard == .second)
    #expect(rig.heard.last == 0.5)
    // And while the wanted one has not come, the old one goes on.
    rig.blend.hear(.first)
    let before = rig.heard.count
    for cycle in 8..<12 { rig.play(.second, value: 0.5, position: Int64(cycle * 256)) }
    #expect(rig.blend.heard == .second)
    #expect(rig.heard.count - before >= 512)
  }

  /// The second side has each block a cycle before the first: no sample is heard twice, and none is left out.
  @Test(arguments: [true, false]) func theFadeMixesWhatBelongsTogether(firstComesFirst: Bool) {
    let rig = BlendRig()
    rig.blend.hear(.second)
    let sound = { (place: Int) in Float(place % 8191) / 8192 }
    var cycle = 0
    let run = { (count: Int) in
      for _ in 0..<count {
        cycle += 1
        for side in firstComesFirst ? [SourceBlend.Side.first, .second] : [.second, .first] {
          let start = (side == .first ? cycle - 1 : cycle) * 256
          rig.play(side, value: 0, position: Int64(start) + (side == .first ? 0 : 5000)) { sound(start + $0) }
        }
      }
    }
    run(4)
    for side in [SourceBlend.Side.first, .second, .first] {
      rig.blend.hear(side)
      run(8)
      #expect(rig.blend.heard == side)
    }
    // Called off before it has got anywhere.
    rig.blend.hear(.second)
    run(8)
    rig.blend.hear(.first)
    run(2)
    rig.blend.hear(.second)
    run(3)
    #expect(rig.heard.count == cycle * 256)
    #expect(rig.heard.indices.allSatisfy { abs(rig.heard[$0] - sound($0 + 256)) < 1e-6 })
    #expect(zip(rig.positions.dropFirst(), rig.positions).allSatisfy { $0 == $1 + 256 })
  }

  /// A block that stands for a lost one precedes its successor in the same cycle.
  @Test func aRepairedBlockIsPassedOn() {
    let rig = BlendRig()
    rig.blend.hear(.second)
    rig.play(.second, value: 0.1, position: 0)
    rig.play(.second, value: 0.2, position: 256, flags: .repaired)
    rig.play(.second, value: 0.3, position: 512)
    #expect(rig.heard.count == 768)
    #expect(stride(from: 0, to: 768, by: 256).map { rig.heard[$0] } == [0.1, 0.2, 0.3])
  }
}
