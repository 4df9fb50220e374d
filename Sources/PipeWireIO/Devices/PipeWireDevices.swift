import AudioCore
import AudioIO

/// A PipeWire server's devices as they come and go: nodes of sinks and sources, bound with the cards they are a part of for
/// what tells one device from another.
final class PipeWireDevices: DeviceWatch, GraphFollower, @unchecked Sendable {
  let system = "pipewire"
  private let connection: PipeWireConnection

  // Loop thread.
  private var observer: (@Sendable (DeviceSnapshot) -> Void)?
  private var told: DeviceSnapshot?
  private var nodes: [UInt32: BoundDevice] = [:]
  private var cards: [UInt32: BoundDevice] = [:]
  private var bornAt: [UInt32: HostTime] = [:]

  /// A new node's ports come after it: so long they are waited for, so that it is told once and whole.
  private static let childhood = HostDuration.milliseconds(250)
  static let limit = DeviceRegistry.limit

  init(connection: PipeWireConnection) { self.connection = connection }

  func observe(_ seen: (@Sendable (DeviceSnapshot) -> Void)?) {
    connection.locked {
      connection.detach(self)
      observer = seen
      told = nil
      guard seen != nil else { return unbind() }
      connection.attach(self)
      graphChanged()
    }
  }

  // MARK: Thread: loop

  func graphChanged() {
    bind()
    tell()
  }

  /// What became of it is told with the next change of the graph.
  func serverLost() { unbind() }

  func sessionManagerCame() {}

  private func bind() {
    guard connection.isReady, let registry = connection.registry else { return }
    let graph = connection.graph
    nodes = nodes.filter { graph.nodes[$0.key]?.serial == $0.value.serial }
    cards = cards.filter { graph.drivers[$0.key] != nil }
    bornAt = bornAt.filter { nodes[$0.key] != nil }
    let changed: () -> Void = { [unowned connection] in connection.later() }
    for node in graph.nodes.values where !DeviceListing.directions(of: node.mediaClass).isEmpty {
      if nodes[node.id] == nil, nodes.count < Self.limit {
        nodes[node.id] = BoundDevice(.node, id: node.id, serial: node.serial, registry: registry, changed: changed)
        bornAt[node.id] = renderNow()
      }
      guard let card = node.device, graph.drivers[card] != nil, cards[card] == nil, cards.count < Self.limit else {
        continue
      }
      cards[card] = BoundDevice(.card, id: card, serial: 0, registry: registry, changed: changed)
    }
  }

  private func unbind() {
    nodes = [:]
    cards = [:]
    bornAt = [:]
  }

  private func tell() {
    guard let observer else { return }
    guard connection.isReady else {
      // Nothing is known yet of a server that may answer in a moment.
      guard connection.failure.code != .starting else { return }
      return tell(DeviceSnapshot(trouble: connection.failure), observer)
    }
    let listing = DeviceListing(
      graph: connection.graph, nodes: nodes.mapValues(\.facts), cards: cards.mapValues(\.facts))
    var snapshot = listing.snapshot
    var wait: HostDuration?
    var isWhole = true
    let now = renderNow()
    for (id, born) in bornAt {
      guard let node = connection.graph.nodes[id] else { continue }
      if listing.isComplete(node), listing.hasPorts(node) || now - born >= Self.childhood {
        bornAt[id] = nil
        continue
      }
      isWhole = false
      if !listing.hasPorts(node), now - born < Self.childhood {
        wait = min(wait ?? Self.childhood, Self.childhood - (now - born))
        snapshot.sightings.removeAll { $0.handle == "\(node.id)/\(node.serial)" }
      }
    }
    if let wait { connection.later(after: wait) }
    // The first listing is told when it is complete: nobody is to take a device for missing that was there all the time.
    guard isWhole || told != nil && told?.trouble == nil else { return }
    tell(snapshot, observer)
  }

  private func tell(_ snapshot: DeviceSnapshot, _ observer: (DeviceSnapshot) -> Void) {
    guard snapshot != told else { return }
    told = snapshot
    observer(snapshot)
  }
}
