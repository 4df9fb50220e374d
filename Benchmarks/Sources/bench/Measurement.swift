import AudioCore
import Glibc

/// Something of ours beside the least that anybody could do for the same effect, both in batches of the same size.
struct Case {
  /// What the time is taken with. Only work that needs two threads is timed by the wall.
  enum Clock {
    case threadCPU, wall
  }

  let name: String
  /// What one unit of work is called in the report.
  let unit: String
  let unitsPerBatch: Int
  /// Batches of each side in a round, alternating. Nil: as many as make a round long enough to time.
  var batches: Int?
  var clock = Clock.threadCPU
  /// What has to be done before each batch of ours, and is not timed. Only where `batches` is told.
  var before: () -> Void = {}
  let ours: () -> Void
  let floor: () -> Void
  /// What else there is to say, in a line of its own.
  var note: String?
}

/// Nanoseconds per unit over all rounds.
struct Samples {
  /// Each turn at its fastest. The same turn does the same work in every round, so a disturbance would have to hit it in
  /// all of them to count.
  let minimum: Double
  let median: Double

  /// Times by round and turn.
  init(_ times: [[Int64]], units: Double) {
    let turns = times[0].indices.map { turn in times.map { $0[turn] }.min() ?? 0 }
    minimum = Double(turns.reduce(0, +)) / units
    let rounds = times.map { $0.reduce(0, +) }.sorted()
    median = Double(rounds[(rounds.count - 1) / 2] + rounds[rounds.count / 2]) / 2 / units
  }
}

struct Measurement {
  let name: String
  let unit: String
  let ours: Samples
  let floor: Samples
  let note: String?

  /// Of the fastest turns: other load only ever adds time.
  var ratio: Double { ours.minimum / floor.minimum }
  /// What we cost beyond the floor, in nanoseconds per unit.
  var overhead: Double { ours.minimum - floor.minimum }
}

extension Case {
  /// Runs both sides in turns, A B A B…, so that both meet the same clock speed and the same neighbours.
  func measure(rounds: Int) -> Measurement {
    before()
    ours()
    floor()
    let (turns, repeats) = plan()
    let units = Double(turns * repeats * unitsPerBatch)
    var ourTimes: [[Int64]] = []
    var floorTimes: [[Int64]] = []
    for _ in 0..<rounds {
      ourTimes.append([])
      floorTimes.append([])
      for _ in 0..<turns {
        before()
        ourTimes[ourTimes.count - 1].append(time(repeats, ours))
        floorTimes[floorTimes.count - 1].append(time(repeats, floor))
      }
    }
    return Measurement(
      name: name, unit: unit, ours: Samples(ourTimes, units: units), floor: Samples(floorTimes, units: units),
      note: note)
  }

  /// Turns a round, and batches a turn: long enough that reading the clock, a system call, is lost in it.
  private func plan() -> (turns: Int, repeats: Int) {
    if let batches { return (batches, 1) }
    var repeats = 1
    while repeats < 1 << 20, min(time(repeats, ours), time(repeats, floor)) < 500_000 { repeats *= 2 }
    return (8, repeats)
  }

  private func time(_ repeats: Int, _ work: () -> Void) -> Int64 {
    let start = clock.now
    for _ in 0..<repeats { work() }
    return clock.now - start
  }
}

extension Case.Clock {
  fileprivate var now: Int64 {
    var value = timespec()
    clock_gettime(self == .wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &value)
    return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
  }
}

/// A copy the optimiser must make.
@inline(never)
func bareCopy(_ to: UnsafeMutablePointer<Float>, _ from: UnsafePointer<Float>, _ floats: Int) {
  memcpy(to, from, floats * MemoryLayout<Float>.size)
}

/// Planar to interleaved, the plain way: frame by frame, with the two-channel case spelled out as anybody would.
@inline(never)
func bareInterleave(
  _ to: UnsafeMutablePointer<Float>, _ from: UnsafePointer<UnsafeMutablePointer<Float>>, channels: Int, offset: Int,
  frames: Int
) {
  if channels == 2 {
    let left = from[0] + offset
    let right = from[1] + offset
    for frame in 0..<frames {
      to[2 * frame] = left[frame]
      to[2 * frame + 1] = right[frame]
    }
    return
  }
  for frame in 0..<frames {
    for channel in 0..<channels { to[frame * channels + channel] = from[channel][offset + frame] }
  }
}

/// Makes the optimiser believe that somebody looks at the value.
@inline(never) @_optimize(none)
func use(_ value: Int) {}
