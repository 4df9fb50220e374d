import AudioCore

/// Convolution with long responses, from some channels to others, without latency.
///
/// The first 64 taps are summed frame by frame; the others go by spectrum in partitions that grow: 64 frames up to tap 1024,
/// 512 up to tap 4096, then 2048. The work for the longer ones is spread evenly over their time, so that no cycle is much
/// dearer than another. What comes out does not depend on how the input was cut into blocks.
/// Thread: render, but for its life; nothing but making and dropping it allocates.
struct PartitionedConvolver: ~Copyable, @unchecked Sendable {
  let inputs: Int
  let outputs: Int
  /// Taps of the longest response.
  let length: Int
  private let taps: UnsafeMutablePointer<Float>
  private let counts: UnsafeMutablePointer<Int>
  private let routes: UnsafeMutablePointer<ConvolverRoute>
  private let routeCount: Int
  private let levels: UnsafeMutablePointer<ConvolverLevel>
  private let levelCount: Int
  private var line: DelayLine
  private let ring: ConvolverRing
  /// What the spectra make of a step, for each output.
  private let tail: UnsafeMutablePointer<Float>
  /// A step of each output.
  private let sums: UnsafeMutablePointer<Float>
  private var position = 0

  private static var step: Int { @_noLocks get { ConvolverHead.taps } }
  private static var stride: Int { @_noLocks get { ConvolverHead.taps &+ 16 } }

  /// Where each size of partition begins to serve.
  private static let sizes = [(64, 64), (512, 1024), (2048, 4096)]

  /// Responses that no route names cost nothing. Thread: control.
  init(inputs: Int, outputs: Int, responses: [[Float]], routes: [ConvolverRoute]) {
    precondition(
      routes.allSatisfy {
        (0..<inputs).contains($0.input) && (0..<outputs).contains($0.output) && responses.indices.contains($0.response)
      })
    self.inputs = inputs
    self.outputs = outputs
    let used = Set(routes.map(\.response))
    let kept = responses.enumerated().map { index, response in
      used.contains(index) ? Array(response[..<((response.lastIndex { $0 != 0 } ?? -1) + 1)]) : []
    }
    let longest = kept.map(\.count).max() ?? 0
    length = longest
    taps = .allocate(capacity: max(kept.count, 1) * Self.step)
    taps.initialize(repeating: 0, count: max(kept.count, 1) * Self.step)
    counts = .allocate(capacity: max(kept.count, 1))
    for (index, response) in kept.enumerated() {
      let count = min(response.count, Self.step)
      for tap in 0..<count { taps[index * Self.step + tap] = response[tap] }
      (counts + index).initialize(to: count)
    }
    let heard = routes.filter { !kept[$0.response].isEmpty }.sorted { ($0.output, $0.input) < ($1.output, $1.input) }
    self.routes = .allocate(capacity: max(heard.count, 1))
    self.routes.initialize(from: heard, count: heard.count)
    routeCount = heard.count

    let needed = Self.sizes.filter { $0.1 < longest }
    levels = .allocate(capacity: max(needed.count, 1))
    for (index, (size, start)) in needed.enumerated() {
      let end = index + 1 < Self.sizes.count ? Self.sizes[index + 1].1 : Int.max
      (levels + index).initialize(
        to: ConvolverLevel(
          size: size, isFirst: index == 0, from: start, to: end, responses: kept, routes: heard, inputs: inputs,
          outputs: outputs))
    }
    levelCount = needed.count
    line = DelayLine(channels: inputs, past: Self.step, chunk: Self.step)
    ring = ConvolverRing(inputs: inputs, room: 4 * (needed.last?.0 ?? Self.step))
    tail = .allocate(capacity: outputs * Self.step)
    tail.initialize(repeating: 0, count: outputs * Self.step)
    sums = .allocate(capacity: outputs * Self.stride)
    sums.initialize(repeating: 0, count: outputs * Self.stride)
  }

  deinit {
    taps.deallocate()
    counts.deallocate()
    routes.deallocate()
    levels.deinitialize(count: levelCount)
    levels.deallocate()
    tail.deallocate()
    sums.deallocate()
  }

  /// What one takes, about. Thread: control.
  static func memory(responses: Int, inputs: Int, taps: Int) -> Int { (responses + inputs) * taps * 8 }

  /// Fills each output with the sum of what its routes bring. Outputs may lie where inputs do. What is no number, beyond
  /// all sound, or too soft for numbers is silence. Thread: render.
  @_noLocks
  mutating func process(
    _ from: UnsafePointer<UnsafeMutablePointer<Float>>, _ to: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int
  ) {
    var done = 0
    while done < frames {
      let phase = position & (Self.step &- 1)
      let room = Self.step &- phase
      let count = frames &- done < room ? frames &- done : room
      line.makeRoom(for: count)
      for input in 0..<inputs { Self.admit(from[input] + done, into: line.end(of: input), frames: count) }
      for output in 0..<outputs {
        renderCopy(sums + output &* Self.stride, from: tail + (output &* Self.step &+ phase), floats: count)
      }
      for index in 0..<routeCount {
        let route = routes[index]
        ConvolverHead.add(
          taps + route.response &* Self.step, counts[route.response], line.end(of: route.input),
          into: sums + route.output &* Self.stride, frames: count)
      }
      for output in 0..<outputs { renderCopy(to[output] + done, from: sums + output &* Self.stride, floats: count) }
      line.advance(count)
      position &+= count
      done &+= count
      if count == room && levelCount > 0 { step() }
    }
  }

  /// A step is complete: makes the tail of the next.
  @_noLocks
  private mutating func step() {
    for input in 0..<inputs { ring.put(line.end(of: input) - Self.step, input: input, at: position &- Self.step) }
    renderZero(tail, floats: outputs &* Self.step)
    for level in 0..<levelCount {
      (levels + level).pointee.step(at: position, ring: ring, into: tail, stride: Self.step)
    }
  }

  /// What is 360 dB below full scale would only make numbers that processors are slow with.
  @_noLocks
  private static func admit(_ from: UnsafePointer<Float>, into: UnsafeMutablePointer<Float>, frames: Int) {
    for frame in 0..<frames {
      let sample = from[frame]
      let size = sample.magnitude
      into[frame] = size < Sanitised.limit && size > 1e-18 ? sample : 0
    }
  }
}
