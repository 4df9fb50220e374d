public import AudioCore
public import AudioIO
public import Mixer
import Synchronization

/// Where applications are routed to: a sink of our own, a chain of nodes in that sink's cycle, and a stream that brings
/// what comes out of it to a real sink.
///
/// The chain ends in a `stream_sink`, so sessions may hear the bus as well. Between our sink and the real one lies a graph
/// cycle: one driver runs both, and what is written in one cycle is played in the next.
///
/// Thread: control, but for what the backend's thread tells.
public final class RouteBus {
  public struct Facts: Sendable, Equatable {
    public var sink: StreamState
    public var layout: ChannelLayout
    /// Streams that play into it.
    public var players: Int
    public var isDriven: Bool
    public var copy: SinkCopy.Facts
    public var graph: GraphFacts
    public var latency: FrameCount
  }

  private final class Inbox: Sendable {
    let state = Mutex(StreamState.stopped)
  }

  public let name: String
  /// The node name of our sink: what applications are routed to.
  public let sinkName: String
  public let layout: ChannelLayout
  private let engine: Engine
  private let downlink: Downlink
  private let copy: SinkCopy
  private let sink: any AudioStream
  private let inbox = Inbox()
  private var worker: FileThread?
  private var latency = FrameCount(0)

  /// So much is written into what render works on at a time.
  private static let block = FrameCount(1024)

  /// `attention` is called on any thread when the state of our sink is another.
  public init(
    _ name: String, sinkName: String, description: String, layout: ChannelLayout, ends: GraphEnds,
    files: (any SoundFileAccess)?, on backend: any AudioBackend, playingTo real: String?,
    attention: @escaping @Sendable () -> Void
  ) throws(BackendError) {
    self.name = name
    self.sinkName = sinkName
    self.layout = layout
    let bus: StreamBus
    do throws(NodeRefusal) { bus = try ends.bus(name) } catch {
      throw BackendError(.unsupportedFormat, "bus \"\(name)\": \(error.message)")
    }
    engine = Engine(EngineSettings(rate: .codec, block: Self.block, files: files, host: ends, isLive: true))
    engine.renderer.setOpen(true)
    downlink = Downlink(bus: bus) {}
    copy = try SinkCopy(
      of: downlink, on: backend,
      as: SinkCopy.Face(name: "\(sinkName).out", description: description, group: sinkName, isHeard: true),
      preferring: real)
    sink = try backend.open(
      StreamRequest(role: .virtualSink, name: sinkName, description: description, layout: layout, group: sinkName),
      client: engine.renderer
    ) { [inbox] event in
      guard case .state(let state) = event else { return }
      inbox.state.withLock { $0 = state }
      attention()
    }
    try sink.start()
  }

  /// Another chain in the place of the one there is: what is alike goes on, values move smoothly, structure is faded over.
  /// The graph must have an `input` and a `stream_sink` for this bus. What cannot be is refused, and what plays goes on.
  public func commit(_ graph: Graph) throws(GraphError) {
    latency = try engine.commit(graph.keepingNumbers(of: engine.graph)).latency
    attendFiles()
  }

  /// A thread for files lives while there are files.
  private func attendFiles() {
    if let worker, engine.crew.isEmpty {
      worker.end()
      self.worker = nil
    }
    if worker == nil, !engine.crew.isEmpty { worker = try? FileThread(engine.crew) }
  }

  /// Plays into this real sink from now on, where it exists.
  public func play(to real: String) throws(BackendError) { try copy.prefer(real) }

  public var nodes: [GraphNode] { engine.graph.sortedNodes }
  public func processor(of node: NodeID) -> Processor? { engine.processor(of: node) }

  public func readings() -> [(node: GraphNode, values: [(name: String, value: Double)])] {
    engine.graph.sortedNodes.map { ($0, engine.readings(of: $0.id)) }
  }

  /// Goes on with fades, files and what render gave back. Every few milliseconds until settled, and twice a second.
  public func service(at now: HostTime) {
    engine.service()
    attendFiles()
    _ = downlink.attend(at: now)
    _ = downlink.drain()
    _ = engine.renderer.takeRecords()
    copy.reclaim()
  }

  public var isSettled: Bool { engine.isSettled }

  public func takeTroubles() -> [String] {
    engine.takeTroubles().map { "\(engine.graph.name(of: $0.node)): \($0.message)" }
  }

  public var facts: Facts {
    let report = sink.report
    return Facts(
      sink: inbox.state.withLock { $0 }, layout: layout, players: report.users, isDriven: report.isDriven,
      copy: copy.facts, graph: engine.renderer.facts, latency: latency)
  }

  /// What plays into it should have been routed elsewhere before.
  public func stop() {
    sink.stop()
    copy.stop()
    downlink.stop()
    worker?.end()
    worker = nil
  }
}
