import AudioCore
import AudioIO
import Control
import Glibc
import Mixer
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
    case .session(let name): return try hop(request) { () throws(ControlError) in try sessionHop(name) }
    case .voice(let name): return try hop(request) { () throws(ControlError) in try voiceHop(name) }
    case .tap(let name): return try tapSource(name, request)
    }
  }

  func deviceSource(
    _ system: String, _ name: String?, _ request: RecordingRequest
  ) async throws(ControlError) -> (any RecordingSource, RecordingFormat) {
    let backend: any AudioBackend
    do throws(BackendError) { backend = try backends.backend(system) } catch { throw error.controlError }
    let device = try await find(name, on: system, request)
    var claim = device.map { DeviceClaim($0.name, DeviceScope(.input, system: system)) }
    _ = claim?.look(in: devices.registry)
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
      backend, name: name, claim: claim, format: StreamFormat(rate: rate, layout: layout),
      nodeName: "streamd.record-\(lastNode)")
    return (
      source, RecordingFormat(rate: request.rate ?? rate, layout: request.labels ?? layout, samples: request.samples)
    )
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
    let heard = try stage.downlink(for: key)
    for _ in 0..<Self.looks {
      if let own = heard.inputLayout {
        try request.check(rate: .codec, layout: own)
        let layout = try request.layout(own)
        return (
          BusSource(heard, layout: layout),
          RecordingFormat(rate: request.rate ?? .codec, layout: request.labels ?? layout, samples: request.samples)
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

  // MARK: Hops of our own

  private typealias Hop = (source: any RecordingSource, layout: ChannelLayout)

  /// Recorded where it passes, so nothing about it can be another.
  private func hop(
    _ request: RecordingRequest, _ find: () throws(ControlError) -> Hop
  ) throws(ControlError) -> (any RecordingSource, RecordingFormat) {
    let hop = try named(request, find)
    try request.check(rate: .codec, layout: hop.layout)
    guard request.labels != nil || request.channels ?? hop.layout.count == hop.layout.count else {
      throw request.refusal(
        "format.channels", "\(request.device) is recorded in the \(hop.layout.count) channels it has",
        detail: "channel_mismatch")
    }
    return (
      hop.source,
      RecordingFormat(rate: request.rate ?? .codec, layout: request.labels ?? hop.layout, samples: request.samples)
    )
  }

  /// What is not there is an error about the device.
  private func named<Found>(
    _ request: RecordingRequest, _ find: () throws(ControlError) -> Found
  ) throws(ControlError) -> Found {
    do throws(ControlError) { return try find() } catch {
      throw ControlError(error.code, error.message, path: request.place + "device", hint: error.hint)
    }
  }

  /// What a session's encoder is given.
  private func sessionHop(_ name: String) throws(ControlError) -> Hop {
    let session = try stage.session(name)
    let layout = session.spec.configuration.layout
    return (HopSource(session.tap, layout, title: "session \(session.identifier)"), layout)
  }

  /// A client's voice as it is decoded. Nobody speaks all the time.
  private func voiceHop(_ name: String) throws(ControlError) -> Hop {
    let microphones = try stage.requireMicrophones()
    let entry = try microphones.entry(name)
    guard let voice = microphones.uplink.voice(of: entry.talker) else {
      throw ControlError(.notFound, "microphone \(entry.identifier) is closing")
    }
    let layout: ChannelLayout = voice.channels == 1 ? .mono : .stereo
    return (HopSource(voice.tap, layout, title: "microphone \(entry.identifier)", hasPauses: true), layout)
  }

  private func tapSource(
    _ name: String, _ request: RecordingRequest
  ) throws(ControlError) -> (any RecordingSource, RecordingFormat) {
    let tap = try named(request) { () throws(ControlError) in try stage.tap(name) }
    try request.check(rate: tap.format.rate, layout: tap.format.layout)
    let layout = try request.layout(tap.format.layout)
    let source = TapSource(tap, layout: layout, title: "tap \(name)") { [unowned stage] in try? stage.tap(name) }
    return (
      source,
      RecordingFormat(rate: request.rate ?? tap.format.rate, layout: request.labels ?? layout, samples: request.samples)
    )
  }

  /// Devices have come or gone.
  func followDevices() {
    for entry in entries.values {
      do throws(BackendError) { try (entry.stream.source as? DeviceSource)?.follow(in: devices.registry) } catch {
        tell("recording \(entry.request.uri): \(error)", true)
      }
    }
  }

  /// The graph is another: taps may be elsewhere.
  func followGraph() {
    for entry in entries.values { (entry.stream.source as? TapSource)?.follow() }
  }

  /// A session or a microphone has gone for good; what is recorded of it has a gap from now on.
  func ended(_ devices: [RecordedDevice], _ why: String) {
    for entry in entries.values where devices.contains(entry.source) { (entry.stream.source as? HopSource)?.end(why) }
  }

  /// Downlinks that a recording hears.
  var heard: [Downlink.Key] {
    looking + entries.values.compactMap { ($0.stream.source as? BusSource)?.key }
  }
}
