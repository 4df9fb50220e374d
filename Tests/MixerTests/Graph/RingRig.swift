import AppRings
import AudioCore
import CAppRing
import Glibc
import Mixer
import Testing

/// A ring with the application's end of it, through the public header.
final class TestRing {
  let ring: SharedRing
  let descriptors: SharedRing.Descriptors
  var end = streamd_ring_end()

  init(
    _ direction: RingDirection, channels: Int = 2, capacity: Int = 1024, low: Int? = nil, high: Int? = nil,
    rate: Int = 48_000, bells: RingBells = RingBells()
  ) throws {
    let format = try RingFormat(
      direction, channels: channels, rate: SampleRate(hertz: rate), capacity: FrameCount(capacity),
      low: low.map { FrameCount($0) }, high: high.map { FrameCount($0) })
    (ring, descriptors) = try SharedRing.open(format, bells: bells)
    try #require(streamd_ring_map(&end, descriptors.memory ?? -1, descriptors.space, descriptors.data) == 0)
  }

  deinit {
    streamd_ring_unmap(&end)
    for descriptor in descriptors.all { close(descriptor) }
  }

  /// Writes frames; how many fit.
  @discardableResult
  func put(_ frames: Int, _ sample: (_ channel: Int, _ frame: Int) -> Float) -> Int {
    let channels = ring.format.channels
    let interleaved = (0..<frames).flatMap { frame in (0..<channels).map { sample($0, frame) } }
    return Int(streamd_ring_write(&end, interleaved, UInt32(frames)))
  }

  /// Reads up to so many frames, each channel apart.
  func get(_ frames: Int) -> [[Float]] {
    let channels = ring.format.channels
    var interleaved = [Float](repeating: 0, count: frames * channels)
    let count = Int(streamd_ring_read(&end, &interleaved, UInt32(frames)))
    return (0..<channels).map { channel in (0..<count).map { interleaved[$0 * channels + channel] } }
  }

  var notice: cappring_notice { cappring_look(&end) }
}

/// An engine that finds rings.
final class RingGraph {
  let directory = RingDirectory()
  let engine: Engine
  let run: OfflineRun
  var played: [[Float]] = [[], []]

  init(rate: Int = 48_000, block: FrameCount = 512, signal: OfflineRun.Signal? = nil) {
    engine = Engine(EngineSettings(rate: SampleRate(hertz: rate), block: block, rings: directory))
    run = OfflineRun(engine, signal: signal)
  }

  /// An `app_source` that the driver hears.
  func play(_ ring: TestRing, settings: [String: SettingValue] = [:]) throws -> NodeID {
    directory.add(ring.ring, identifier: "r1", name: "game")
    var graph = engine.graph
    let source = try graph.add("app_source", "game", settings: ["ring": .text("game")].merging(settings) { $1 })
    var heard = source
    if let channels = settings["channels"], channels != .text("stereo") {
      heard = try graph.add("channel_map", "map", settings: ["from": channels, "to": .text("stereo")], from: [source])
    }
    try graph.add("output", "out", from: [heard])
    try engine.commit(graph)
    return source
  }

  /// An `app_sink` of what the driver brings.
  func record(_ ring: TestRing, settings: [String: SettingValue] = [:]) throws -> NodeID {
    directory.add(ring.ring, identifier: "r1", name: "recorder")
    var graph = engine.graph
    let input = try graph.add("input", "in", settings: ["channels": settings["channels"] ?? .text("stereo")])
    let sink = try graph.add(
      "app_sink", "recorder", settings: ["ring": .text("r1")].merging(settings) { $1 }, from: [input])
    try engine.commit(graph)
    return sink
  }

  /// One cycle; both channels of it.
  @discardableResult
  func advance(_ frames: Int) -> [[Float]] {
    let block = run.advance(FrameCount(frames))
    let heard = (0..<2).map { Array(UnsafeBufferPointer(start: block.channel($0), count: frames)) }
    for channel in 0..<2 { played[channel] += heard[channel] }
    return heard
  }

  /// What was added has faded in, what was removed is gone.
  func settle() {
    for _ in 0..<4 { advance(512) }
    #expect(engine.isSettled)
  }

  func reading(_ node: NodeID, _ name: String) -> Double? {
    engine.readings(of: node).first { $0.name == name }?.value
  }

  /// Why an edit is refused.
  func refusal(_ kind: String, _ settings: [String: SettingValue]) -> String? {
    let id = NodeID(1 + (engine.graph.nodes.keys.map(\.value).max() ?? 0))
    do throws(GraphError) {
      try engine.commit([.add(GraphNode(id: id, name: "more \(id.value)", kind: kind, settings: settings))])
      return nil
    } catch {
      return error.code
    }
  }
}

/// Descriptors of rings and their counters that this process has open, and rings that are mapped.
struct RingRemains: Equatable {
  let descriptors: Int
  let mappings: Int

  init() {
    descriptors = (0..<1024).count { fcntl($0, F_GETFD) >= 0 }
    var count = 0
    if let file = fopen("/proc/self/maps", "re") {
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 4096)
      while fgets(&line, 4096, file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        if text.contains("memfd:streamd-ring") { count += 1 }
      }
    }
    mappings = count
  }
}
