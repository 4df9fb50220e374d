import CPipeWire
import CPipeWireSystem

/// A link of ours. The server removes it when this proxy goes, so it can never outlive the process.
///
/// Thread: loop.
final class GraphLink {
  private var proxy: OpaquePointer?
  private let hook = Hook()
  private let infoHook = Hook()
  private var hasEnded = false
  /// Sound flows.
  private(set) var isActive = false
  private let ended: (String?) -> Void

  /// `ended` is called once if the server ends the link, with a reason where it gives one.
  init?(
    core: OpaquePointer, graph: GraphMirror, pair: MonitorChoice.LinkWork.Pair, isPassive: Bool = false,
    ended: @escaping (String?) -> Void
  ) {
    guard let output = graph.ports[pair.output], let input = graph.ports[pair.input],
      let proxy = cpw_create_link(core, output.node, output.id, input.node, input.id, isPassive)
    else { return nil }
    self.proxy = proxy
    self.ended = ended
    let data = Unmanaged.passUnretained(self).toOpaque()
    pw_proxy_add_listener(proxy, hook.pointer, EventTables.shared.link, data)
    cpw_link_listen(proxy, infoHook.pointer, EventTables.shared.linkInfo, data)
  }

  func changed(to state: pw_link_state) { isActive = state == PW_LINK_STATE_ACTIVE }
  func removed() { end(nil) }
  func failed(_ message: String) { end(message) }

  private func end(_ message: String?) {
    guard !hasEnded else { return }
    hasEnded = true
    ended(message)
  }

  func destroy() {
    guard let proxy else { return }
    self.proxy = nil
    hasEnded = true
    infoHook.remove()
    hook.remove()
    pw_proxy_destroy(proxy)
  }

  deinit { destroy() }
}
