import AudioCore
import AudioIO

/// What the registry has told us about the server's graph. A value: every decision about links is made from it, so a
/// test can make one by hand.
struct GraphMirror: Sendable {
  struct Node: Sendable, Equatable {
    var id: UInt32
    var name: String
    var description: String
    var mediaClass: String
    var priority: Int
    /// The connection that made it.
    var client: UInt32 = .max
    /// What the program that made it calls itself.
    var application = ""
    /// Never used again while the server lives.
    var serial: UInt64 = 0
    /// The card or headset that it is a part of.
    var device: UInt32?
    var nick = ""

    /// What an application plays.
    var isPlayer: Bool { mediaClass == "Stream/Output/Audio" }

    /// Only this class has ports that carry what is being played. A source, a stream or a duplex device never passes.
    var isSink: Bool { mediaClass == "Audio/Sink" }

    /// Somebody else's microphone.
    var isForeignSource: Bool { isSource && application != OwnDevice.application }

    var isSource: Bool { ["Audio/Source", "Audio/Source/Virtual", "Audio/Duplex"].contains(mediaClass) }
  }

  struct Port: Sendable, Equatable {
    var id: UInt32
    var node: UInt32
    var isOutput: Bool
    var isMonitor: Bool
    /// Order within the node.
    var index: Int
    /// PipeWire's name of the channel: FL, MONO, AUX3 …
    var channel: String
    /// Plain samples; a port of a compressed stream carries something else.
    var isAudio = true
  }

  struct Link: Sendable, Equatable {
    var id: UInt32
    var output: UInt32
    var input: UInt32
  }

  private(set) var nodes: [UInt32: Node] = [:]
  private(set) var ports: [UInt32: Port] = [:]
  private(set) var links: [UInt32: Link] = [:]
  private(set) var clients: Set<UInt32> = []
  /// What drives each card or headset: `alsa`, `bluez5` …
  private(set) var drivers: [UInt32: String] = [:]
  /// Where nodes are to play by the metadata that the session manager follows.
  private(set) var targets: [UInt32: AppStream.Target] = [:]
  private var sink = DefaultDeviceState()
  private var source = DefaultDeviceState()

  /// What the user has chosen as default, and what the session manager has made of it.
  subscript(device: DefaultDevice) -> DefaultDeviceState {
    get { device == .sink ? sink : source }
    set { if device == .sink { sink = newValue } else { source = newValue } }
  }

  /// Sinks of this process.
  var ownSinks: Set<UInt32> = []
  /// Feeds of this process that bring what applications play.
  var heardFeeds: Set<UInt32> = []

  /// The session manager's choice; nil when nobody has chosen.
  var defaultSink: String? {
    get { sink.effective }
    set { sink.effective = newValue }
  }

  mutating func add(_ node: Node) { nodes[node.id] = node }
  mutating func add(_ port: Port) { ports[port.id] = port }
  mutating func add(_ link: Link) { links[link.id] = link }

  mutating func addClient(_ id: UInt32) { clients.insert(id) }
  mutating func addDevice(_ id: UInt32, driver: String) { drivers[id] = driver }

  /// A headset's, whose microphone must not be opened unasked: it would leave music for telephony.
  func isBluetooth(_ node: Node) -> Bool {
    node.name.hasPrefix("bluez_") || node.device.flatMap { drivers[$0] }?.hasPrefix("bluez") == true
  }

  /// Metadata of a node; a removal of everything names no key.
  mutating func target(of node: UInt32, key: String?, value: String?) {
    var target = targets[node] ?? AppStream.Target()
    if key == nil || key == MetadataName.targetObject { target.object = value }
    if key == nil || key == MetadataName.targetNode { target.node = value }
    // Metadata is anybody's to write, also about nodes that are not there.
    guard target == AppStream.Target() || nodes[node] != nil else { return }
    targets[node] = target == AppStream.Target() ? nil : target
  }

  /// One node with its client and targets, and nothing else.
  func alone(_ node: Node) -> GraphMirror {
    var part = GraphMirror()
    part.nodes = [node.id: node]
    part.clients = clients.contains(node.client) ? [node.client] : []
    part.targets = targets[node.id].map { [node.id: $0] } ?? [:]
    return part
  }

  mutating func forgetTargets() { targets = [:] }

  mutating func remove(_ id: UInt32) {
    clients.remove(id)
    drivers[id] = nil
    targets[id] = nil
    nodes[id] = nil
    ports[id] = nil
    links[id] = nil
  }

  /// While a sink of ours is the default: the real one that plays what applications play into ours.
  var playedSink: String? {
    guard let defaultSink, nodes.values.contains(where: { ownSinks.contains($0.id) && $0.name == defaultSink }) else {
      return nil
    }
    let inputs = heardFeeds.sorted().flatMap { links(from: $0) }.map(\.input)
    let played = inputs.compactMap { ports[$0] }.compactMap { nodes[$0.node] }
    return played.first { $0.isSink && !ownSinks.contains($0.id) }?.name
  }

  /// Sinks that are not of this process.
  var realSinks: [Node] { sinks.filter { !ownSinks.contains($0.id) } }

  var sinks: [Node] { nodes.values.filter(\.isSink).sorted { $0.id < $1.id } }

  func ports(of node: UInt32) -> [Port] {
    ports.values.filter { $0.node == node }.sorted { ($0.index, $0.id) < ($1.index, $1.id) }
  }

  func links(into node: UInt32) -> [Link] { links.values.filter { ports[$0.input]?.node == node } }
  func links(from node: UInt32) -> [Link] { links.values.filter { ports[$0.output]?.node == node } }

  /// Nodes that are linked to a node's ports, whatever the direction and however many the links.
  func neighbours(of node: UInt32) -> Set<UInt32> {
    var found: Set<UInt32> = []
    for link in links.values {
      guard let output = ports[link.output]?.node, let input = ports[link.input]?.node else { continue }
      if output == node { found.insert(input) } else if input == node { found.insert(output) }
    }
    return found
  }

  /// True only for a monitor port of a sink: the one kind of port a capture may hear.
  func isSinkMonitor(_ port: UInt32) -> Bool {
    guard let port = ports[port], port.isOutput, port.isMonitor else { return false }
    return nodes[port.node]?.isSink ?? false
  }
}

extension ChannelLabel {
  /// A port's channel as a position. Professional profiles number their channels instead of naming them: the first eight
  /// stand for the usual order.
  init?(portChannel name: String) {
    if let label = ChannelLabel(name: name) {
      self = label
    } else if name.hasPrefix("AUX"), let index = Int(name.dropFirst(3)), (0..<ChannelLayout.limit).contains(index) {
      self = ChannelLayout.surround71[index]
    } else {
      return nil
    }
  }
}
