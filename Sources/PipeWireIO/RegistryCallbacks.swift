// Entry points of PipeWire's loop thread. File-scope functions for the same reason as in ProcessCallbacks.swift.
import CPipeWire
import CPipeWireSystem

/// Tables that C keeps pointers to: allocated once, never freed.
struct EventTables: @unchecked Sendable {
  let core = UnsafeMutablePointer<pw_core_events>.allocate(capacity: 1)
  let registry = UnsafeMutablePointer<pw_registry_events>.allocate(capacity: 1)
  let metadata = UnsafeMutablePointer<pw_metadata_events>.allocate(capacity: 1)
  let link = UnsafeMutablePointer<pw_proxy_events>.allocate(capacity: 1)
  let linkInfo = UnsafeMutablePointer<pw_link_events>.allocate(capacity: 1)
  let capture = UnsafeMutablePointer<pw_stream_events>.allocate(capacity: 1)
  let playback = UnsafeMutablePointer<pw_stream_events>.allocate(capacity: 1)
  let sink = UnsafeMutablePointer<pw_stream_events>.allocate(capacity: 1)

  static let shared = EventTables()

  private init() {
    var core = pw_core_events()
    core.version = UInt32(PW_VERSION_CORE_EVENTS)
    core.error = onCoreError
    core.done = onCoreDone
    core.info = onCoreInfo
    self.core.initialize(to: core)

    var registry = pw_registry_events()
    registry.version = UInt32(PW_VERSION_REGISTRY_EVENTS)
    registry.global = onGlobal
    registry.global_remove = onGlobalRemove
    self.registry.initialize(to: registry)

    var metadata = pw_metadata_events()
    metadata.version = UInt32(PW_VERSION_METADATA_EVENTS)
    metadata.property = onMetadataProperty
    self.metadata.initialize(to: metadata)

    var link = pw_proxy_events()
    link.version = UInt32(PW_VERSION_PROXY_EVENTS)
    link.removed = onLinkRemoved
    link.error = onLinkError
    self.link.initialize(to: link)

    var linkInfo = pw_link_events()
    linkInfo.version = UInt32(PW_VERSION_LINK_EVENTS)
    linkInfo.info = onLinkInfo
    self.linkInfo.initialize(to: linkInfo)

    var capture = pw_stream_events()
    capture.version = UInt32(PW_VERSION_STREAM_EVENTS)
    capture.state_changed = onStreamState
    capture.process = processCapture
    self.capture.initialize(to: capture)

    var playback = pw_stream_events()
    playback.version = UInt32(PW_VERSION_STREAM_EVENTS)
    playback.state_changed = onStreamState
    playback.process = processPlayback
    self.playback.initialize(to: playback)

    var sink = capture
    sink.param_changed = onSinkParameter
    self.sink.initialize(to: sink)
  }
}

private func connection(_ data: UnsafeMutableRawPointer?) -> PipeWireConnection {
  Unmanaged<PipeWireConnection>.fromOpaque(data!).takeUnretainedValue()
}

private func onCoreError(
  _ data: UnsafeMutableRawPointer?, _ id: UInt32, _ sequence: Int32, _ result: Int32, _ message: UnsafePointer<CChar>?
) {
  connection(data).coreFailed(id: id, result: result, message: message.map { String(cString: $0) } ?? "")
}

private func onCoreDone(_ data: UnsafeMutableRawPointer?, _ id: UInt32, _ sequence: Int32) {
  connection(data).coreDone(sequence: sequence)
}

private func onCoreInfo(_ data: UnsafeMutableRawPointer?, _ info: UnsafePointer<pw_core_info>?) {
  if let info { connection(data).coreInfo(cookie: cpw_core_cookie(info)) }
}

private func onGlobal(
  _ data: UnsafeMutableRawPointer?, _ id: UInt32, _ permissions: UInt32, _ type: UnsafePointer<CChar>?,
  _ version: UInt32, _ properties: UnsafePointer<spa_dict>?
) {
  guard let type else { return }
  connection(data).globalAdded(id: id, type: String(cString: type), properties: GlobalProperties(dict: properties))
}

private func onGlobalRemove(_ data: UnsafeMutableRawPointer?, _ id: UInt32) { connection(data).globalRemoved(id: id) }

private func onMetadataProperty(
  _ data: UnsafeMutableRawPointer?, _ subject: UInt32, _ key: UnsafePointer<CChar>?, _ type: UnsafePointer<CChar>?,
  _ value: UnsafePointer<CChar>?
) -> Int32 {
  connection(data).metadataChanged(
    subject: subject, key: key.map { String(cString: $0) }, value: value.map { String(cString: $0) })
  return 0
}

private func onLinkRemoved(_ data: UnsafeMutableRawPointer?) {
  Unmanaged<GraphLink>.fromOpaque(data!).takeUnretainedValue().removed()
}

private func onLinkError(
  _ data: UnsafeMutableRawPointer?, _ sequence: Int32, _ result: Int32, _ message: UnsafePointer<CChar>?
) {
  Unmanaged<GraphLink>.fromOpaque(data!).takeUnretainedValue().failed(message.map { String(cString: $0) } ?? "")
}

/// A link that the two ends cannot agree on stays in the graph and carries nothing.
private func onLinkInfo(_ data: UnsafeMutableRawPointer?, _ info: UnsafePointer<pw_link_info>?) {
  guard let info else { return }
  let link = Unmanaged<GraphLink>.fromOpaque(data!).takeUnretainedValue()
  guard info.pointee.state == PW_LINK_STATE_ERROR else { return link.changed(to: info.pointee.state) }
  link.failed(info.pointee.error.map { String(cString: $0) } ?? "the ports do not agree")
}

private func onStreamState(
  _ data: UnsafeMutableRawPointer?, _ old: pw_stream_state, _ new: pw_stream_state, _ error: UnsafePointer<CChar>?
) {
  let state = data.unsafelyUnwrapped.assumingMemoryBound(to: StreamRender.self)
  guard let owner = state.pointee.owner?.takeUnretainedValue() else { return }
  owner.stateChanged(new, error: error.map { String(cString: $0) })
}

private func onSinkParameter(_ data: UnsafeMutableRawPointer?, _ id: UInt32, _ parameter: UnsafePointer<spa_pod>?) {
  guard id == SPA_PARAM_Props.rawValue, parameter != nil else { return }
  let state = data.unsafelyUnwrapped.assumingMemoryBound(to: StreamRender.self)
  state.pointee.owner?.takeUnretainedValue().propertiesChanged()
}

/// String lookups in a C dictionary that is valid during one callback.
struct GlobalProperties {
  let dict: UnsafePointer<spa_dict>?

  subscript(key: String) -> String? {
    guard let dict, let value = spa_dict_lookup(dict, key) else { return nil }
    return String(cString: value)
  }
}
