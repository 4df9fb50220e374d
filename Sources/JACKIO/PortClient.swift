import AudioCore
import AudioIO
import CJACK
import CJACKSystem
import Glibc
import Synchronization

/// Our client in a server, from joining to leaving. It connects its own ports and touches no others'.
///
/// Thread: supervisor.
final class PortClient {
  let server: String
  private let handle: OpaquePointer
  private let target: String?
  private let isPlayback: Bool
  private let client: RenderClient
  private let facts: UnsafeMutablePointer<ServerFacts>
  private var ports: [OpaquePointer] = []
  private var layout = ChannelLayout.mono
  private var render: UnsafeMutablePointer<PortRender>?
  /// The target's ports that were there when we last connected. What somebody undoes later stays undone.
  private var known: Set<String> = []
  /// Another client's ports come one by one, and cannot be connected before it has joined the cycles.
  private var seen: [String] = []
  private var seenAt = HostTime(nanoseconds: 0)
  private static let arrival = HostDuration.milliseconds(30)

  init(
    server: String, target: String?, request: StreamRequest, client: RenderClient,
    facts: UnsafeMutablePointer<ServerFacts>
  ) throws(BackendError) {
    self.server = server
    self.target = target
    self.client = client
    self.facts = facts
    isPlayback = request.role.kind == .playback
    facts.pointee.forget()
    let name = PortChoice.clientName(request.name, limit: Int(jack_client_name_size()))
    handle = try JACKLibrary.open(name, on: server)
    facts.pointee.rate.store(Int(jack_get_sample_rate(handle)), ordering: .relaxed)
    facts.pointee.takePeriod(Int(jack_get_buffer_size(handle)))
  }

  /// The channels of a stream that takes whatever there is.
  var targetLayout: ChannelLayout {
    let count = targetPorts.count
    return count == 0 && isPlayback ? .stereo : PortChoice.layout(for: count)
  }

  /// Makes our ports and joins the server's cycles, with the gate shut.
  func start(format: StreamFormat, position: Int64, lastTime: HostTime) throws(BackendError) {
    layout = format.layout
    for label in format.layout.labels {
      let flags = isPlayback ? JackPortIsOutput : JackPortIsInput
      let name = PortChoice.portName(label, isPlayback: isPlayback)
      guard let port = jack_port_register(handle, name, JACK_DEFAULT_AUDIO_TYPE, UInt(flags.rawValue), 0) else {
        throw BackendError(.noPorts, "the JACK server \"\(server)\" has no room for our ports")
      }
      ports.append(port)
    }
    let render = UnsafeMutablePointer<PortRender>.allocate(capacity: 1)
    render.initialize(
      to: PortRender(
        client: Unmanaged.passUnretained(client), facts: facts, handle: handle, ports: ports, format: format,
        serverRate: SampleRate(hertz: Int(jack_get_sample_rate(handle))), isPlayback: isPlayback, position: position,
        lastTime: lastTime))
    self.render = render
    jack_set_process_callback(handle, processCycle, render)
    jack_set_buffer_size_callback(handle, periodChanged, facts)
    jack_set_xrun_callback(handle, cycleWasLate, facts)
    jack_set_freewheel_callback(handle, freewheelingChanged, facts)
    jack_set_graph_order_callback(handle, orderChanged, facts)
    jack_set_port_registration_callback(handle, portChanged, facts)
    jack_set_port_connect_callback(handle, connectionChanged, facts)
    jack_on_info_shutdown(handle, serverLeft, facts)
    guard jack_activate(handle) == 0 else { throw ServerFailure.gone(server) }
  }

  /// Connects to what has come since the last look, and opens the gate while anything is connected: the device's name, or
  /// what is missing.
  func look(at now: HostTime) -> Result<String, BackendError> {
    let found = targetPorts
    if found != seen { (seen, seenAt) = (found, now) }
    guard !found.isEmpty else {
      known = []
      shut()
      return .failure(missing)
    }
    if !known.isSuperset(of: found) {
      guard target == nil || now - seenAt >= Self.arrival else {
        shut()
        return .failure(BackendError(.starting, "waiting for all ports of \"\(target ?? "")\""))
      }
      guard connect(to: found) else {
        shut()
        return .failure(BackendError(.linkRefused, "the JACK server \"\(server)\" connects our ports to nothing"))
      }
    }
    known = Set(found)
    guard connectedPorts > 0 else {
      shut()
      // A server that freewheels lets go of its physical ports, and connects them again when it is done.
      let isFreewheeling = facts.pointee.isFreewheeling.load(ordering: .relaxed)
      return .failure(
        BackendError(
          .noPorts, "nothing is connected to our ports",
          hint: isFreewheeling ? "the JACK server freewheels" : "somebody has disconnected them"))
    }
    readLatency()
    facts.pointee.isOpen.store(true, ordering: .sequentiallyConsistent)
    return .success(target ?? PortChoice.client(of: found[0]))
  }

  /// How many of our ports are connected, to whatever it is.
  var connectedPorts: Int { ports.count { jack_port_connected($0) > 0 } }
  var portCount: Int { ports.count }

  /// Leaves the server. Where a successor starts counting.
  func close() -> (position: Int64, lastTime: HostTime)? {
    shut()
    if render != nil { jack_deactivate(handle) }
    JACKLibrary.close(handle)
    guard let render else { return nil }
    let end = (render.pointee.position, render.pointee.lastTime)
    render.deinitialize(count: 1)
    render.deallocate()
    self.render = nil
    return end
  }

  /// Waits until the process thread has left the render client. Without a server the library ends that thread wherever
  /// it is: it must not be in there.
  private func shut() {
    facts.pointee.isOpen.store(false, ordering: .sequentiallyConsistent)
    while facts.pointee.isInside.load(ordering: .sequentiallyConsistent) { usleep(100) }
    facts.pointee.hasMoved.store(false, ordering: .relaxed)
  }

  private func connect(to found: [String]) -> Bool {
    var isDone = false
    for link in PortChoice.links(layout, ports: found, isPlayback: isPlayback) {
      guard let own = jack_port_name(ports[link.channel]) else { continue }
      let result =
        isPlayback ? jack_connect(handle, own, link.port) : jack_connect(handle, link.port, own)
      isDone = isDone || result == 0 || result == EEXIST
    }
    return isDone
  }

  private var targetPorts: [String] {
    let flags = (isPlayback ? JackPortIsInput : JackPortIsOutput).rawValue
    guard let target else { return list(flags | JackPortIsPhysical.rawValue) }
    return PortChoice.ports(list(flags), of: target)
  }

  private func list(_ flags: UInt32) -> [String] {
    guard let names = jack_get_ports(handle, nil, JACK_DEFAULT_AUDIO_TYPE, UInt(flags)) else { return [] }
    defer { jack_free(names) }
    var found: [String] = []
    while let name = names[found.count] { found.append(String(cString: name)) }
    return found
  }

  private var missing: BackendError {
    guard let target else {
      return isPlayback
        ? BackendError(.noSink, "the JACK server \"\(server)\" has no physical outputs")
        : BackendError(.noSource, "the JACK server \"\(server)\" has no physical inputs")
    }
    let isThere = !PortChoice.ports(list(0), of: target).isEmpty
    if isPlayback {
      return isThere
        ? BackendError(.notASink, "the JACK client \"\(target)\" takes no sound")
        : BackendError(.sinkNotFound, "there is no JACK client \"\(target)\"", hint: "`jack_lsp` lists them")
    }
    return isThere
      ? BackendError(.notASource, "the JACK client \"\(target)\" brings no sound")
      : BackendError(.sourceNotFound, "there is no JACK client \"\(target)\"", hint: "`jack_lsp` lists them")
  }

  private func readLatency() {
    var latency = 0
    for port in ports {
      var range = jack_latency_range_t()
      jack_port_get_latency_range(port, isPlayback ? JackPlaybackLatency : JackCaptureLatency, &range)
      latency = max(latency, Int(range.max))
    }
    // What no device has is somebody's mistake.
    let limit = facts.pointee.rate.load(ordering: .relaxed) * 10
    facts.pointee.latency.store(min(latency, limit), ordering: .relaxed)
  }
}
