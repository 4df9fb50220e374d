import AudioCore
import Glibc
import Mixer

/// How long the worst callback takes: whole chains as graphs, called once a period of 64 frames as a device does, each beside
/// a graph that passes sound on and does nothing, in the same second. Between calls the thread sleeps, so caches are as cold
/// as they are in life. Wall time: what a deadline sees.
enum Callbacks {
  static let frames = 64
  static let period: Int64 = 64 * 1_000_000_000 / 48_000
  private static let filters = (0..<10).map { band in
    "Filter \(band + 1): ON PK Fc \(31 << band) Hz Gain \(band % 2 == 0 ? 3 : -3) dB Q 1.4"
  }.joined(separator: "\n")

  private static let chains: [(name: String, layout: ChannelLayout, kinds: [String])] = [
    ("stereo", .stereo, ["leveller", "compressor", "equalizer", "limiter", "loudness"]),
    ("7.1", .surround71, ["leveller", "compressor", "equalizer", "limiter", "loudness"]),
    (
      "microphone", .mono,
      ["echo_cancel", "denoise", "equalizer", "expander", "leveller", "compressor", "de_esser", "limiter"]
    ),
  ]

  /// Measures each chain for so many seconds.
  static func run(seconds: Int) throws(BenchError) {
    let priority = beRealTime()
    print("callbacks of \(frames) frames, one every \(period / 1000) us, \(priority); microseconds")
    for chain in chains {
      let nodes = try ChainFixture(chain.layout, chain.kinds, filters)
      let nothing = try ChainFixture(chain.layout, [], filters)
      var (ours, floor) = (Histogram(), Histogram())
      var due = now()
      for turn in 0..<Int64(seconds) * 1_000_000_000 / period {
        due += period
        sleep(until: due)
        // Whichever comes second finds the thread awake: they take turns.
        if turn % 2 == 0 {
          ours.add(nodes.timed())
          floor.add(nothing.timed())
        } else {
          floor.add(nothing.timed())
          ours.add(nodes.timed())
        }
      }
      print("\(chain.name): \(chain.kinds.joined(separator: ", "))")
      for (name, figures) in [("chain", ours), ("no-op", floor)] { print("  \(name)  \(figures.line(period))") }
      print(
        "  chain over no-op: p50 \(fixed(ours.quantile(0.5) / floor.quantile(0.5), 1)), p99.9 "
          + "\(fixed(ours.quantile(0.999) / floor.quantile(0.999), 1)), max \(fixed(ours.most / floor.most, 1))")
      print(ours.picture())
      fflush(nil)
    }
  }

  /// As a device's thread would be, where that is allowed.
  static func beRealTime() -> String {
    var wanted = sched_param()
    wanted.sched_priority = 5
    return pthread_setschedparam(pthread_self(), SCHED_FIFO, &wanted) == 0 ? "real time" : "normal priority"
  }

  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  static func sleep(until time: Int64) {
    var wanted = timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
    while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wanted, nil) == EINTR {}
  }
}

/// Times in nanoseconds, all of them kept.
struct Histogram {
  private var times: [Int64] = []
  private var isSorted = true

  /// Room for so many, so that adding them touches no new memory.
  init(room: Int = 0) {
    times = Array(repeating: 0, count: room)
    times.removeAll(keepingCapacity: true)
  }

  mutating func add(_ time: Int64) {
    times.append(time)
    isSorted = false
  }

  var count: Int { times.count }
  private var sorted: [Int64] { times.sorted() }
  var most: Double { Double(times.max() ?? 0) }

  func quantile(_ share: Double) -> Double {
    let sorted = sorted
    return Double(sorted[min(Int(share * Double(sorted.count)), sorted.count - 1)])
  }

  func line(_ period: Int64) -> String {
    let figures = [("p50", quantile(0.5)), ("p99", quantile(0.99)), ("p99.9", quantile(0.999)), ("max", most)]
    return figures.map { name, value in
      "\(name) \(fixed(value / 1000, 1)) (\(fixed(100 * value / Double(period), 2)) %)"
    }.joined(separator: ", ") + ", \(times.count) callbacks"
  }

  /// How many took less than each power of two microseconds.
  func picture() -> String {
    var counts = [Int](repeating: 0, count: 12)
    for time in times {
      var (slot, limit) = (0, Int64(1000))
      while time >= limit && slot < 11 { (slot, limit) = (slot + 1, limit * 2) }
      counts[slot] += 1
    }
    let last = counts.lastIndex { $0 > 0 } ?? 0
    return "  " + (0...last).map { "<\(1 << $0): \(counts[$0])" }.joined(separator: "  ")
  }
}

/// Nodes one behind the other between a device's ends, fed with the loud programme.
private final class ChainFixture {
  private let engine: Engine
  private let layout: ChannelLayout
  private let programme: Programme
  private let inputs: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let outputs: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private var position: Int64 = 0

  init(_ layout: ChannelLayout, _ kinds: [String], _ filters: String) throws(BenchError) {
    self.layout = layout
    programme = Programme(layout)
    for channel in 0..<layout.count {
      for frame in 0..<Programme.frames { programme.planar[channel][frame] *= 5 }
    }
    engine = Engine(EngineSettings(block: FrameCount(Callbacks.frames), isLive: true))
    inputs = .allocate(capacity: layout.count)
    outputs = .allocate(capacity: layout.count)
    for channel in 0..<layout.count { (outputs + channel).initialize(to: .allocate(capacity: Callbacks.frames)) }
    do {
      var graph = engine.graph
      let own: [String: SettingValue] = ["channels": .text(layout.title)]
      let first = try graph.add("input", name: "in", settings: own)
      var last = first
      for kind in kinds {
        let more: [String: SettingValue] = kind == "equalizer" ? ["filters": .text(filters)] : [:]
        let node = try graph.add(kind, name: kind, settings: own.merging(more) { $1 })
        try graph.connect(last, node)
        if kind == "echo_cancel" { try graph.connect(first, node, input: 1) }
        last = node
      }
      try graph.connect(last, try graph.add("output", name: "out", settings: own))
      try engine.commit(graph)
    } catch {
      throw BenchError("the graph: \(error)")
    }
    for _ in 0..<8192 {
      _ = timed()
      engine.service()
    }
  }

  deinit {
    for channel in 0..<layout.count { outputs[channel].deallocate() }
    inputs.deallocate()
    outputs.deallocate()
  }

  /// One callback, and how long it took.
  func timed() -> Int64 {
    let frames = Callbacks.frames
    let place = Int(position % Int64(Programme.frames))
    for channel in 0..<layout.count {
      inputs[channel] = programme.planar[channel] + place
      outputs[channel].update(repeating: 0, count: frames)
    }
    let cycle = Cycle(
      frames: frames, time: HostTime(nanoseconds: Callbacks.now()), position: position, quantum: frames, layout: layout,
      flags: .none, input: Block(channels: inputs, channelCount: layout.count, frames: frames),
      output: Block(channels: outputs, channelCount: layout.count, frames: frames))
    position += Int64(frames)
    let start = Callbacks.now()
    engine.renderer.render(cycle)
    return Callbacks.now() - start
  }
}
