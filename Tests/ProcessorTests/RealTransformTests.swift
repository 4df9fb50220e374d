import Glibc
import TestSupport
import Testing

@testable import Mixer

@Suite struct RealTransformTests {
  @Test(arguments: [16, 32, 64, 128, 256, 512, 1024, 4096]) func isTheFormula(size: Int) {
    var dice = SystemRandomNumberGenerator()
    let sound = (0..<size).map { _ in Float.random(in: -1...1, using: &dice) }
    let transform = RealTransform(size: size)
    var real = [Float](repeating: 0, count: transform.bins)
    var imaginary = real
    transform.forward(sound, &real, &imaginary)
    var worst = 0.0
    for bin in stride(from: 0, through: size / 2, by: max(size / 128, 1)) {
      var (re, im) = (0.0, 0.0)
      for (frame, sample) in sound.enumerated() {
        let angle = -2 * .pi * Double(bin * frame % size) / Double(size)
        re += Double(sample) * cos(angle)
        im += Double(sample) * sin(angle)
      }
      worst = max(worst, abs(re - Double(real[bin])), abs(im - Double(imaginary[bin])))
    }
    // White noise of a spectrum's size: -130 dB of it.
    #expect(worst < 3e-7 * Double(size).squareRoot() * 3, "\(worst)")
    var back = [Float](repeating: 0, count: size)
    transform.inverse(real, imaginary, into: &back)
    #expect(zip(sound, back).allSatisfy { abs($0 - $1) < 1e-6 })
  }
}
