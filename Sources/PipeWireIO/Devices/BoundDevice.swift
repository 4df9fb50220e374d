import CPipeWire
import CPipeWireSystem

/// A node or a card that is bound for what it says of itself.
///
/// Thread: loop.
final class BoundDevice {
  enum Kind { case node, card }

  private(set) var facts = DeviceProperties()
  let serial: UInt64
  private var proxy: OpaquePointer?
  private let hook = Hook()
  private let changed: () -> Void
  /// Formats come one by one, and anew from the first each time they have changed.
  private static let mostFormats = 64
  private static let highestRate = 768_000

  init?(_ kind: Kind, id: UInt32, serial: UInt64, registry: OpaquePointer, changed: @escaping () -> Void) {
    self.serial = serial
    self.changed = changed
    let bound = kind == .card ? cpw_registry_bind_device(registry, id) : cpw_registry_bind_node(registry, id)
    guard let proxy = bound else { return nil }
    self.proxy = proxy
    let data = Unmanaged.passUnretained(self).toOpaque()
    switch kind {
    case .node:
      cpw_node_listen(proxy, hook.pointer, DeviceEventTables.shared.node, data)
      cpw_node_subscribe(proxy, SPA_PARAM_EnumFormat.rawValue)
    case .card: cpw_device_listen(proxy, hook.pointer, DeviceEventTables.shared.card, data)
    }
  }

  fileprivate func learn(_ properties: UnsafePointer<spa_dict>?, hasProperties: Bool) {
    let before = facts
    if hasProperties { facts.learn { GlobalProperties(dict: properties)[$0] } }
    facts.isKnown = true
    if facts != before { changed() }
  }

  fileprivate func learn(format: UnsafePointer<spa_pod>, index: UInt32) {
    var offer = cpw_offer()
    guard index < Self.mostFormats, cpw_read_offer(format, &offer) else { return }
    let before = facts
    if index == 0 { (facts.formats, facts.rates, facts.rateRange) = ([], [], nil) }
    let formats = withUnsafeBytes(of: &offer.formats) { Array($0.bindMemory(to: UInt32.self)) }
    for format in formats.prefix(Int(offer.format_count)) {
      let name = String(cString: cpw_format_name(format))
      if !name.isEmpty, !facts.formats.contains(name) { facts.formats.append(name) }
    }
    let rates = withUnsafeBytes(of: &offer.rates) { Array($0.bindMemory(to: UInt32.self)) }
    facts.rates = Array(Set(facts.rates + rates.prefix(Int(offer.rate_count)).map(Int.init))).sorted()
    if offer.highest_rate >= offer.lowest_rate, offer.highest_rate > 0 {
      // A device that takes anything has no bounds to tell of.
      let (low, high) = (Int(offer.lowest_rate), min(Int(offer.highest_rate), Self.highestRate))
      guard low <= high else { return }
      facts.rateRange = facts.rateRange.map { min($0.lowerBound, low)...max($0.upperBound, high) } ?? low...high
    }
    if facts != before { changed() }
  }

  func destroy() {
    guard let proxy else { return }
    self.proxy = nil
    hook.remove()
    pw_proxy_destroy(proxy)
  }

  deinit { destroy() }
}

/// Tables that C keeps pointers to: allocated once, never freed.
private struct DeviceEventTables: @unchecked Sendable {
  let node = UnsafeMutablePointer<pw_node_events>.allocate(capacity: 1)
  let card = UnsafeMutablePointer<pw_device_events>.allocate(capacity: 1)

  static let shared = DeviceEventTables()

  private init() {
    var node = pw_node_events()
    node.version = UInt32(PW_VERSION_NODE_EVENTS)
    node.info = onDeviceNodeInfo
    node.param = onDeviceNodeParameter
    self.node.initialize(to: node)

    var card = pw_device_events()
    card.version = UInt32(PW_VERSION_DEVICE_EVENTS)
    card.info = onCardInfo
    self.card.initialize(to: card)
  }
}

private func bound(_ data: UnsafeMutableRawPointer?) -> BoundDevice {
  Unmanaged<BoundDevice>.fromOpaque(data!).takeUnretainedValue()
}

private func onDeviceNodeInfo(_ data: UnsafeMutableRawPointer?, _ info: UnsafePointer<pw_node_info>?) {
  guard let info = info?.pointee else { return }
  bound(data).learn(info.props, hasProperties: info.change_mask & UInt64(PW_NODE_CHANGE_MASK_PROPS) != 0)
}

private func onDeviceNodeParameter(
  _ data: UnsafeMutableRawPointer?, _ sequence: Int32, _ id: UInt32, _ index: UInt32, _ next: UInt32,
  _ parameter: UnsafePointer<spa_pod>?
) {
  if id == SPA_PARAM_EnumFormat.rawValue, let parameter { bound(data).learn(format: parameter, index: index) }
}

private func onCardInfo(_ data: UnsafeMutableRawPointer?, _ info: UnsafePointer<pw_device_info>?) {
  guard let info = info?.pointee else { return }
  bound(data).learn(info.props, hasProperties: info.change_mask & UInt64(PW_DEVICE_CHANGE_MASK_PROPS) != 0)
}
