import AudioCore

/// Models the way from the far end to one microphone, in parts of one block each, and follows it with a Kalman filter for
/// every bin: how uncertain a part is and how loud the near end is decide how much is learnt. So somebody who speaks at
/// the same time stops the learning without being recognised.
///
/// What such a filter cannot see is that the room has changed, for then all of the echo looks like somebody speaking. But
/// it is coherent with the far end: then the filter is made uncertain again. Chance makes voices look coherent too, so the
/// filter that learns is not the one that is heard: that is a copy of when it was best.
/// Thread: render, but for its life.
struct EchoFilter: ~Copyable {
  private let block: Int
  private let bins: Int
  private let stride: Int
  private let parts: Int
  /// For each part: real, imaginary, uncertainty.
  private let model: UnsafeMutablePointer<Float>
  /// The same of the one that is heard.
  private let proven: UnsafeMutablePointer<Float>
  private let memory: UnsafeMutablePointer<Float>
  private let sumReal: UnsafeMutablePointer<Float>
  private let sumImaginary: UnsafeMutablePointer<Float>
  private let errorReal: UnsafeMutablePointer<Float>
  private let errorImaginary: UnsafeMutablePointer<Float>
  /// Power of the error that the model expects for its own uncertainty.
  let expected: UnsafeMutablePointer<Float>
  private let errorPower: UnsafeMutablePointer<Float>
  private let farPower: UnsafeMutablePointer<Float>
  private let scale: UnsafeMutablePointer<Float>
  private let trusted: UnsafeMutablePointer<Float>
  private let sound: UnsafeMutablePointer<Float>
  /// What the model that learns leaves.
  private let left: UnsafeMutablePointer<Float>
  /// Coherence of the error with the first parts: cross spectrum and both powers each.
  private let coherence: UnsafeMutablePointer<Float>
  private var coherenceLooks: Float = 0
  private var nextConstrained = 0
  private var sinceDoubt = 0
  /// Power of the microphone, and of what each model leaves of it, of the last blocks.
  private var heardPower: Float = 0
  private var leftPower: Float = 0
  private var provenPower: Float = 0
  private var better = 0
  private var sinceCopy = 0
  private var worse = 0

  private static var watched: Int { @_noLocks get { 8 } }
  private static var constrainedAtOnce: Int { @_noLocks get { 6 } }
  private static var tiny: Float { @_noLocks get { 1e-12 } }

  init(block: Int, parts: Int) {
    self.block = block
    self.parts = parts
    bins = block + 1
    stride = (bins + 15) / 16 * 16
    model = .allocate(capacity: 3 * stride * parts)
    model.initialize(repeating: 0, count: 3 * stride * parts)
    proven = .allocate(capacity: 3 * stride * parts)
    proven.initialize(repeating: 0, count: 3 * stride * parts)
    let rows = 9 + 3 * Self.watched + 1
    memory = .allocate(capacity: rows * stride + 4 * block)
    memory.initialize(repeating: 0, count: rows * stride + 4 * block)
    sumReal = memory
    sumImaginary = sumReal + stride
    errorReal = sumImaginary + stride
    errorImaginary = errorReal + stride
    expected = errorImaginary + stride
    errorPower = expected + stride
    farPower = errorPower + stride
    scale = farPower + stride
    trusted = scale + stride
    coherence = trusted + stride
    sound = coherence + (3 * Self.watched + 1) * stride
    left = sound + 2 * block
    reset()
  }

  deinit {
    model.deallocate()
    proven.deallocate()
    memory.deallocate()
  }

  @_noLocks
  mutating func reset() {
    renderZero(model, floats: 3 &* stride &* parts)
    renderZero(proven, floats: 3 &* stride &* parts)
    renderZero(memory, floats: (10 &+ 3 &* Self.watched) &* stride &+ 4 &* block)
    forget()
    (heardPower, leftPower, provenPower) = (0, 0, 0)
    (nextConstrained, sinceCopy, worse) = (0, 0, 0)
  }

  @_noLocks
  private mutating func forget() {
    coherenceLooks = 0
    sinceDoubt = 0
    better = 0
  }

  /// The delay before the first part has grown by so many blocks: what was learnt of the rest stays.
  @_noLocks
  mutating func shift(_ blocks: Int) {
    shift(model, blocks)
    shift(proven, blocks)
    forget()
    sinceDoubt = 1000
  }

  @_noLocks
  private func shift(_ model: UnsafeMutablePointer<Float>, _ blocks: Int) {
    let row = 3 &* stride
    var step = 0
    while step < parts {
      // Whatever is overwritten has been moved before.
      let part = blocks > 0 ? step : parts &- 1 &- step
      let from = part &+ blocks
      if from >= 0 && from < parts {
        renderCopy(model + part &* row, from: model + from &* row, floats: row)
      } else {
        renderZero(model + part &* row, floats: row)
      }
      step &+= 1
    }
  }

  /// Writes what of a block of the microphone is not echo, `delay` blocks behind the far end, and learns from it.
  @_noLocks
  mutating func process(
    _ microphone: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>, _ reference: borrowing EchoReference,
    delay: Int, _ transform: borrowing RealTransform
  ) {
    var isHeard = false
    for part in 0..<parts where reference.isHeard(delay &+ part) { isHeard = true }
    guard isHeard else {
      renderZero(expected, floats: stride)
      renderCopy(out, from: microphone, floats: block)
      return
    }
    let heard = power(microphone)
    let before = subtract(proven, microphone, into: out, reference, delay, transform)
    // What the proven model is unsure of; the other one's is learnt with.
    renderCopy(trusted, from: expected, floats: bins)
    let after = subtract(model, microphone, into: left, reference, delay, transform)
    heardPower = 0.85 * heardPower + heard
    provenPower = 0.85 * provenPower + before
    leftPower = 0.85 * leftPower + after
    for frame in 0..<block { (sound[frame], sound[block &+ frame]) = (0, left[frame]) }
    transform.forward(sound, errorReal, errorImaginary)
    watch(reference, delay)
    learn(reference, delay)
    for _ in 0..<Self.constrainedAtOnce {
      constrain(nextConstrained, transform)
      nextConstrained = nextConstrained &+ 1 == parts ? 0 : nextConstrained &+ 1
    }
    judge(out, microphone)
    renderCopy(expected, from: trusted, floats: bins)
  }

  @_noLocks
  private func power(_ samples: UnsafePointer<Float>) -> Float {
    var sum: Float = 0
    for frame in 0..<block { sum += samples[frame] * samples[frame] }
    return sum
  }

  /// What a model leaves, its power, and in `expected` and `scale` how much of that it is unsure of and the far end's power.
  @_noLocks
  private func subtract(
    _ model: UnsafeMutablePointer<Float>, _ microphone: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>,
    _ reference: borrowing EchoReference, _ delay: Int, _ transform: borrowing RealTransform
  ) -> Float {
    renderZero(sumReal, floats: 2 &* stride)
    renderZero(expected, floats: stride)
    renderZero(scale, floats: stride)
    for part in 0..<parts where reference.isHeard(delay &+ part) {
      let (x, w) = (reference.spectrum(delay &+ part), model + 3 &* stride &* part)
      let (xr, xi, wr, wi, p) = (x, x + stride, w, w + stride, w + 2 &* stride)
      for bin in 0..<bins {
        sumReal[bin] += xr[bin] * wr[bin] - xi[bin] * wi[bin]
        sumImaginary[bin] += xr[bin] * wi[bin] + xi[bin] * wr[bin]
        let power = xr[bin] * xr[bin] + xi[bin] * xi[bin]
        expected[bin] += power * p[bin]
        scale[bin] += power
      }
    }
    transform.inverse(sumReal, sumImaginary, into: sound)
    for frame in 0..<block { out[frame] = microphone[frame] - sound[block &+ frame] }
    return power(out)
  }

  /// The model that learns takes the other's place when it has been better for a while, and is set back when it is worse.
  @_noLocks
  private mutating func judge(_ out: UnsafeMutablePointer<Float>, _ microphone: UnsafePointer<Float>) {
    let size = 3 &* stride &* parts
    // No model at all would do better.
    worse = provenPower > 1.2 * heardPower ? worse &+ 1 : 0
    if worse > 8 {
      renderZero(model, floats: size)
      renderZero(proven, floats: size)
      (provenPower, leftPower, worse) = (heardPower, heardPower, 0)
      renderZero(trusted, floats: bins)
      fade(out, to: microphone)
      forget()
      doubt()
      return
    }
    guard leftPower <= 2 * provenPower else {
      // It may have come to what is no number.
      if !leftPower.isFinite { renderZero(memory, floats: (10 &+ 3 &* Self.watched) &* stride) }
      renderCopy(model, from: proven, floats: size)
      calm()
      leftPower = provenPower
      forget()
      return
    }
    better = leftPower < 0.9 * provenPower ? better &+ 1 : 0
    guard better >= 4 || leftPower < 0.25 * provenPower else {
      sinceCopy &+= 1
      // Nothing to tell them apart: the one that learns follows drifts.
      guard sinceCopy > 20, leftPower < provenPower else { return }
      return adopt(out, size)
    }
    adopt(out, size)
  }

  /// Learns more slowly what went wrong.
  @_noLocks
  private func calm() {
    for part in 0..<parts {
      let (p, q) = (model + (3 &* part &+ 2) &* stride, proven + (3 &* part &+ 2) &* stride)
      for bin in 0..<bins {
        p[bin] *= 0.5
        q[bin] *= 0.5
      }
    }
  }

  @_noLocks
  private mutating func adopt(_ out: UnsafeMutablePointer<Float>, _ size: Int) {
    renderCopy(proven, from: model, floats: size)
    provenPower = leftPower
    (better, sinceCopy) = (0, 0)
    fade(out, to: left)
  }

  @_noLocks
  private func fade(_ out: UnsafeMutablePointer<Float>, to other: UnsafePointer<Float>) {
    let step = 1 / Float(block)
    for frame in 0..<block { out[frame] += (other[frame] - out[frame]) * (Float(frame) * step) }
  }

  @_noLocks
  private mutating func learn(_ reference: borrowing EchoReference, _ delay: Int) {
    // What is changed in place through a property's own pointer the thread sanitizer's compiler cannot build.
    let (errorReal, errorImaginary) = (errorReal, errorImaginary)
    for bin in 0..<bins {
      let power = errorReal[bin] * errorReal[bin] + errorImaginary[bin] * errorImaginary[bin]
      errorPower[bin] = 0.85 * errorPower[bin] + 0.15 * power + Self.tiny
      farPower[bin] = 0.85 * farPower[bin] + 0.15 * scale[bin] + Self.tiny
      let loud = power > errorPower[bin] ? 0.5 * (power + errorPower[bin]) : errorPower[bin]
      let surplus = loud - 0.5 * expected[bin]
      let near = surplus > 0.4 * loud ? surplus : 0.4 * loud
      let inverse = 1 / (expected[bin] + 2 * near + Self.tiny)
      errorReal[bin] *= inverse
      errorImaginary[bin] *= inverse
      scale[bin] = 0.5 * inverse
    }
    for part in 0..<parts where reference.isHeard(delay &+ part) {
      let (x, w) = (reference.spectrum(delay &+ part), model + 3 &* stride &* part)
      let (xr, xi, wr, wi, p) = (x, x + stride, w, w + stride, w + 2 &* stride)
      for bin in 0..<bins {
        let doubt = p[bin]
        let (real, imaginary) = (xr[bin] * doubt, xi[bin] * doubt)
        let (a, b) = (
          wr[bin] + (real * errorReal[bin] + imaginary * errorImaginary[bin]),
          wi[bin] + (real * errorImaginary[bin] - imaginary * errorReal[bin])
        )
        (wr[bin], wi[bin]) = (a, b)
        let less = doubt * (1 - (xr[bin] * real + xi[bin] * imaginary) * scale[bin])
        p[bin] = 0.995 * less + 0.005 * (a * a + b * b) + 1e-14
      }
    }
  }

  /// Only the first half of a part's response may be other than nothing.
  @_noLocks
  private func constrain(_ part: Int, _ transform: borrowing RealTransform) {
    let w = model + 3 &* stride &* part
    transform.inverse(w, w + stride, into: sound)
    renderZero(sound + block, floats: block)
    transform.forward(sound, w, w + stride)
  }

  /// Whether the error has the far end in it.
  @_noLocks
  private mutating func watch(_ reference: borrowing EchoReference, _ delay: Int) {
    let own = coherence + 3 &* Self.watched &* stride
    coherenceLooks = coherenceLooks < 1000 ? coherenceLooks + 1 : 1000
    let early = 1 - 1 / coherenceLooks
    let keep: Float = early < 0.95 ? early : 0.95
    let new = 1 - keep
    for bin in 0..<bins {
      own[bin] =
        keep * own[bin] + new * (errorReal[bin] * errorReal[bin] + errorImaginary[bin] * errorImaginary[bin])
    }
    var most: Float = 0
    for part in 0..<Self.watched {
      let x = reference.spectrum(delay &+ part)
      let (xr, xi) = (x, x + stride)
      let row = coherence + 3 &* part &* stride
      let (cr, ci, xx) = (row, row + stride, row + 2 &* stride)
      for bin in 0..<bins {
        cr[bin] = keep * cr[bin] + new * (errorReal[bin] * xr[bin] + errorImaginary[bin] * xi[bin])
        ci[bin] = keep * ci[bin] + new * (errorImaginary[bin] * xr[bin] - errorReal[bin] * xi[bin])
        xx[bin] = keep * xx[bin] + new * (xr[bin] * xr[bin] + xi[bin] * xi[bin])
      }
      var (sum, weight): (Float, Float) = (0, Self.tiny)
      for bin in 1..<bins {
        // Only where the far end has something.
        let share = xx[bin] > 1e-6 ? Float(1) : 0
        sum += share * (cr[bin] * cr[bin] + ci[bin] * ci[bin]) / (xx[bin] * own[bin] + Self.tiny)
        weight += share
      }
      let score = weight > 8 ? sum / weight : 0
      most = score > most ? score : most
    }
    sinceDoubt &+= 1
    let looks = coherenceLooks < 39 ? coherenceLooks : 39
    if leftPower > 0.15 * heardPower, most > 0.08 + 1.5 / looks, sinceDoubt > 12, coherenceLooks > 6 {
      doubt()
      sinceDoubt = 0
    }
  }

  /// Spreads the power of the error over the parts, as rooms do.
  @_noLocks
  private mutating func doubt() {
    var (error, far): (Float, Float) = (0, Self.tiny)
    for bin in 0..<bins {
      error += errorPower[bin]
      far += farPower[bin]
    }
    // Where the far end has little the error is something else.
    let usual = 8 * error / far
    let most = usual < 1e4 ? usual : 1e4
    for bin in 0..<bins {
      let ratio = errorPower[bin] / farPower[bin]
      sound[bin] = ratio < most ? ratio : most
    }
    var share: Float = 0
    var next: Float = 1
    for _ in 0..<parts {
      share += next
      next *= 0.8
    }
    next = 2 * Float(parts) / share
    for part in 0..<parts {
      let p = model + (3 &* part &+ 2) &* stride
      for bin in 0..<bins {
        let level = next * sound[bin]
        p[bin] = level > p[bin] ? level : p[bin]
      }
      next *= 0.8
    }
  }
}
