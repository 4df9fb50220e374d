public import AudioCore
public import AudioIO
import Mixer
public import Recording
import Synchronization

/// Where a recording's sound comes from. Thread: control, but for `absence`.
public protocol RecordingSource: AnyObject {
  /// The rate of its blocks, and their channels.
  var format: StreamFormat { get }
  /// Calls `client` from now on. `absence` is told, on any thread, when there is nothing to hear, and why; nil when there is.
  func start(_ client: RecorderClient, absence: @escaping @Sendable (BackendError?) -> Void) throws(BackendError)
  /// Returns when nothing calls the client any more.
  func stop()
  var report: StreamReport { get }
  /// Every twentieth of a second. Thread: the recording's worker.
  func attend(at now: HostTime)
}

extension RecordingSource {
  public func attend(at now: HostTime) {}

  /// Of what is no stream of a sound system.
  func report(_ title: String, _ trouble: BackendError?) -> StreamReport {
    var report = StreamReport()
    report.state = trouble.map { .waiting($0) } ?? .running(device: title)
    report.format = format
    report.graphRate = format.rate.hertz
    return report
  }
}

/// A device, recorded in its own cycles: its thread is the one that renders.
public final class DeviceSource: RecordingSource {
  public let format: StreamFormat
  private let backend: any AudioBackend
  private var request: StreamRequest
  private var claim: DeviceClaim?
  private var stream: (any AudioStream)?
  private var client: RecorderClient?
  private var absence: (@Sendable (BackendError?) -> Void)?

  /// Nil for the default microphone, now and later; with a name that one and no other. With a claim it is that device,
  /// whatever it is called later.
  public init(
    _ backend: any AudioBackend, name: String?, claim: DeviceClaim? = nil, format: StreamFormat, nodeName: String
  ) {
    self.backend = backend
    self.format = format
    self.claim = claim
    request = Self.request(name, format, as: nodeName)
  }

  /// Of a microphone that somebody has asked for.
  static func request(_ name: String?, _ format: StreamFormat, as nodeName: String) -> StreamRequest {
    var request = StreamRequest(
      role: .capture(source: name), name: nodeName, description: "streamd recording", layout: format.layout,
      rate: format.rate)
    // What clients say is recorded as applications hear it.
    request.hearsOwn = true
    return request
  }

  public func start(
    _ client: RecorderClient, absence: @escaping @Sendable (BackendError?) -> Void
  ) throws(BackendError) {
    (self.client, self.absence) = (client, absence)
    let stream = try backend.open(request, client: client) { event in
      switch event {
      case .state(.waiting(let error)): absence(error)
      case .state(.running): absence(nil)
      default: break
      }
    }
    try stream.start()
    self.stream = stream
  }

  /// Devices have come or gone: one that is called otherwise now is recorded under that name.
  public func follow(in registry: DeviceRegistry) throws(BackendError) {
    guard let client, let absence, case .success(let device)? = claim?.look(in: registry) else { return }
    let next = Self.request(device.name, format, as: request.name)
    guard request.role != next.role else { return }
    stream?.stop()
    stream = nil
    absence(BackendError(.noSource, "the device is called \(device.name) now"))
    request = next
    try start(client, absence: absence)
  }

  public func stop() {
    stream?.stop()
    (stream, client, absence) = (nil, nil, nil)
  }

  public var report: StreamReport { stream?.report ?? StreamReport() }
}

/// Looks at a device before anything is recorded: whether it is there, and at what rate.
public final class DeviceProbe {
  private final class Silent: RenderClient, @unchecked Sendable {
    /// Thread: render.
    @_noLocks override func render(_ cycle: Cycle) {}
  }

  private let client = Silent()
  private let stream: any AudioStream

  public init(_ backend: any AudioBackend, name: String?, format: StreamFormat) throws(BackendError) {
    stream = try backend.open(
      DeviceSource.request(name, format, as: "streamd.probe"), client: client
    ) { _ in }
    try stream.start()
  }

  public enum Sight: Sendable, Equatable {
    case waiting(BackendError)
    case running(rate: SampleRate)
    case unknown
  }

  public var sight: Sight {
    let report = stream.report
    switch report.state {
    case .waiting(let error): return .waiting(error)
    case .running where report.cycles > 0 && report.graphRate > 0:
      return .running(rate: SampleRate(hertz: report.graphRate))
    default: return .unknown
    }
  }

  public func end() { stream.stop() }
}
