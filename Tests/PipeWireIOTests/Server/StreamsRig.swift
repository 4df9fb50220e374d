import AudioCore
import AudioIO
import TestSupport

@testable import PipeWireIO

/// The monitor of a sink and what plays into it, recorded side by side on one render thread, and compared cycle by cycle.
final class StreamsRig {
  /// Neighbouring cycles in which the two recordings differ in the same way.
  struct Difference: CustomStringConvertible {
    var time: Int64
    var frames: Int
    /// What the monitor had and the streams had not, and the other way about; by player.
    var missed: Set<String> = []
    var surplus: Set<String> = []
    /// The capture beside the sink had no block for this cycle.
    var isLost = false
    /// How long after its cycle's begin a recording was made, at the worst of this cycle and the two before.
    var late: Int64 = 0
    var description: String {
      "\(frames) frames at \(Double(time) / 1e9): missed \(short(missed)), surplus \(short(surplus))"
        + (isLost ? ", no block" : "") + ", \(late / 1_000_000) ms into the cycle"
    }

    private func short(_ names: Set<String>) -> String {
      names.sorted().prefix(4).joined(separator: " ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
    }
  }

  /// What a comparison has come to.
  struct Count: CustomStringConvertible {
    var frames = 0
    var loudFrames = 0
    /// Around a driver that woke late: there the recordings do not belong together.
    var disturbedFrames = 0
    /// Blocks the capture beside the sink had not, though the graph was in time.
    var lostBlocks = 0
    /// Blocks the server did not give it, taken from the monitor's copy.
    var repairedBlocks = 0
    /// Cycles that were not done when the next began.
    var overruns = 0
    var description: String {
      "\(frames) frames, \(loudFrames) with sound, \(disturbedFrames) disturbed, \(lostBlocks) blocks lost, "
        + "\(repairedBlocks) repaired, \(overruns) cycles overran"
    }
  }

  let quantum: Int
  let sink: String
  let server: PrivatePipeWire
  /// Players live on a connection of their own, as applications do.
  let crowd: PipeWireConnection
  let links: LinkLog
  let monitor = CycleTape(channels: 2)
  let streams = CycleTape(channels: 2)
  let log = EventLog()
  private let backend: PipeWireBackend
  private let monitorStream: any AudioStream
  let stream: any AudioStream

  private var pendingMonitor: [CycleTape.Cycle] = []
  private var pendingStreams: [CycleTape.Cycle] = []
  private(set) var differences: [Difference] = []
  private(set) var count = Count()
  /// From when a sound was heard beside the sink until the monitor had it.
  private(set) var leads: [Int64] = []

  init(sink: String = "played", quantum: Int = 256) throws {
    self.sink = sink
    self.quantum = quantum
    server = try PrivatePipeWire.start(sinkChannels: 2, microphone: true)
    try server.setQuantum(quantum)
    try server.createSink(sink, channels: 2)
    crowd = try PipeWireConnection(remote: server.remote) { _ in }
    links = LinkLog(crowd, sink: sink)
    backend = try PipeWireBackend(remote: server.remote)
    let log = log
    stream = try backend.open(
      StreamRequest(role: .streams(of: .named(sink)), name: "streamd-streams", description: "streams"),
      client: streams
    ) { log.add($0) }
    monitorStream = try backend.open(
      StreamRequest(role: .monitor(of: .named(sink)), name: "streamd-monitor", description: "monitor"),
      client: monitor, events: { _ in })
    try stream.start()
    try monitorStream.start()
    guard waitUntil(timeout: 15, { isRunning && monitor.count > 10 }) else {
      throw SupportError("streams: \(stream.report), monitor: \(monitorStream.report)")
    }
  }

  var isRunning: Bool { if case .running = stream.report.state { true } else { false } }

  /// From here on the sink plays only when somebody plays into it.
  func stopMonitor() { monitorStream.stop() }

  func stop() {
    monitorStream.stop()
    stream.stop()
    links.stop()
    server.stop()
  }

  deinit { stop() }

  private var period: Int64 { Int64(quantum) * 1_000_000_000 / 48_000 }

  /// Compares what has come since the last call.
  func compare(players: [NoisePlayer]) {
    for cycle in streams.take() {
      if cycle.isRepaired { count.repairedBlocks += 1 }
      pendingStreams.append(cycle)
    }
    pendingMonitor += monitor.take()
    // The newest may still lack their counterparts.
    while pendingMonitor.count > 24 {
      let now = pendingMonitor[3]
      let before = pendingMonitor[2]
      let isSteady = zip(pendingMonitor[0..<5], pendingMonitor[1..<6]).allSatisfy {
        !$1.jumped && $0.frames == $1.frames && abs($1.time - $0.time - period) < period / 8
      }
      let late = pendingMonitor[1...3].map { $0.arrival - $0.time }.max() ?? 0
      if now.arrival - now.time > period { count.overruns += 1 }
      pendingMonitor.removeFirst()
      // The same sound bears the same time: that at which the sink plays it.
      pendingStreams.removeAll { $0.time < now.time - period / 4 }
      let beside = pendingStreams.first.flatMap { $0.time < now.time + period / 4 ? $0 : nil }
      count.frames += now.frames
      if isSteady {
        compare(monitor: now, streams: beside, at: before.time, late: late, players: players)
      } else {
        count.disturbedFrames += now.frames
      }
    }
  }

  private func compare(
    monitor: CycleTape.Cycle, streams: CycleTape.Cycle?, at time: Int64, late: Int64, players: [NoisePlayer]
  ) {
    let isLoud = monitor.samples.contains { $0 != 0 }
    if isLoud {
      count.loudFrames += monitor.frames
      if let streams, !streams.isRepaired { leads.append(monitor.arrival - streams.arrival) }
    }
    let beside = streams?.samples ?? [Float](repeating: 0, count: monitor.samples.count)
    // Downmixed players are rounded in the order they are added.
    let gap = zip(monitor.samples, beside).map { $0 - $1 }
    guard beside.count != monitor.samples.count || gap.contains(where: { abs($0) > 2e-6 }) else { return }
    var found = Difference(time: time, frames: monitor.frames, isLost: streams == nil, late: late)
    if streams == nil { count.lostBlocks += 1 }
    for player in players { name(player, in: gap, frames: monitor.frames, at: time, &found) }
    if let last = differences.last, last.missed == found.missed, last.surplus == found.surplus,
      time - last.time <= Int64(last.frames + 16) * 1_000_000_000 / 48_000
    {
      found.frames += last.frames
      found.time = last.time
      differences.removeLast()
    }
    differences.append(found)
  }

  /// Whether the gap is this player's sound: then its noise correlates with it.
  private func name(
    _ player: NoisePlayer, in gap: [Float], frames: Int, at time: Int64, _ found: inout Difference
  ) {
    guard let start = player.noise.start(at: time) else { return }
    // A mono player's only channel may be on either side.
    for (side, channel) in [(0, 0), (1, 1), (1, 0)] {
      var product = 0.0
      var power = 0.0
      for frame in 0..<min(frames, start.frames) {
        let sample = Double(Noise.sample(player.noise.seed, channel, start.place + Int64(frame)))
        product += sample * Double(gap[side * frames + frame])
        power += sample * sample
      }
      let gain = product / power
      if gain > 0.3 { found.missed.insert(player.name) }
      if gain < -0.3 { found.surplus.insert(player.name) }
    }
  }
}
