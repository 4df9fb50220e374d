import AudioCore

/// What a convolver is told: which channel in reaches which channel out, and by which response.
struct ConvolverRoute: Hashable, Sendable {
  var input: Int
  var output: Int
  /// Its number among the responses.
  var response: Int
}

/// Partitions of one size of all responses of a convolver, from some tap on: each input transformed once, each output
/// transformed back once.
///
/// The first level has its result at once, so its partitions begin one partition behind the first tap. A later one begins
/// two behind, and its work is spread over the time of a partition: in each step of `ConvolverHead.taps` frames about the
/// same. Which step does what is counted in frames since the beginning.
/// Thread: render, but for its life.
struct ConvolverLevel: ~Copyable {
  /// One partition of one response, for one input.
  private struct Term: BitwiseCopyable {
    var input: Int
    var partition: Int
    var response: UnsafePointer<Float>
  }

  /// Spectra to be multiplied.
  private struct Pair: BitwiseCopyable {
    var sound: UnsafePointer<Float>
    var response: UnsafePointer<Float>
  }

  private struct Task: BitwiseCopyable {
    enum Kind { case forward, multiply, inverse }
    var kind: Kind
    /// An input's or an output's number, or the first term's.
    var subject: Int
    var count = 0
    /// Of terms: they go on with a sum.
    var adds = false
  }

  let size: Int
  private let isFirst: Bool
  private let steps: Int
  private let outputs: Int
  private let depth: Int
  private let transform: RealTransform
  /// Spectra of the responses, one after the other.
  private let responses: UnsafeMutablePointer<Float>
  /// The last `depth` spectra of each input.
  private let spectra: UnsafeMutablePointer<Float>
  private let sum: UnsafeMutablePointer<Float>
  private let frames: UnsafeMutablePointer<Float>
  /// Two sets of a partition for each output: the one is heard while the other is made.
  private let results: UnsafeMutablePointer<Float>
  private let terms: UnsafeMutablePointer<Term>
  private let pairs: UnsafeMutablePointer<Pair>
  private let tasks: UnsafeMutablePointer<Task>
  private let taskCount: Int
  /// How many tasks are done after each step.
  private let due: UnsafeMutablePointer<Int>
  private var done = 0
  /// Where the newest spectrum lies.
  private var newest = 0
  private var made = 0
  private var end = 0

  /// What a transform costs, in products of two spectra.
  private static let transformCost = 12
  /// Products in one task of a level whose work is spread.
  private static let spread = 4

  /// Thread: control.
  init(
    size: Int, isFirst: Bool, from start: Int, to end: Int, responses all: [[Float]], routes: [ConvolverRoute],
    inputs: Int, outputs: Int
  ) {
    self.size = size
    self.isFirst = isFirst
    self.outputs = outputs
    steps = size / ConvolverHead.taps
    transform = RealTransform(size: 2 * size)
    let partitions = all.map { (max(min($0.count, end) - start, 0) + size - 1) / size }
    depth = partitions.max() ?? 0

    let width = 2 * size
    frames = .allocate(capacity: width)
    frames.initialize(repeating: 0, count: width)
    responses = .allocate(capacity: max(width * partitions.reduce(0, +), 1))
    var places: [[UnsafePointer<Float>]] = []
    var place = responses
    for (response, count) in zip(all, partitions) {
      var rows: [UnsafePointer<Float>] = []
      for partition in 0..<count {
        let first = start + partition * size
        for frame in 0..<width {
          frames[frame] = frame < size && first + frame < min(response.count, end) ? response[first + frame] : 0
        }
        transform.forward(frames, packed: place, place + size)
        rows.append(UnsafePointer(place))
        place += width
      }
      places.append(rows)
    }
    spectra = .allocate(capacity: inputs * depth * width)
    spectra.initialize(repeating: 0, count: inputs * depth * width)
    sum = .allocate(capacity: width)
    sum.initialize(repeating: 0, count: width)
    results = .allocate(capacity: 2 * outputs * size)
    results.initialize(repeating: 0, count: 2 * outputs * size)

    var terms: [Term] = []
    let heard = Set(routes.filter { partitions[$0.response] > 0 }.map(\.input)).sorted()
    var tasks = heard.map { Task(kind: .forward, subject: $0) }
    for output in 0..<outputs {
      let first = terms.count
      for route in routes where route.output == output {
        for (partition, spectrum) in places[route.response].enumerated() {
          terms.append(Term(input: route.input, partition: partition, response: spectrum))
        }
      }
      guard terms.count > first else { continue }
      let most = isFirst ? terms.count - first : Self.spread
      for chunk in stride(from: first, to: terms.count, by: most) {
        tasks.append(
          Task(kind: .multiply, subject: chunk, count: min(most, terms.count - chunk), adds: chunk > first))
      }
      tasks.append(Task(kind: .inverse, subject: output))
    }
    self.terms = .allocate(capacity: max(terms.count, 1))
    self.terms.initialize(from: terms, count: terms.count)
    pairs = .allocate(capacity: max(terms.count, 1))
    self.tasks = .allocate(capacity: max(tasks.count, 1))
    self.tasks.initialize(from: tasks, count: tasks.count)
    taskCount = tasks.count

    let costs = tasks.map { $0.kind == .multiply ? $0.count : Self.transformCost }
    let total = costs.reduce(0, +)
    due = .allocate(capacity: steps)
    var (task, spent) = (0, 0)
    for step in 0..<steps {
      while task < costs.count, spent * steps < total * (step + 1) {
        spent += costs[task]
        task += 1
      }
      (due + step).initialize(to: step == steps - 1 ? tasks.count : task)
    }
    done = taskCount
  }

  deinit {
    responses.deallocate()
    spectra.deallocate()
    sum.deallocate()
    frames.deallocate()
    results.deallocate()
    terms.deallocate()
    pairs.deallocate()
    tasks.deallocate()
    due.deallocate()
  }

  /// Does the work of the step that begins at `position`, a multiple of a step, and adds what is heard in it to each
  /// output's tail.
  @_noLocks
  mutating func step(
    at position: Int, ring: borrowing ConvolverRing, into tail: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let length = ConvolverHead.taps
    let step = (position / length) & (steps &- 1)
    if step == 0 {
      newest = newest == depth &- 1 ? 0 : newest &+ 1
      made = 1 &- made
      end = position
      done = 0
    }
    if isFirst { work(until: taskCount, ring) }
    let heard = isFirst ? made : 1 &- made
    for output in 0..<outputs {
      let from = results + ((heard &* outputs &+ output) &* size &+ step &* length)
      let to = tail + output &* stride
      for frame in 0..<length { to[frame] += from[frame] }
    }
    if !isFirst { work(until: due[step], ring) }
  }

  @_noLocks
  private mutating func work(until limit: Int, _ ring: borrowing ConvolverRing) {
    let width = 2 &* size
    while done < limit {
      let task = tasks[done]
      done &+= 1
      switch task.kind {
      case .forward:
        ring.copy(input: task.subject, before: end, into: frames, count: width)
        let place = spectra + (task.subject &* depth &+ newest) &* width
        transform.forward(frames, packed: place, place + size)
      case .multiply:
        multiply(task)
      case .inverse:
        transform.inverse(sum, sum + size, top: sum[size], into: frames)
        renderCopy(results + (made &* outputs &+ task.subject) &* size, from: frames + size, floats: size)
      }
    }
  }

  /// Sums products of spectra, eight bins at a time in registers.
  @_noLocks
  private mutating func multiply(_ task: Task) {
    let (width, count) = (2 &* size, task.count)
    for index in 0..<count {
      let term = terms[task.subject &+ index]
      let slot = newest &- term.partition
      let row = term.input &* depth &+ (slot < 0 ? slot &+ depth : slot)
      pairs[index] = Pair(sound: spectra + row &* width, response: term.response)
    }
    // The lowest and the highest part are real, and stand together.
    var (lowest, highest) = task.adds ? (sum[0], sum[size]) : (0, 0)
    for index in 0..<count {
      let pair = pairs[index]
      lowest += pair.sound[0] * pair.response[0]
      highest += pair.sound[size] * pair.response[size]
    }
    var bin = 0
    while bin < size {
      let (to, other) = (UnsafeMutableRawPointer(sum + bin), UnsafeMutableRawPointer(sum + size + bin))
      var real = SIMD8<Float>(repeating: 0)
      var imaginary = SIMD8<Float>(repeating: 0)
      if task.adds {
        real = to.loadUnaligned(as: SIMD8<Float>.self)
        imaginary = other.loadUnaligned(as: SIMD8<Float>.self)
      }
      for index in 0..<count {
        let pair = pairs[index]
        let (a, b) = (Self.load(pair.sound + bin), Self.load(pair.sound + size + bin))
        let (c, d) = (Self.load(pair.response + bin), Self.load(pair.response + size + bin))
        real += a * c - b * d
        imaginary += a * d + b * c
      }
      to.storeBytes(of: real, as: SIMD8<Float>.self)
      other.storeBytes(of: imaginary, as: SIMD8<Float>.self)
      bin &+= 8
    }
    (sum[0], sum[size]) = (lowest, highest)
  }

  @_noLocks @inline(__always)
  private static func load(_ from: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(from).loadUnaligned(as: SIMD8<Float>.self)
  }
}

/// The last frames of each input, at places that go round.
struct ConvolverRing: ~Copyable {
  private let room: Int
  private let samples: UnsafeMutablePointer<Float>

  /// Thread: control.
  init(inputs: Int, room: Int) {
    self.room = room
    samples = .allocate(capacity: inputs * room)
    samples.initialize(repeating: 0, count: inputs * room)
  }

  deinit { samples.deallocate() }

  /// One step that begins at `position`.
  @_noLocks
  func put(_ from: UnsafePointer<Float>, input: Int, at position: Int) {
    renderCopy(samples + (input &* room &+ position & (room &- 1)), from: from, floats: ConvolverHead.taps)
  }

  /// The last `count` frames before a position.
  @_noLocks
  func copy(input: Int, before position: Int, into: UnsafeMutablePointer<Float>, count: Int) {
    let first = (position &- count) & (room &- 1)
    let piece = room &- first < count ? room &- first : count
    let row = samples + input &* room
    renderCopy(into, from: row + first, floats: piece)
    renderCopy(into + piece, from: row, floats: count &- piece)
  }
}
