import AudioCore
import AudioIO
import CLinux
import CPipeWire
import CPipeWireSystem
import Synchronization

/// One `pw_stream` in one layout, from creation to destruction. A stream that needs another layout is a new one of these.
///
/// Thread: loop.
final class StreamNode {
  let layout: ChannelLayout
  private let render: UnsafeMutablePointer<StreamRender>
  private let hook = Hook()
  private(set) var stream: OpaquePointer?
  private let changed: (pw_stream_state, String?) -> Void

  /// Channels of the ports that carry the monitor's copy: positions no layout of ours has. Numbered channels would not do,
  /// the server's converter mutes those it cannot place.
  static let copyChannels = ["TC", "TFL", "TFC", "TFR", "TRL", "TRC", "TRR", "RLC"]

  enum Direction { case capture, playback, sink, source }

  init?(
    core: OpaquePointer, request: StreamRequest, direction: Direction, layout: ChannelLayout,
    copy: MonitorCopy.Use = .none, fadesIn: Bool = false, client: RenderClient, position: Int64,
    properties extra: [(String, String)], flags: UInt32,
    changed: @escaping (pw_stream_state, String?) -> Void
  ) {
    self.layout = layout
    self.changed = changed
    render = .allocate(capacity: 1)
    render.initialize(
      to: StreamRender(
        client: Unmanaged.passRetained(client), layout: layout, copy: copy, fadesIn: fadesIn, rate: request.rate,
        position: position))
    let properties = pw_properties_new_string("")
    let base = [
      ("media.type", "Audio"), ("node.name", request.name), ("node.description", request.description),
      ("media.name", request.description),
    ]
    for (key, value) in base + extra { pw_properties_set(properties, key, value) }
    if let quantum = request.quantum {
      pw_properties_set(properties, "node.latency", "\(quantum.value)/\(request.rate.hertz)")
    }
    if let group = request.group { pw_properties_set(properties, "node.group", group) }
    guard let stream = pw_stream_new(core, request.name, properties) else { return nil }
    self.stream = stream
    render.pointee.stream = stream
    render.pointee.owner = Unmanaged.passUnretained(self)
    let table =
      switch direction {
      case .capture: EventTables.shared.capture
      case .playback, .source: EventTables.shared.playback
      case .sink: EventTables.shared.sink
      }
    pw_stream_add_listener(stream, hook.pointer, table, render)
    var positions = layout.labels.map(Self.position)
    if copy != .none { positions += layout.labels.indices.map { SPA_AUDIO_CHANNEL_TC.rawValue + UInt32($0) } }
    let base32 =
      PW_STREAM_FLAG_MAP_BUFFERS.rawValue | PW_STREAM_FLAG_RT_PROCESS.rawValue | flags
    let result = cpw_stream_connect(
      stream, direction == .playback || direction == .source ? 1 : 0, UInt32.max, base32, UInt32(request.rate.hertz),
      UInt32(positions.count),
      positions)
    if result < 0 { return nil }
  }

  /// Ends the stream; the data thread has left the client when this returns. Where a successor starts counting.
  func close() -> Int64 {
    render.pointee.owner = nil
    if let stream {
      hook.remove()
      pw_stream_destroy(stream)
    }
    stream = nil
    return render.pointee.position
  }

  deinit {
    _ = close()
    render.pointee.client.release()
    render.deinitialize(count: 1)
    render.deallocate()
  }

  /// Somebody has set the node's volume: what reaches us stays as it was played.
  func propertiesChanged() {
    // Our own change comes back through here.
    guard let stream, !isHoldingLevel else { return }
    isHoldingLevel = true
    cpw_stream_hold_level(stream, UInt32(layout.count))
    isHoldingLevel = false
  }

  private var isHoldingLevel = false

  func stateChanged(_ state: pw_stream_state, error: String?) {
    isDriven = state == PW_STREAM_STATE_STREAMING
    // However long the pause was: what comes after it continues nothing.
    if state == PW_STREAM_STATE_PAUSED { render.pointee.hasPaused.store(true, ordering: .releasing) }
    changed(state, error)
  }

  /// Runs in the graph's cycles, as against lying idle because nobody needs it.
  private(set) var isDriven = false

  /// Nil until the server has made the node.
  var id: UInt32? {
    guard let stream else { return nil }
    let id = pw_stream_get_node_id(stream)
    return id == UInt32.max ? nil : id
  }

  var isOpen: Bool {
    get { render.pointee.gate.load(ordering: .relaxed) != .shut }
    set {
      fadingSince = nil
      readySince = nil
      render.pointee.gate.store(newValue ? .open : .shut, ordering: .releasing)
    }
  }

  /// When what is heard began to die away; nil again once the gate is open or shut.
  private var fadingSince: HostTime?
  /// After a fade: since when other links could be heard.
  private var readySince: HostTime?
  /// Longer than the longest cycle.
  private static let longestFade = HostDuration.milliseconds(60)

  /// Has what is heard die away. True once it has, or where nothing runs that could be heard.
  func fadeOut(at now: HostTime) -> Bool {
    guard isOpen else { return true }
    guard let since = fadingSince else {
      fadingSince = now
      render.pointee.isSilent.store(false, ordering: .relaxed)
      render.pointee.gate.store(.fading, ordering: .releasing)
      return !isDriven
    }
    return !isDriven || render.pointee.isSilent.load(ordering: .acquiring) || now - since >= Self.longestFade
  }

  /// Opens the gate, after a fade only when all the links flow, so that what they bring rises together. Nil once it is open.
  func open(with links: some Sequence<GraphLink>, at now: HostTime) -> HostDuration? {
    if fadingSince != nil, !links.allSatisfy(\.isActive) {
      let since = readySince ?? now
      readySince = since
      if now - since < Self.longestStart { return .milliseconds(1) }
    }
    isOpen = true
    return nil
  }

  /// Links to what is paused do not flow: nobody waits for them.
  private static let longestStart = HostDuration.milliseconds(8)

  /// Blocks the server has asked for.
  var cycles: UInt64 { render.pointee.cycles.load(ordering: .relaxed) }

  func fill(_ report: inout StreamReport) {
    report.quantum = render.pointee.quantum.load(ordering: .relaxed)
    report.graphRate = render.pointee.graphRate.load(ordering: .relaxed)
    report.cycles = cycles
    report.unlikeCycles = render.pointee.copy?.pointee.unlike.load(ordering: .relaxed) ?? 0
    let thread = render.pointee.thread.load(ordering: .relaxed)
    var policy: Int32 = 0
    var priority: Int32 = 0
    guard thread != 0, clinux_thread_scheduling(thread, &policy, &priority) == 0 else { return }
    switch policy {
    case SCHED_FIFO: report.scheduling = "fifo:\(priority)"
    case SCHED_RR: report.scheduling = "rr:\(priority)"
    default: report.scheduling = "other"
    }
  }

  private static func position(_ label: ChannelLabel) -> UInt32 {
    switch label {
    case .mono: SPA_AUDIO_CHANNEL_MONO.rawValue
    case .frontLeft: SPA_AUDIO_CHANNEL_FL.rawValue
    case .frontRight: SPA_AUDIO_CHANNEL_FR.rawValue
    case .frontCenter: SPA_AUDIO_CHANNEL_FC.rawValue
    case .lowFrequency: SPA_AUDIO_CHANNEL_LFE.rawValue
    case .rearLeft: SPA_AUDIO_CHANNEL_RL.rawValue
    case .rearRight: SPA_AUDIO_CHANNEL_RR.rawValue
    case .sideLeft: SPA_AUDIO_CHANNEL_SL.rawValue
    case .sideRight: SPA_AUDIO_CHANNEL_SR.rawValue
    }
  }
}
