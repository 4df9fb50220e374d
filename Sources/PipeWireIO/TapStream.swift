import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem

/// One application's stream, measured beside whoever plays it through passive links of our own.
final class TapStream: GraphStream, AppStreamTap, @unchecked Sendable {
  let stream: AppStream.ID
  private let meter: TapMeter
  private let book: AppStreams

  // Loop thread.
  private var links: [TapChoice.Pair: GraphLink] = [:]
  /// Links the server has ended, to be forgotten outside their own callback.
  private var ended: [TapChoice.Pair] = []
  private var move: TapChoice.Move?
  private var isCounted = true

  init(connection: PipeWireConnection, book: AppStreams, stream: AppStream.ID) {
    self.stream = stream
    self.book = book
    meter = TapMeter()
    super.init(
      connection: connection,
      request: StreamRequest(
        role: .streams(of: .defaultSink), name: "streamd-tap-\(stream.node)", description: "streamd's meter"),
      client: meter, events: { _ in })
  }

  func drain() -> [AppLevel] { meter.drain() }
  var dropped: UInt64 { meter.dropped }

  // MARK: Thread: loop

  override func look(_ core: OpaquePointer) {
    let graph = connection.graph
    guard graph.nodes[stream.node]?.serial == stream.serial else {
      letGo()
      return announce(.waiting(BackendError(.streamGone, "stream \(stream) has ended")))
    }
    let now = renderNow()
    if let move, let wait = move.wait(for: stream.node, in: graph, at: now) { return connection.later(after: wait) }
    move = nil
    let source = TapChoice.source(stream.node, in: graph)
    guard let layout = source.layout else {
      return announce(.waiting(BackendError(.noPorts, "stream \(stream) has no ports yet")))
    }
    if node?.layout != layout {
      letGo()
      makeNode(layout, core: core)
    }
    guard let node else { return nodeIsMissing() }
    guard let id = node.id, graph.nodes[id] != nil else { return announce(.waiting(.joining)) }
    let work = TapChoice.work(in: graph, source: source, node: id, made: Set(links.keys))
    for foreign in work.forbidden {
      node.isOpen = false
      connection.destroyGlobal(foreign)
    }
    for pair in work.stale { links.removeValue(forKey: pair)?.destroy() }
    for pair in work.missing {
      links[pair] = GraphLink(core: core, graph: graph, pair: pair, isPassive: true) { [unowned self] _ in
        ended.append(pair)
        connection.later(after: .milliseconds(50))
      }
    }
    guard work.isComplete else { return announce(.waiting(.unprepared)) }
    if !node.isOpen { node.isOpen = true }
    announce(.running(device: graph.nodes[stream.node]?.name ?? ""))
  }

  private func makeNode(_ layout: ChannelLayout, core: OpaquePointer) {
    announce(StreamFormat(rate: request.rate, layout: layout))
    let properties = [
      ("media.category", "Capture"), ("node.autoconnect", "false"), ("state.restore-target", "false"),
      ("state.restore-props", "false"), ("node.dont-reconnect", "true"), ("stream.dont-remix", "true"),
      ("node.passive", "true"), ("stream.monitor", "true"),
    ]
    makeNode(
      core: core, direction: .capture, layout: layout, properties: properties,
      flags: PW_STREAM_FLAG_DONT_RECONNECT.rawValue)
  }

  override func forgetEndedLinks() {
    for pair in ended { links.removeValue(forKey: pair)?.destroy() }
    ended = []
  }

  /// It may get other ports: then it must have no link of ours.
  override func playersWillMove(_ move: PlayerMove) {
    guard TapChoice.concerns(move, stream.node, in: connection.graph) else { return }
    self.move = TapChoice.Move(of: stream.node, in: connection.graph, at: renderNow())
    unlink()
    connection.later()
  }

  private func unlink() {
    node?.isOpen = false
    for link in links.values { link.destroy() }
    links = [:]
    ended = []
  }

  override func letGo() {
    unlink()
    super.letGo()
  }

  override func didStop() {
    guard isCounted else { return }
    isCounted = false
    book.tapEnded()
  }
}
