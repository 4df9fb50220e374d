import AudioCore
import AudioIO

/// What a bound node or card has told of itself.
struct DeviceProperties: Equatable {
  /// The server has answered.
  var isKnown = false
  var words: [String: String] = [:]
  var formats: [String] = []
  var rates: [Int] = []
  var rateRange: ClosedRange<Int>?

  /// What is looked at.
  static let keys = [
    "api.alsa.card.name", "api.alsa.pcm.device", "api.bluez5.address", "audio.position", "device.api", "device.bus",
    "device.bus-id", "device.bus-path", "device.product.name", "device.profile.name", "device.serial",
    "device.vendor.name", "node.nick",
  ]
  /// Longer words are cut: whoever makes a node may say what it likes.
  private static let longest = 256

  mutating func learn(_ value: (String) -> String?) {
    isKnown = true
    words = [:]
    for key in Self.keys {
      if let text = value(key), !text.isEmpty { words[key] = String(text.prefix(Self.longest)) }
    }
  }
}

/// The server's devices, put together from registry, metadata and what bound objects have told. Pure.
struct DeviceListing {
  let graph: GraphMirror
  let nodes: [UInt32: DeviceProperties]
  let cards: [UInt32: DeviceProperties]
  /// Each node's ports, in their order.
  private let ports: [UInt32: [GraphMirror.Port]]

  init(graph: GraphMirror, nodes: [UInt32: DeviceProperties], cards: [UInt32: DeviceProperties]) {
    self.graph = graph
    self.nodes = nodes
    self.cards = cards
    ports = Dictionary(grouping: graph.ports.values.filter { !$0.isMonitor }, by: \.node).mapValues { ports in
      ports.sorted { ($0.index, $0.id) < ($1.index, $1.id) }
    }
  }

  /// Which ways sound goes in nodes of a class; none for what is no device.
  static func directions(of mediaClass: String) -> [DeviceDirection] {
    switch mediaClass {
    case "Audio/Sink": [.output]
    case "Audio/Source", "Audio/Source/Virtual": [.input]
    case "Audio/Duplex": [.input, .output]
    default: []
    }
  }

  var snapshot: DeviceSnapshot {
    var defaults: [DeviceDirection: String] = [:]
    for direction in DeviceDirection.allCases { defaults[direction] = graph[direction.defaultDevice].effective }
    let sightings = graph.nodes.values.sorted { ($0.serial, $0.id) < ($1.serial, $1.id) }.flatMap { node in
      Self.directions(of: node.mediaClass).compactMap { sighting(node, $0) }
    }
    return DeviceSnapshot(sightings: sightings, defaults: defaults)
  }

  /// All that tells one device from another is known.
  func isComplete(_ node: GraphMirror.Node) -> Bool {
    guard nodes[node.id]?.isKnown == true else { return false }
    guard let card = node.device, graph.drivers[card] != nil else { return true }
    return cards[card]?.isKnown == true
  }

  func hasPorts(_ node: GraphMirror.Node) -> Bool { ports[node.id] != nil }

  private func sighting(_ node: GraphMirror.Node, _ direction: DeviceDirection) -> DeviceSighting? {
    guard isComplete(node), !node.name.isEmpty, let own = nodes[node.id] else { return nil }
    let channels = (ports[node.id] ?? []).filter { $0.isOutput == (direction == .input) }.map(\.channel)
    return DeviceSighting(
      handle: "\(node.id)/\(node.serial)", direction: direction, name: node.name, description: node.description,
      nick: own.words["node.nick"] ?? node.nick, channels: channels.isEmpty ? Self.positions(own) : channels,
      rates: DeviceRates(own.rates, range: own.rateRange), formats: own.formats, hardware: hardware(node, own),
      isOurs: graph.ownSinks.contains(node.id) || node.application == OwnDevice.application)
  }

  private func hardware(_ node: GraphMirror.Node, _ own: DeviceProperties) -> DeviceHardware {
    let card = node.device.flatMap { cards[$0]?.words } ?? [:]
    let word = { (key: String) in card[key] ?? own.words[key] ?? "" }
    let isBluetooth = graph.isBluetooth(node) || word("device.api").hasPrefix("bluez")
    let address = word("api.bluez5.address")
    return DeviceHardware(
      serial: isBluetooth && !address.isEmpty ? address : word("device.serial"), busID: word("device.bus-id"),
      busPath: word("device.bus-path"), bus: isBluetooth ? "bluetooth" : word("device.bus"),
      vendor: word("device.vendor.name"), product: word("device.product.name"), card: word("api.alsa.card.name"),
      // A headset's profiles are one device to people.
      part: isBluetooth ? "" : own.words["device.profile.name"] ?? own.words["api.alsa.pcm.device"] ?? "")
  }

  /// `FL,FR` or `[ FL FR ]`.
  private static func positions(_ own: DeviceProperties) -> [String] {
    (own.words["audio.position"] ?? "").split { ", []\"".contains($0) }.prefix(64).map(String.init)
  }
}
