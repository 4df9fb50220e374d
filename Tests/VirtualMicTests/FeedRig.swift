import AudioCore
import AudioIO

@testable import VirtualMic

/// A virtual microphone under virtual time: what is pushed into its lanes, and what a recorder hears.
final class FeedRig {
  let feed: SourceFeed
  let backend: OfflineBackend
  let stream: OfflineStream
  /// What the recorder has heard, per channel.
  private(set) var heard: [[Float]]
  private(set) var samples: [Float] = []

  init(
    quantum: Int = 256, channels: Int = 1, layout: ChannelLayout? = nil, ppm: Double = 0,
    faults: FaultScript = FaultScript(), starts: Bool = true
  ) throws {
    feed = SourceFeed(channels: channels)
    let layout = layout ?? (channels == 1 ? .mono : .stereo)
    backend = OfflineBackend(.init(quantum: quantum, layout: layout, ppm: ppm, faults: faults))
    let opened = try backend.open(
      StreamRequest(role: .virtualSource, name: "mic", description: "mic", layout: layout), client: feed,
      events: { _ in })
    stream = opened as! OfflineStream
    heard = Array(repeating: [], count: layout.count)
    if starts { try stream.start() }
  }

  var now: HostTime { backend.now }

  /// Runs the graph's cycles before `time`.
  func run(until time: HostTime) {
    while backend.now <= time { backend.advance() }
    collect()
  }

  func collect() {
    for (channel, samples) in stream.takePlayed().enumerated() { heard[channel] += samples }
  }

  func forget() { for channel in heard.indices { heard[channel] = [] } }

  @discardableResult
  func push(_ samples: [Float], into lane: SourceLane, at time: HostTime) -> Bool {
    samples.withUnsafeBufferPointer { lane.push($0, at: time) }
  }
}

/// One voice that is pushed in packets at the pace of its own clock.
struct LaneDriver {
  let lane: SourceLane
  let packet: Int
  var ppm = 0.0
  /// Nanoseconds.
  var next: Double
  var position = 0
  var signal: (Int) -> Float

  init(_ lane: SourceLane, packet: Int = 960, from: HostTime, ppm: Double = 0, signal: @escaping (Int) -> Float) {
    (self.lane, self.packet, self.ppm, self.signal) = (lane, packet, ppm, signal)
    next = Double(from.nanoseconds)
  }

  var due: HostTime { HostTime(nanoseconds: Int64(next)) }

  /// Pushes the next packet, `late` milliseconds after its time.
  mutating func push(_ rig: FeedRig, late: Double = 0) {
    let time = HostTime(nanoseconds: Int64(next + late * 1e6))
    rig.run(until: time)
    let frames = (0..<packet).map { signal(position + $0) }
    rig.push(frames.flatMap { Array(repeating: $0, count: lane.channels) }, into: lane, at: time)
    position += packet
    next += Double(packet) * 1e9 / 48_000 / (1 + ppm * 1e-6)
  }
}
