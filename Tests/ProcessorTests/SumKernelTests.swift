import Testing

@testable import Mixer

/// Both ways to sum give the same bits, and what is no number is none of it.
@Suite struct SumKernelTests {
  @Test(arguments: [0, 1, 2, 3, 4, 5, 8, 9, 64], [1, 7, 8, 64, 129]) func bothWaysAreOne(inputs: Int, frames: Int) {
    var random = SystemRandomNumberGenerator()
    let planes = (0..<inputs).map { _ in
      (0..<frames).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random)) }
    }
    let gains = (0..<inputs).map { _ in Float.random(in: -2...2, using: &random) }
    let (wide, plain) = (sum(planes, gains, frames, allowsWide: true), sum(planes, gains, frames, allowsWide: false))
    #expect(wide.map(\.bitPattern) == plain.map(\.bitPattern))
    #expect(wide.allSatisfy { $0.isFinite })
  }

  @Test(arguments: [true, false]) func theSumIsRight(allowsWide: Bool) {
    let planes = (0..<9).map { plane in (0..<100).map { Float($0 * (plane + 1)) / 1000 } }
    let gains = (0..<9).map { Float($0 + 1) / 10 }
    let found = sum(planes, gains, 100, allowsWide: allowsWide)
    for frame in 0..<100 {
      let exact = (0..<9).reduce(0.0) { $0 + Double(planes[$1][frame]) * Double(gains[$1]) }
      #expect(abs(Double(found[frame]) - exact) < 1e-5)
    }
    #expect(sum([[.nan, .infinity, -.infinity, 1]], [2], 4, allowsWide: allowsWide) == [0, 0, 0, 2])
  }

  /// Into one of its own inputs.
  @Test(arguments: [true, false]) func inPlace(allowsWide: Bool) {
    var kernel = SumKernel(inputs: 2, allowsWide: allowsWide)
    var target = (0..<37).map(Float.init)
    let source = [Float](repeating: 3, count: 37)
    target.withUnsafeMutableBufferPointer { out in
      source.withUnsafeBufferPointer { from in
        kernel.begin()
        kernel.add(out.baseAddress!, gain: 1)
        kernel.add(from.baseAddress!, gain: -1)
        kernel.sum(into: out.baseAddress!, frames: 37)
      }
    }
    #expect(target == (0..<37).map { Float($0) - 3 })
  }

  private func sum(_ planes: [[Float]], _ gains: [Float], _ frames: Int, allowsWide: Bool) -> [Float] {
    var kernel = SumKernel(inputs: planes.count, allowsWide: allowsWide)
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: (planes.count + 1) * frames)
    memory.initialize(repeating: 0, count: (planes.count + 1) * frames)
    defer { memory.deallocate() }
    kernel.begin()
    for (index, plane) in planes.enumerated() {
      let place = memory + (index + 1) * frames
      for frame in 0..<frames { place[frame] = plane[frame] }
      kernel.add(place, gain: gains[index])
    }
    kernel.sum(into: memory, frames: frames)
    return (0..<frames).map { memory[$0] }
  }
}
