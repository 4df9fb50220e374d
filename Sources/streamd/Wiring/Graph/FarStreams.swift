import AudioCore
import AudioIO
import Mixer
import Synchronization

/// Opens the devices that a graph plays into or records from beside the one that drives it.
///
/// Thread: control, but for streams that are let go of, which may happen anywhere: `bury` stops those.
final class FarStreams: FarDevices, @unchecked Sendable {
  private let backend: (String) throws(BackendError) -> any AudioBackend
  private let gone = Graveyard()

  /// Room for the longest cycle a device may have.
  static let longest = FrameCount(8192)

  init(backend: @escaping (String) throws(BackendError) -> any AudioBackend) { self.backend = backend }

  func open(_ device: FarDevice, rate: SampleRate, block: FrameCount) throws(NodeRefusal) -> FarLink {
    let isSource = device.direction == .source
    let (system, name) = isSource ? ("pipewire", device.name) : Self.place(device.name)
    let isCapture = device.direction == .capture
    let bridge = ClockBridge(
      channels: device.layout.count, from: rate, to: rate, longestWrite: isCapture ? Self.longest : block,
      longestRead: isCapture ? block : Self.longest)
    let role: StreamRole =
      switch device.direction {
      case .capture: .capture(source: name)
      case .playback: .playback(to: name.map { .named($0) } ?? .defaultSink)
      case .source: .virtualSource
      }
    let client: RenderClient =
      isCapture
      ? FarCapture(bridge.makeWriter(), channels: device.layout.count)
      : FarPlayback(bridge.makeReader(), channels: device.layout.count)
    let state = FarState()
    do throws(BackendError) {
      let stream = try backend(system).open(
        StreamRequest(
          role: role, name: isSource ? device.name : "streamd.graph-far",
          description: isSource ? device.name : "streamd graph", layout: device.layout, rate: rate),
        client: client
      ) { event in
        if case .state(let news) = event { state.set(news) }
      }
      try stream.start()
      return FarStream(bridge, stream, state, gone)
    } catch {
      throw NodeRefusal(code: error.code.rawValue, message: error.description)
    }
  }

  /// `alsa:hw:1` is a device of ALSA; without a sound system's name before it, one of PipeWire.
  private static func place(_ text: String) -> (system: String, name: String?) {
    for system in ["alsa", "jack", "pipewire"] where text.hasPrefix(system + ":") || text == system {
      let name = String(text.dropFirst(system.count + 1))
      return (system, name.isEmpty ? nil : name)
    }
    return ("pipewire", text.isEmpty || text == "default" ? nil : text)
  }

  /// Stops what no node has any more.
  func bury() { for stream in gone.take() { stream.stop() } }
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

/// What the device's thread has told last.
private final class FarState: Sendable {
  private let state = Mutex<StreamState>(.stopped)
  func set(_ news: StreamState) { state.withLock { $0 = news } }

  var trouble: String? {
    guard case .waiting(let error) = state.withLock({ $0 }), error.code != .starting else { return nil }
    return error.description
  }
}

private final class FarStream: FarLink, @unchecked Sendable {
  private let stream: any AudioStream
  private let state: FarState
  private let gone: Graveyard

  init(_ bridge: ClockBridge, _ stream: any AudioStream, _ state: FarState, _ gone: Graveyard) {
    self.stream = stream
    self.state = state
    self.gone = gone
    super.init(bridge)
  }

  deinit { gone.add(stream) }

  override var trouble: String? { state.trouble }
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
