import AudioCore
import AudioIO
import CPipeWireSystem
import Synchronization

@testable import PipeWireIO

/// Noise that tells whose it is: any sample can be computed again from the player's seed and its place.
final class Noise: RenderClient, @unchecked Sendable {
  struct Start {
    var time: Int64
    var place: Int64
    var frames: Int
  }

  let seed: UInt64
  private var place: Int64 = 0
  private static let capacity = 1 << 16
  private let starts = UnsafeMutablePointer<Start>.allocate(capacity: capacity)
  private let count = Atomic<Int>(0)

  init(seed: UInt64) { self.seed = seed }
  deinit { starts.deallocate() }

  /// A step of 2⁻¹⁵, so that sums of many players are exact in any order.
  static func sample(_ seed: UInt64, _ channel: Int, _ place: Int64) -> Float {
    var x = seed &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(bitPattern: place) &* 0xbf58_476d_1ce4_e5b9 ^ UInt64(channel) << 56
    x ^= x >> 31
    x = x &* 0x94d0_49bb_1331_11eb
    x ^= x >> 29
    return Float(Int(x & 0xff) - 128) / 32768
  }

  /// Thread: render.
  override func render(_ cycle: Cycle) {
    let index = count.load(ordering: .relaxed)
    starts[index % Self.capacity] = Start(time: cycle.time.nanoseconds, place: place, frames: cycle.frames)
    count.store(index + 1, ordering: .releasing)
    for channel in 0..<cycle.output.channelCount {
      let out = cycle.output.channel(channel)
      for frame in 0..<cycle.frames { out[frame] = Self.sample(seed, channel, place + Int64(frame)) }
    }
    place += Int64(cycle.frames)
  }

  var cycles: Int { count.load(ordering: .acquiring) }

  /// What this player played in the graph cycle of that time.
  func start(at time: Int64) -> Start? {
    let end = cycles
    var index = end - 1
    while index >= max(0, end - Self.capacity) {
      let start = starts[index % Self.capacity]
      // A stream's first cycle may bear the time of its call.
      let period = Int64(start.frames) * 1_000_000_000 / 48_000
      if abs(start.time - time) < period / 2 { return start }
      if start.time < time { return nil }
      index -= 1
    }
    return nil
  }
}

/// A player that can be paused and moved, as an application's stream can.
final class NoisePlayer: GraphFollower {
  let name: String
  let noise: Noise
  private let connection: PipeWireConnection
  private var node: StreamNode?

  init(_ connection: PipeWireConnection, number: Int, channels: Int, to sink: String) {
    self.connection = connection
    name = "player-\(number)"
    noise = Noise(seed: UInt64(number))
    let layout = ChannelLayout(channels: channels)!
    let request = StreamRequest(role: .playback(to: .named(sink)), name: name, description: name, layout: layout)
    node = connection.locked {
      guard let core = connection.core else { return nil }
      let node = StreamNode(
        core: core, request: request, direction: .playback, layout: layout, client: noise, position: 0,
        properties: [
          ("media.category", "Playback"), ("state.restore-target", "false"), ("state.restore-props", "false"),
          ("target.object", sink),
        ], flags: PW_STREAM_FLAG_AUTOCONNECT.rawValue
      ) { _, _ in }
      node?.isOpen = true
      connection.attach(self)
      return node
    }
  }

  func graphChanged() {}
  /// A stream may not outlive its connection.
  func serverLost() { node = nil }

  var id: UInt32? { connection.locked { node?.id } }

  func setActive(_ isActive: Bool) {
    connection.locked { if let stream = node?.stream { pw_stream_set_active(stream, isActive) } }
  }

  func leave() {
    connection.locked {
      connection.detach(self)
      node = nil
    }
  }
}
