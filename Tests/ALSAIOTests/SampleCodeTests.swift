import Glibc
import Testing

@testable import ALSAIO

/// Samples as devices write them.
@Suite struct SampleCodeTests {
  private func encoded(_ code: SampleCode, _ samples: [Float], stride: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xAA, count: samples.count * stride)
    bytes.withUnsafeMutableBytes { code.encode(samples, frames: samples.count, to: $0.baseAddress!, stride: stride) }
    return bytes
  }

  private func decoded(_ code: SampleCode, _ bytes: [UInt8], frames: Int, stride: Int, gain: Float = 1) -> [Float] {
    var samples = [Float](repeating: 0, count: frames)
    bytes.withUnsafeBytes {
      code.decode($0.baseAddress!, stride: stride, frames: frames, gain: gain, adding: &samples)
    }
    return samples
  }

  @Test(arguments: SampleCode.allCases) func thereAndBackIsWithinHalfAStep(code: SampleCode) {
    let step: Float = [.int16: 1 / 32_768, .int24: 1 / 8_388_608, .packed24: 1 / 8_388_608][code] ?? 0
    var state: UInt32 = 1
    let samples = (0..<4096).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(Int32(bitPattern: state)) / 2_147_483_648 * 0.9999
    }
    // Another channel lies between the samples.
    let stride = code.bytes * 2
    let bytes = encoded(code, samples, stride: stride)
    let back = decoded(code, bytes, frames: samples.count, stride: stride)
    let worst = zip(samples, back).map { abs($0 - $1) }.max() ?? 1
    #expect(worst <= step / 2 + 1e-7)
    for frame in 0..<samples.count {
      #expect(bytes[frame * stride + code.bytes] == 0xAA, "what lies between is not ours")
    }
  }

  @Test func wordsAreWhatTheyShouldBe() {
    let samples: [Float] = [0, 0.5, -0.5, 1, -1, 2, -3, .nan, .infinity, -.infinity]
    let words: [Int32] = encoded(.int32, samples, stride: 4).withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
    #expect(
      words == [
        0, 1 << 30, -1 << 30, .max, .min, .max, .min, 0, .max, .min,
      ])
    let halves: [Int16] = encoded(.int16, samples, stride: 2).withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
    #expect(halves == [0, 1 << 14, -1 << 14, .max, .min, .max, .min, 0, .max, .min])
    let bytes = encoded(.packed24, [0.5, -1 / 8_388_608, 1], stride: 3)
    #expect(bytes == [0, 0, 0x40, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])
    // A device may leave anything in the byte that does not count.
    #expect(decoded(.int24, [0, 0, 0x40, 0x7E], frames: 1, stride: 4) == [0.5])
    #expect(decoded(.int24, [0, 0, 0xC0, 0x12], frames: 1, stride: 4) == [-0.5])
    let floats: [Float] = encoded(.float32, [2, .nan], stride: 4).withUnsafeBytes {
      Array($0.bindMemory(to: Float.self))
    }
    #expect(floats == [2, 0], "a server that takes floats takes them beyond full scale")
  }
}
