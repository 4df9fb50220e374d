import AudioCore
import AudioIO
import TestSupport

@testable import PipeWireIO

/// The monitor of a sink and what plays into it, recorded side by side on one render thread, and compared cycle by cycle.
final class StreamsRig {
  static let quantum = 256

  /// A stretch of cycles in which the two recordings differ.
  struct Difference: CustomStringConvertible {
    var time: Int64
    var frames: Int
    /// What the monitor had and the streams had not, and the other way about; by player.
    var missed: Set<String> = []
    var surplus: Set<String> = []
    /// Differs, but no player accounts for it.
    var isUnexplained: Bool { missed.isEmpty && surplus.isEmpty }
    var description: String {
      "\(frames) frames at \(Double(time) / 1e9): missed \(missed.sorted()), surplus \(surplus.sorted())"
    }
  }

  let server: PrivatePipeWire
  /// Players live on a connection of their own, as applications do.
  let crowd: PipeWireConnection
  let monitor = CycleTape(channels: 2)
  let streams = CycleTape(channels: 2)
  private let backend: PipeWireBackend
  private var monitorStream: (any AudioStream)?
  private(set) var streamsStream: (any AudioStream)?
  let unheard = EventLog()

  private var pendingMonitor: [CycleTape.Cycle] = []
  private var pendingStreams: [Int64: CycleTape.Cycle] = [:]
  private(set) var differences: [Difference] = []
  private(set) var comparedFrames = 0
  private(set) var loudFrames = 0
  /// Monitor cycles whose counterpart the other recording has not, by how many cycles the graph itself had lost.
  private(set) var unmatched = 0
  /// Time between a sound's cycle beside the sink and in the monitor.
  private(set) var leads: [Int64] = []

  init(sink: String, withMonitor: Bool = true) throws {
    server = try PrivatePipeWire.start(sinkChannels: 2, microphone: true)
    try server.setQuantum(Self.quantum)
    if sink != PrivatePipeWire.sinkName { try server.createSink(sink, channels: 2) }
    crowd = try PipeWireConnection(remote: server.remote) { _ in }
    backend = try PipeWireBackend(remote: server.remote)
    let unheard = unheard
    streamsStream = try backend.open(
      StreamRequest(role: .streams(of: .named(sink)), name: "streamd-streams", description: "streams"),
      client: streams
    ) { unheard.add($0) }
    try streamsStream?.start()
    if withMonitor {
      monitorStream = try backend.open(
        StreamRequest(role: .monitor(of: .named(sink)), name: "streamd-monitor", description: "monitor"),
        client: monitor, events: { _ in })
      try monitorStream?.start()
    }
    let stream = streamsStream
    guard waitUntil(timeout: 15, { if case .running = stream?.report.state { true } else { false } }) else {
      throw SupportError("streams: \(String(describing: stream?.report))")
    }
    guard !withMonitor || waitUntil(timeout: 15, { [monitor] in monitor.count > 10 }) else {
      throw SupportError("no monitor")
    }
  }

  func stop() {
    monitorStream?.stop()
    streamsStream?.stop()
    server.stop()
  }

  deinit { stop() }

  /// Compares what has come since the last call.
  func compare(players: [NoisePlayer]) {
    for cycle in streams.take() { pendingStreams[cycle.time] = cycle }
    pendingMonitor += monitor.take()
    // The newest may still lack their counterparts.
    while pendingMonitor.count > 24 {
      let (before, now) = (pendingMonitor[0], pendingMonitor[1])
      pendingMonitor.removeFirst()
      let beside = pendingStreams.removeValue(forKey: before.time)
      // A cycle the graph lost has no monitor block to compare with.
      guard !now.jumped, now.frames == before.frames else { continue }
      compare(monitor: now, streams: beside, at: before.time, players: players)
    }
    if let oldest = pendingMonitor.first?.time {
      pendingStreams = pendingStreams.filter { $0.key >= oldest }
    }
  }

  private func compare(monitor: CycleTape.Cycle, streams: CycleTape.Cycle?, at time: Int64, players: [NoisePlayer]) {
    let silence = [Float](repeating: 0, count: monitor.samples.count)
    if streams == nil && monitor.samples.contains(where: { $0 != 0 }) { unmatched += 1 }
    let beside = streams?.samples ?? silence
    comparedFrames += monitor.frames
    guard beside.count == monitor.samples.count else {
      differences.append(Difference(time: time, frames: monitor.frames))
      return
    }
    // Downmixed players are rounded in the order they are added.
    let gap = zip(monitor.samples, beside).map { $0 - $1 }
    if monitor.samples.contains(where: { $0 != 0 }) {
      loudFrames += monitor.frames
      leads.append(monitor.time - time)
    }
    guard let peak = gap.map(abs).max(), peak > 2e-6 else { return }
    var found = Difference(time: time, frames: monitor.frames)
    name(gap, frames: monitor.frames, at: time, players, &found)
    if let last = differences.last, last.missed == found.missed, last.surplus == found.surplus,
      time - last.time <= Int64(last.frames + 16) * 1_000_000_000 / 48_000
    {
      found.frames += last.frames
      found.time = last.time
      differences.removeLast()
    }
    differences.append(found)
  }

  /// Whose sound the gap is: the players whose noise correlates with it.
  private func name(
    _ gap: [Float], frames: Int, at time: Int64, _ players: [NoisePlayer], _ found: inout Difference
  ) {
    for player in players {
      guard let start = player.noise.start(at: time) else { continue }
      var product = 0.0
      var power = 0.0
      for frame in 0..<min(frames, start.frames) {
        let sample = Double(Noise.sample(player.noise.seed, 0, start.place + Int64(frame)))
        product += sample * Double(gap[frame])
        power += sample * sample
      }
      // The gain of the player's first channel in the gap's left.
      let gain = product / power
      if gain > 0.3 { found.missed.insert(player.name) }
      if gain < -0.3 { found.surplus.insert(player.name) }
    }
  }
}
