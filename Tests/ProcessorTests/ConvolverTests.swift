import AudioCore
import CRenderGuard
import Glibc
import Testing

@testable import Mixer

/// Convolution by spectra is convolution.
@Suite struct ConvolverTests {
  /// Every input to every output, by noise that dies away.
  private struct Rig {
    var responses: [[Float]] = []
    var routes: [ConvolverRoute] = []
    let inputs: Int
    let outputs: Int

    init(_ inputs: Int, _ outputs: Int, taps: Int) {
      (self.inputs, self.outputs) = (inputs, outputs)
      var dice = TestRandom(seed: UInt64(taps))
      for input in 0..<inputs {
        for output in 0..<outputs {
          routes.append(ConvolverRoute(input: input, output: output, response: responses.count))
          responses.append((0..<taps).map { Float(dice.bipolar() * exp(-3 * Double($0) / Double(taps))) })
        }
      }
    }

    func convolver() -> PartitionedConvolver {
      PartitionedConvolver(inputs: inputs, outputs: outputs, responses: responses, routes: routes)
    }

    /// Channels in come back as channels out, so there must be as many.
    func heard(_ sound: TestSound, block: Int = 512) -> [[Float]] {
      var sound = sound
      var convolver = convolver()
      sound.render(block: block) { convolver.process($0, $0, frames: $1) }
      return sound.channels
    }

    func direct(_ sound: TestSound, output: Int, frame: Int) -> Double {
      var sum = 0.0
      for route in routes where route.output == output {
        let response = responses[route.response]
        for tap in 0...min(frame, response.count - 1) {
          sum += Double(response[tap]) * Double(sound.channels[route.input][frame - tap])
        }
      }
      return sum
    }
  }

  @Test(arguments: [1, 17, 64, 65, 300, 1025, 4100, 9000]) func isDirectConvolution(taps: Int) {
    let rig = Rig(2, 2, taps: taps)
    let sound = TestSound(noise: -12, seconds: Double(3 * taps + 2000) / 48_000, channels: 2)
    let heard = rig.heard(sound)
    for output in 0..<2 {
      var (error, power) = (0.0, 0.0)
      for frame in stride(from: 0, to: sound.frames, by: max(taps / 200, 1)) {
        let exact = rig.direct(sound, output: output, frame: frame)
        error += (Double(heard[output][frame]) - exact) * (Double(heard[output][frame]) - exact)
        power += exact * exact
      }
      #expect(10 * log10(error / power) < -120, "\(taps): \(10 * log10(error / power))")
    }
  }

  @Test(arguments: [40, 300, 5000]) func blocksDoNotMatter(taps: Int) {
    let rig = Rig(2, 2, taps: taps)
    let sound = TestSound(noise: -12, seconds: 0.3, channels: 2)
    let whole = rig.heard(sound, block: 100_000)
    for block in [1, 7, 64, 100, 997] { #expect(rig.heard(sound, block: block) == whole) }
  }

  /// One click comes out as the responses are, from its own frame on; what has no route stays silent.
  @Test func noLatencyAndNoRouteNoSound() {
    let response = Rig(1, 1, taps: 3000).responses[0]
    var convolver = PartitionedConvolver(
      inputs: 3, outputs: 3, responses: [response, [1]],
      routes: [ConvolverRoute(input: 0, output: 1, response: 0), ConvolverRoute(input: 2, output: 2, response: 1)])
    var sound = TestSound(silence: 0.1, channels: 3)
    sound.channels[0][100] = 1
    sound.channels[2] = TestSound(noise: -12, seconds: 0.1, channels: 1).channels[0]
    let third = sound.channels[2]
    sound.render(block: 37) { convolver.process($0, $0, frames: $1) }
    #expect(sound.channels[0].allSatisfy { $0 == 0 })
    #expect(sound.channels[1][..<100].allSatisfy { $0 == 0 })
    #expect(sound.channels[1][100..<128] == response[..<28], "to the bit until a spectrum has a part in it")
    #expect((0..<3000).allSatisfy { abs(sound.channels[1][100 + $0] - response[$0]) < 1e-6 })
    #expect(sound.channels[1][3100...].allSatisfy { abs($0) < 1e-6 })
    #expect(sound.channels[2] == third, "a response of one passes to the bit")
  }

  /// What is no number is silence, and nothing of it stays; what is too soft for sound makes no slow numbers.
  @Test func garbageIsSilence() {
    let rig = Rig(2, 2, taps: 2500)
    var broken = TestSound(noise: -12, seconds: 0.2, channels: 2)
    var silent = broken
    let values: [Float] = [
      .nan, .infinity, -.infinity, .greatestFiniteMagnitude, .signalingNaN, .leastNonzeroMagnitude, -1e-30,
    ]
    for frame in 500..<1500 {
      broken.channels[0][frame] = values[frame % values.count]
      silent.channels[0][frame] = 0
    }
    let heard = rig.heard(broken)
    #expect(heard == rig.heard(silent))
    #expect(heard.allSatisfy { $0.allSatisfy { $0.isFinite && ($0 == 0 || abs($0) > 1e-30) } })
  }

  @Test func nothingIsAllocated() {
    let rig = Rig(2, 2, taps: 9000)
    var sound = TestSound(noise: -12, seconds: 0.5, channels: 2)
    var convolver = rig.convolver()
    render_guard_count_apart(1)
    sound.render(block: 480) { convolver.process($0, $0, frames: $1) }
    #expect((0..<Int32(4)).map { render_guard_apart_hits_of($0) } == [0, 0, 0, 0])
    render_guard_count_apart(0)
  }

  /// Said, not judged: a machine has other work too.
  @Test func workIsSaid() {
    func cost(_ convolver: inout PartitionedConvolver, turns: Int) -> [Double] {
      let count = max(convolver.inputs, convolver.outputs)
      var sound = TestSound(noise: -12, seconds: 64 * 32 * Double(turns) / 48_000, channels: count)
      var best = [Double](repeating: 1, count: 32)
      var turn = 0
      sound.render(block: 64) { planes, frames in
        let began = renderNow()
        convolver.process(planes, planes, frames: frames)
        best[turn % 32] = min(best[turn % 32], Double(renderNow().nanoseconds - began.nanoseconds) / 1e9)
        turn += 1
      }
      return best
    }
    var ears = Rig(8, 2, taps: 256).convolver()
    let small = cost(&ears, turns: 30)
    let long = Rig(1, 1, taps: 96_000).responses
    var rooms = PartitionedConvolver(
      inputs: 2, outputs: 2, responses: long,
      routes: (0..<2).map { ConvolverRoute(input: $0, output: $0, response: 0) })
    let large = cost(&rooms, turns: 60)
    report("64 frames, dearest of 32 steps: ears \(small.max()! * 1e6) us, rooms of 2 s \(large.max()! * 1e6) us")
  }
}
