import AudioCore
import AudioIO
import Control
import Glibc
import OpusCodec
import Recording
import Settings
import Wiring

/// Where what is to be recorded comes from: looked for and looked at before anything is made.
extension Recordings {
  /// What is recorded, in what. Looks before anything is made.
  func source(
    _ device: RecordedDevice, _ request: RecordingRequest
  ) async throws(ControlError) -> (any RecordingSource, RecordingFormat) {
    switch device {
    case .device(let system, let name):
      return try await deviceSource(system, name, request)
    case .sink(let target): return try await busSource(Downlink.Key(target: target, quantum: nil), request)
    case .bus(let name): return try await busSource(Downlink.Key(bus: name), request)
    case .session(let name): return try await sessionSource(name, request)
    }
  }

  func deviceSource(
    _ system: String, _ name: String?, _ request: RecordingRequest
  ) async throws(ControlError) -> (any RecordingSource, RecordingFormat) {
    let backend: any AudioBackend
    do throws(BackendError) { backend = try backends.backend(system) } catch { throw error.controlError }
    let device = try await find(name, on: system, request)
    let name = device?.name ?? name
    let own = device.flatMap { ChannelLayout($0.channels.compactMap { ChannelLabel(name: $0) }) }
    let layout = try request.layout(own)
    let asked = StreamFormat(rate: request.rate ?? .codec, layout: layout)
    let rate = try await rate(of: RecordedDevice.device(system: system, name: name), request) {
      () throws(BackendError) in
      try DeviceProbe(backend, name: name, format: asked)
    }
    try request.check(rate: rate, layout: own)
    lastNode += 1
    let source = DeviceSource(
      backend, name: name, format: StreamFormat(rate: rate, layout: layout), nodeName: "streamd.record-\(lastNode)")
    return (source, RecordingFormat(rate: request.rate ?? rate, layout: layout, samples: request.samples))
  }

  /// Who is meant; nil where nobody is named. PCMs and clients that no registry lists are opened by their very name.
  func find(
    _ name: String?, on system: String, _ request: RecordingRequest
  ) async throws(ControlError) -> Device? {
    guard let name else { return nil }
    do throws(ControlError) {
      try await devices.attach(for: name, system: system)
      return try devices.find(name, DeviceScope(.input, system: system))
    } catch {
      if system != "pipewire", error.code == .notFound { return nil }
      throw ControlError(
        error.code, "\(request.place)device: \(error.message)", path: request.place + "device", hint: error.hint,
        detail: error.detail)
    }
  }

  /// The rate that a device runs at, once it runs. One that is recorded already tells by itself.
  func rate(
    of device: RecordedDevice, _ request: RecordingRequest, _ look: () throws(BackendError) -> DeviceProbe
  ) async throws(ControlError) -> SampleRate {
    if let rate = seen[device] { return rate }
    for entry in entries.values where entry.source == device && entry.stream.absence == nil {
      let rate = entry.stream.source.report.graphRate
      if rate > 0 { return SampleRate(hertz: rate) }
    }
    let probe: DeviceProbe
    do throws(BackendError) { probe = try look() } catch {
      throw request.refusal("device", error.message, hint: error.hint, detail: error.code.rawValue)
    }
    defer { probe.end() }
    var last: BackendError?
    for _ in 0..<Self.looks {
      switch probe.sight {
      case .running(let rate):
        seen[device] = rate
        return rate
      case .waiting(let error):
        // Only what may be over in a moment is waited for.
        guard [.starting, .noPorts, .linkRefused].contains(error.code) else {
          throw request.refusal("device", error.message, hint: error.hint, detail: error.code.rawValue)
        }
        last = error
      case .unknown: break
      }
      await pause()
    }
    throw ControlError(
      .unavailable, "\(request.place)device: \(last?.message ?? "\(request.device) brings no sound")",
      path: request.place + "device", hint: "is it suspended, or used by another program alone?",
      detail: last?.code.rawValue ?? "silent")
  }

  private static let looks = 400

  func pause() async {
    await withCheckedContinuation { (next: CheckedContinuation<Void, Never>) in
      EventLoop.shared.schedule(after: .milliseconds(20)) { next.resume() }
    }
  }

  func busSource(
    _ key: Downlink.Key, _ request: RecordingRequest
  ) async throws(ControlError) -> (any RecordingSource, RecordingFormat) {
    looking.append(key)
    let heard = try downlink(key)
    for _ in 0..<Self.looks {
      if let own = heard.inputLayout {
        try request.check(rate: .codec, layout: own)
        let layout = try request.layout(own)
        return (
          BusSource(heard, layout: layout),
          RecordingFormat(rate: request.rate ?? .codec, layout: layout, samples: request.samples)
        )
      }
      if case .waiting(let error) = heard.report.state, ![.starting, .noPorts, .linkRefused].contains(error.code) {
        throw request.refusal("device", error.message, hint: error.hint, detail: error.code.rawValue)
      }
      await pause()
    }
    throw ControlError(
      .unavailable, "\(request.place)device: \(key.title) brings no sound", path: request.place + "device")
  }

  /// What a session's encoder is given: its bus, made once more.
  func sessionSource(
    _ name: String, _ request: RecordingRequest
  ) async throws(ControlError) -> (any RecordingSource, RecordingFormat) {
    let session: StreamSession
    do throws(ControlError) { session = try self.session(name) } catch {
      throw ControlError(error.code, error.message, path: request.place + "device", hint: error.hint)
    }
    let layout = session.spec.configuration.layout
    looking.append(session.heard)
    let heard = try downlink(session.heard)
    try request.check(rate: .codec, layout: layout)
    let wanted = try request.layout(layout)
    return (
      BusSource(heard, layout: wanted, isLimited: session.spec.isLimited, gain: session.spec.gain),
      RecordingFormat(rate: request.rate ?? .codec, layout: wanted, samples: request.samples)
    )
  }

  /// Downlinks that a recording hears.
  var heard: [Downlink.Key] {
    looking + entries.values.compactMap { ($0.stream.source as? BusSource)?.key }
  }
}
