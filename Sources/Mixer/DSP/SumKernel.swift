import AudioCore
import CKernels

/// Sums of planes with gains: what mixers, gains and sinks are made of.
///
/// The order of the sums is fixed, so that both ways give the same bits: four at a time, (0 + 1) + (2 + 3), then the next four
/// to that. What would be no number is zero.
struct SumKernel: ~Copyable {
  private let inputs: UnsafeMutablePointer<UnsafePointer<Float>?>
  private let gains: UnsafeMutablePointer<Float>
  private let room: Int
  private let isWide: Bool
  private var count = 0

  /// Room for so many inputs. Thread: control.
  init(inputs most: Int, allowsWide: Bool = true) {
    room = (most + 3) / 4 * 4
    inputs = .allocate(capacity: max(room, 4))
    inputs.initialize(repeating: nil, count: max(room, 4))
    gains = .allocate(capacity: max(room, 4))
    gains.initialize(repeating: 0, count: max(room, 4))
    isWide = allowsWide && ckernels_available()
  }

  deinit {
    inputs.deallocate()
    gains.deallocate()
  }

  // MARK: Thread: render

  @_noLocks
  mutating func begin() { count = 0 }

  @_noLocks
  mutating func add(_ samples: UnsafePointer<Float>, gain: Float) {
    precondition(count < room)
    inputs[count] = samples
    gains[count] = gain
    count += 1
  }

  /// The sum of what was added since `begin`; silence when that was nothing. `out` may be one of it.
  @_noLocks
  mutating func sum(into out: UnsafeMutablePointer<Float>, frames: Int) {
    guard count > 0, let first = inputs[0] else { return renderZero(out, floats: frames) }
    if count == 1 { return scale(first, gains[0], into: out, frames: frames) }
    let groups = (count + 3) / 4
    var index = count
    while index < groups * 4 {
      inputs[index] = first
      gains[index] = 0
      index += 1
    }
    if isWide {
      ckernels_mix(out, inputs, gains, groups, frames)
    } else {
      sumPlainly(into: out, groups: groups, frames: frames)
    }
  }

  @_noLocks
  private func scale(
    _ input: UnsafePointer<Float>, _ gain: Float, into out: UnsafeMutablePointer<Float>, frames: Int
  ) {
    if isWide { return ckernels_scale(out, input, gain, frames) }
    for frame in 0..<frames { out[frame] = finite(input[frame] * gain) }
  }

  /// The same without instructions that not every machine has.
  @_noLocks
  private func sumPlainly(into out: UnsafeMutablePointer<Float>, groups: Int, frames: Int) {
    for frame in 0..<frames {
      var total: Float = 0
      var index = 0
      while index < groups * 4 {
        let part =
          (sample(index, frame) + sample(index + 1, frame)) + (sample(index + 2, frame) + sample(index + 3, frame))
        total = finite(index == 0 ? part : total + part)
        index += 4
      }
      out[frame] = total
    }
  }

  @_noLocks @inline(__always)
  private func sample(_ index: Int, _ frame: Int) -> Float {
    guard let samples = inputs[index] else { return 0 }
    return samples[frame] * gains[index]
  }
}
