import AudioCore
import Mixer
import Testing

/// A graph under virtual time, and all it has played.
final class GraphRig {
  let engine: Engine
  let run: OfflineRun
  var played: [[Float]]

  init(
    layout: ChannelLayout = .stereo, block: FrameCount = 512, catalog: NodeCatalog = .linked,
    files: (any SoundFileAccess)? = nil, signal: OfflineRun.Signal? = nil
  ) {
    engine = Engine(EngineSettings(block: block, files: files), catalog: catalog)
    run = OfflineRun(engine, layout: layout, signal: signal)
    played = Array(repeating: [], count: layout.count)
  }

  func play(_ frames: Int, quantum: Int = 256) {
    var left = frames
    while left > 0 {
      let block = run.advance(FrameCount(min(left, quantum)))
      for channel in played.indices {
        played[channel] += UnsafeBufferPointer(start: block.channel(channel), count: block.frames)
      }
      left -= block.frames
    }
  }

  /// Commits what `edit` does to the graph.
  @discardableResult
  func edit(_ edit: (inout Graph) throws -> Void) throws -> CommitReport {
    var graph = engine.graph
    try edit(&graph)
    return try engine.commit(graph)
  }

  var last: [Float] { played.map { $0.last ?? .nan } }
}

extension Graph {
  /// Adds a node in front of nothing, connected to what it feeds.
  @discardableResult
  mutating func add(
    _ kind: String, _ name: String, settings: [String: SettingValue] = [:], parameters: [String: Double] = [:],
    from: [NodeID] = []
  ) throws -> NodeID {
    let id = try add(kind, name: name, settings: settings, parameters: parameters)
    for source in from { try connect(source, id) }
    return id
  }
}

/// Steps between neighbouring frames: the largest.
func largestStep(_ samples: some Sequence<Float>) -> Float {
  var last: Float?
  var largest: Float = 0
  for sample in samples {
    if let last { largest = max(largest, abs(sample - last)) }
    last = sample
  }
  return largest
}
