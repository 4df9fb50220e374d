import AudioCore
import AudioIO
import Mixer
import Synchronization

/// Opens the devices that a graph plays into or records from beside the one that drives it.
///
/// Thread: control, but for streams that are let go of, which may happen anywhere: `bury` stops those.
final class FarStreams: FarDevices, @unchecked Sendable {
  private let backend: (String) throws(BackendError) -> any AudioBackend
  private let devices: LiveDevices?
  private let face: GraphDevice.Face
  private let gone = Graveyard()
  /// Those that are named by words, which may come to mean a device that is called otherwise. Control's.
  private var named: [Unheld] = []

  private struct Unheld {
    weak var stream: FarStream?
  }

  /// Room for the longest cycle a device may have.
  static let longest = FrameCount(8192)

  /// `face` is the graph's: streams are called after it.
  init(
    backend: @escaping (String) throws(BackendError) -> any AudioBackend, devices: LiveDevices? = nil,
    face: GraphDevice.Face = GraphDevice.Face()
  ) {
    self.backend = backend
    self.face = face
    self.devices = devices
  }

  func open(_ device: FarDevice, rate: SampleRate, block: FrameCount) throws(NodeRefusal) -> FarLink {
    let isSource = device.direction == .source
    let (system, name) = isSource ? ("pipewire", device.name) : Self.place(device.name)
    let isCapture = device.direction == .capture
    let bridge = ClockBridge(
      channels: device.layout.count, from: rate, to: rate, longestWrite: isCapture ? Self.longest : block,
      longestRead: isCapture ? block : Self.longest)
    let client: RenderClient =
      isCapture
      ? FarCapture(bridge.makeWriter(), channels: device.layout.count)
      : FarPlayback(bridge.makeReader(), channels: device.layout.count)
    let opening = FarOpening(
      direction: device.direction, layout: device.layout, rate: rate, client: client, face: face)
    do throws(BackendError) {
      let backend = try backend(system)
      if !isSource, let name, let devices {
        // Joining a JACK server to look at it is for words that are no client's name.
        if system != "jack" || name.contains("*") || name.contains("?") || name.contains(":") {
          devices.attach(system)
        }
        let words = device.name.hasPrefix(system + ":") ? device.name : name
        let stream = FarStream(
          bridge, opening, backend, gone,
          claim: DeviceClaim(words, DeviceScope(isCapture ? .input : .output, system: system)), name: name)
        try stream.follow(devices.registry)
        named.removeAll { $0.stream == nil }
        named.append(Unheld(stream: stream))
        return stream
      }
      let stream = FarStream(bridge, opening, backend, gone, claim: nil, name: name)
      try stream.open(name)
      return stream
    } catch {
      throw NodeRefusal(code: error.code.rawValue, message: error.description)
    }
  }

  /// Devices have come or gone.
  func follow() {
    guard let devices, !named.isEmpty else { return }
    let registry = devices.registry
    named.removeAll { $0.stream == nil }
    // One that cannot be opened now is tried again with the next news; its node says what is wrong.
    for one in named { try? one.stream?.follow(registry) }
  }

  /// `alsa:hw:1` is a device of ALSA; without a sound system's name before it, one of PipeWire.
  private static func place(_ text: String) -> (system: String, name: String?) {
    for system in DeviceRegistry.systemNames where text.hasPrefix(system + ":") || text == system {
      let name = String(text.dropFirst(system.count + 1))
      return (system, name.isEmpty || name == "default" ? nil : name)
    }
    return ("pipewire", text.isEmpty || text == "default" ? nil : text)
  }

  /// Stops what no node has any more.
  func bury() { for stream in gone.take() { stream.stop() } }
}

/// How a far device's stream is opened, whatever the device is called.
private struct FarOpening {
  let direction: FarDevice.Direction
  let layout: ChannelLayout
  let rate: SampleRate
  let client: RenderClient
  let face: GraphDevice.Face

  func request(_ name: String?) -> StreamRequest {
    let role: StreamRole =
      switch direction {
      case .capture: .capture(source: name)
      case .playback: .playback(to: name.map { .named($0) } ?? .defaultSink)
      case .source: .virtualSource
      }
    let isSource = direction == .source
    return StreamRequest(
      role: role, name: isSource ? name ?? "" : face.name + "-far",
      description: isSource ? name ?? "" : face.description, layout: layout, rate: rate)
  }
}

private final class Graveyard: Sendable {
  private let streams = Mutex<[any AudioStream]>([])
  func add(_ stream: any AudioStream) { streams.withLock { $0.append(stream) } }
  func take() -> [any AudioStream] {
    streams.withLock { streams in
      defer { streams = [] }
      return streams
    }
  }
}

/// What the device's thread has told last, and why its words name no device.
private final class FarState: Sendable {
  private let state = Mutex<(stream: StreamState, claim: DeviceError?)>((.stopped, nil))
  func set(_ news: StreamState) { state.withLock { $0.stream = news } }
  func set(_ news: DeviceError?) { state.withLock { $0.claim = news } }

  var isRunning: Bool { if case .running = state.withLock({ $0.stream }) { true } else { false } }

  var trouble: String? {
    let (stream, claim) = state.withLock { $0 }
    guard case .waiting(let error) = stream, error.code != .starting else { return nil }
    return claim?.description ?? error.description
  }
}

private final class FarStream: FarLink, @unchecked Sendable {
  private let opening: FarOpening
  private let backend: any AudioBackend
  private let state = FarState()
  private let gone: Graveyard
  // Control's.
  private var claim: DeviceClaim?
  /// As it was asked for: opened so while nobody knows the device, for its sound system may.
  private let name: String?
  private var opened: String?
  private var stream: (any AudioStream)?

  init(
    _ bridge: ClockBridge, _ opening: FarOpening, _ backend: any AudioBackend, _ gone: Graveyard, claim: DeviceClaim?,
    name: String?
  ) {
    self.opening = opening
    self.backend = backend
    self.gone = gone
    self.claim = claim
    self.name = name
    super.init(bridge)
  }

  deinit { if let stream { gone.add(stream) } }

  override var trouble: String? { state.trouble }
  override var isRunning: Bool { state.isRunning }

  func open(_ name: String?) throws(BackendError) {
    stream?.stop()
    stream = nil
    opened = name
    let next = try backend.open(opening.request(name), client: opening.client) { [state] event in
      if case .state(let news) = event { state.set(news) }
    }
    try next.start()
    stream = next
  }

  /// Where the device is now: under another name, or where it was. One that is away is waited for where it was last.
  func follow(_ registry: DeviceRegistry) throws(BackendError) {
    guard let found = claim?.look(in: registry) else { return }
    switch found {
    case .success(let device):
      state.set(nil)
      if stream == nil || device.name != opened { try open(device.name) }
    case .failure(let error):
      state.set(error)
      if stream == nil { try open(opened ?? name) }
    }
  }
}

/// Brings what a device records to the bridge.
private final class FarCapture: RenderClient, @unchecked Sendable {
  private let state: UnsafeMutablePointer<FarCaptureState>

  init(_ writer: consuming BridgeWriter, channels: Int) {
    state = .allocate(capacity: 1)
    state.initialize(to: FarCaptureState(writer, channels: channels))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Thread: render.
  @_noLocks
  override func render(_ cycle: Cycle) { state.pointee.render(cycle) }
}

private struct FarCaptureState: ~Copyable {
  private var writer: BridgeWriter
  private let channels: Int
  private let own: SoundPlanes
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  init(_ writer: consuming BridgeWriter, channels: Int) {
    self.writer = writer
    self.channels = channels
    own = SoundPlanes(channels: channels, frames: FarStreams.longest.value)
    planes = own.channels
  }

  /// A channel that the device has not is silent. Thread: render.
  @_noLocks
  mutating func render(_ cycle: Cycle) {
    let frames = cycle.frames < FarStreams.longest.value ? cycle.frames : FarStreams.longest.value
    var channel = 0
    while channel < channels {
      let to = planes[channel]
      if channel < cycle.input.channelCount {
        let from = cycle.input.channel(channel)
        let stride = cycle.input.stride
        for frame in 0..<frames { to[frame] = from[frame &* stride] }
      } else {
        renderZero(to, floats: frames)
      }
      channel += 1
    }
    _ = writer.write(planes, frames: frames, time: renderNow())
  }
}

/// Brings a device what the bridge has for it.
private final class FarPlayback: RenderClient, @unchecked Sendable {
  private let reader: UnsafeMutablePointer<BridgeReader>
  private let channels: Int

  init(_ reader: consuming BridgeReader, channels: Int) {
    self.channels = channels
    self.reader = .allocate(capacity: 1)
    self.reader.initialize(to: reader)
  }

  deinit {
    reader.deinitialize(count: 1)
    reader.deallocate()
  }

  /// A device of other channels hears nothing: its stream is asked for ours. Thread: render.
  @_noLocks
  override func render(_ cycle: Cycle) {
    guard cycle.output.channelCount == channels, cycle.output.stride == 1, cycle.frames <= FarStreams.longest.value
    else { return }
    reader.pointee.read(into: cycle.output.channels, frames: cycle.frames, time: renderNow())
  }
}
