import AudioIO
import CPipeWire
import CPipeWireSystem

/// A node or client of somebody else's that is bound for what the registry does not tell.
///
/// Thread: loop.
final class BoundObject {
  enum Kind { case player, sink, client }

  private(set) var facts = ObjectFacts()
  let serial: UInt64
  private var proxy: OpaquePointer?
  private let hook = Hook()
  private let changed: () -> Void

  init?(_ kind: Kind, id: UInt32, serial: UInt64, registry: OpaquePointer, changed: @escaping () -> Void) {
    self.serial = serial
    self.changed = changed
    let bound = kind == .client ? cpw_registry_bind_client(registry, id) : cpw_registry_bind_node(registry, id)
    guard let proxy = bound else { return nil }
    self.proxy = proxy
    let data = Unmanaged.passUnretained(self).toOpaque()
    switch kind {
    case .player, .sink:
      cpw_node_listen(proxy, hook.pointer, ObjectEventTables.shared.node, data)
      cpw_node_subscribe(proxy, kind == .player ? SPA_PARAM_Props.rawValue : SPA_PARAM_Format.rawValue)
    case .client: cpw_client_listen(proxy, hook.pointer, ObjectEventTables.shared.client, data)
    }
  }

  /// False where it fails at once.
  func setVolumes(_ volumes: [Float]) -> Bool {
    guard let proxy else { return false }
    return cpw_node_set_volumes(proxy, volumes, UInt32(volumes.count)) >= 0
  }

  fileprivate func learn(_ info: pw_node_info) {
    facts.isKnown = true
    if info.change_mask & UInt64(PW_NODE_CHANGE_MASK_PROPS) != 0 {
      facts.labels = ObjectFacts.labels { GlobalProperties(dict: info.props)[$0] }
    }
    facts.state =
      switch info.state {
      case PW_NODE_STATE_RUNNING: .running
      case PW_NODE_STATE_ERROR: .failed
      default: .idle
      }
    changed()
  }

  fileprivate func learn(_ info: pw_client_info) {
    facts.isKnown = true
    facts.labels = ObjectFacts.labels { GlobalProperties(dict: info.props)[$0] }
    changed()
  }

  fileprivate func learn(parameter id: UInt32, _ value: UnsafePointer<spa_pod>) {
    if id == SPA_PARAM_Props.rawValue {
      var volumes = [Float](repeating: 0, count: Int(SPA_AUDIO_MAX_CHANNELS))
      let count = cpw_read_volumes(value, &volumes, UInt32(volumes.count))
      if count >= 0 { facts.volumes = Array(volumes.prefix(Int(count))) }
      let mute = cpw_read_mute(value)
      if mute >= 0 { facts.isMuted = mute > 0 }
    } else {
      let rate = cpw_read_rate(value)
      if rate > 0 { facts.rate = Int(rate) }
    }
    changed()
  }

  func destroy() {
    guard let proxy else { return }
    self.proxy = nil
    hook.remove()
    pw_proxy_destroy(proxy)
  }

  deinit { destroy() }
}

/// What is known of a bound object.
struct ObjectFacts: Equatable {
  /// The server has answered.
  var isKnown = false
  var labels: [String: String] = [:]
  var state = AppStream.State.idle
  var volumes: [Float] = []
  var isMuted = false
  var rate: Int?

  /// Longer words are cut: whoever plays may say what it likes.
  private static let longest = 512

  static func labels(_ value: (String) -> String?) -> [String: String] {
    var labels: [String: String] = [:]
    for label in AppLabel.allCases {
      guard let text = value(label.rawValue), !text.isEmpty else { continue }
      labels[label.rawValue] = text.utf8.count > longest ? String(text.prefix(longest / 4)) : text
    }
    return labels
  }
}

/// Tables that C keeps pointers to: allocated once, never freed.
private struct ObjectEventTables: @unchecked Sendable {
  let node = UnsafeMutablePointer<pw_node_events>.allocate(capacity: 1)
  let client = UnsafeMutablePointer<pw_client_events>.allocate(capacity: 1)

  static let shared = ObjectEventTables()

  private init() {
    var node = pw_node_events()
    node.version = UInt32(PW_VERSION_NODE_EVENTS)
    node.info = onNodeInfo
    node.param = onNodeParameter
    self.node.initialize(to: node)

    var client = pw_client_events()
    client.version = UInt32(PW_VERSION_CLIENT_EVENTS)
    client.info = onClientInfo
    self.client.initialize(to: client)
  }
}

private func object(_ data: UnsafeMutableRawPointer?) -> BoundObject {
  Unmanaged<BoundObject>.fromOpaque(data!).takeUnretainedValue()
}

private func onNodeInfo(_ data: UnsafeMutableRawPointer?, _ info: UnsafePointer<pw_node_info>?) {
  if let info { object(data).learn(info.pointee) }
}

private func onNodeParameter(
  _ data: UnsafeMutableRawPointer?, _ sequence: Int32, _ id: UInt32, _ index: UInt32, _ next: UInt32,
  _ parameter: UnsafePointer<spa_pod>?
) {
  if let parameter { object(data).learn(parameter: id, parameter) }
}

private func onClientInfo(_ data: UnsafeMutableRawPointer?, _ info: UnsafePointer<pw_client_info>?) {
  if let info { object(data).learn(info.pointee) }
}
