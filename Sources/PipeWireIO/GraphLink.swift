import CPipeWire
import CPipeWireSystem

/// A link of ours. The server removes it when this proxy goes, so it can never outlive the process.
///
/// Thread: loop.
final class GraphLink {
  private var proxy: OpaquePointer?
  private let hook = Hook()
  private let ended: (String?) -> Void

  /// `ended` is called once if the server ends the link, with a reason where it gives one.
  init?(core: OpaquePointer, graph: GraphMirror, pair: MonitorChoice.LinkWork.Pair, ended: @escaping (String?) -> Void)
  {
    guard let output = graph.ports[pair.output], let input = graph.ports[pair.input],
      let proxy = cpw_create_link(core, output.node, output.id, input.node, input.id)
    else { return nil }
    self.proxy = proxy
    self.ended = ended
    pw_proxy_add_listener(proxy, hook.pointer, EventTables.shared.link, Unmanaged.passUnretained(self).toOpaque())
  }

  func removed() { ended(nil) }
  func failed(_ message: String) { ended(message) }

  func destroy() {
    guard let proxy else { return }
    self.proxy = nil
    hook.remove()
    pw_proxy_destroy(proxy)
  }

  deinit { destroy() }
}
