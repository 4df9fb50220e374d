public import AudioCore

/// What an audio system must offer. The device drives: a started stream calls its `RenderClient` on the backend's render
/// thread, whatever block length comes.
///
/// Every backend keeps the lifecycle rules the contract tests check:
/// no render call before `start` returns and none after `stop` returns; `stop` from any state; a restart keeps the
/// client; output the client leaves alone is silence; positions never go back; the format event precedes the first block
/// in that format; one lost device is one event.
public protocol AudioBackend: AnyObject, Sendable {
  var name: String { get }
  var roles: Set<StreamRole.Kind> { get }

  /// Makes a stream that is not yet running. `events` is called in order, on one thread, never on the render thread.
  ///
  /// A target that does not exist is no error: the stream waits for it and says so. An unsupported role is.
  /// Thread: control.
  func open(
    _ request: StreamRequest, client: RenderClient, events: @escaping @Sendable (StreamEvent) -> Void
  ) throws(BackendError) -> any AudioStream
}

public protocol AudioStream: AnyObject, Sendable {
  /// Thread: control.
  func start() throws(BackendError)
  /// Waits until the render thread has left the client for good. Thread: control.
  func stop()
  /// Thread: control.
  var report: StreamReport { get }
}

public enum StreamEvent: Sendable, Equatable {
  case state(StreamState)
  /// The next blocks have this format.
  case format(StreamFormat)
  /// All sources that a `streams` stream cannot hear, whenever they change.
  case unheard([UnheardSource])
}

public enum StreamState: Sendable, Equatable {
  case stopped
  /// Nothing to hear, and why.
  case waiting(BackendError)
  /// Linked to a device.
  case running(device: String)
}

/// Facts about a stream for status displays.
public struct StreamReport: Sendable, Equatable {
  public var state: StreamState = .stopped
  public var format: StreamFormat?
  /// Frames of the last cycle at the stream's rate.
  public var quantum: Int = 0
  /// The server's own rate.
  public var graphRate: Int = 0
  public var cycles: UInt64 = 0
  /// How the render thread is scheduled: `fifo:88`, `other`, or `unknown` before its first cycle.
  public var scheduling: String = "unknown"
  /// Cycles in which the sink's monitor had something else than a `streams` stream heard.
  public var unlikeCycles: UInt64 = 0
  /// What plays into the sink of a `streams` stream without being heard.
  public var unheard: [UnheardSource] = []
  /// Who plays into our own sink, or records our own source: nodes that are linked to it, paused ones included.
  public var users: Int = 0
  /// Our own device runs in the graph's cycles: at least one of its users is not paused. Else it lies idle, and its client
  /// is not called.
  public var isDriven = false
  /// Times the device ran dry or overflowed, or was suspended, and was started again.
  public var xruns: UInt64 = 0
  /// How far the device's clock runs from the host's, in parts per million; nil while that is not known.
  public var clockPPM: Double?
  /// How we talk to the device where that is ours to agree on, such as `mmap s16 44100 Hz, 2 channels, 512 of 1536 frames`.
  public var terms: String?

  public init() {}
}

/// Why something does not play, and what would mend it.
public struct BackendError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    case serverUnavailable = "server_unavailable"
    case noSink = "no_sink"
    case sinkNotFound = "sink_not_found"
    case notASink = "not_a_sink"
    case noSource = "no_source"
    case sourceNotFound = "source_not_found"
    case notASource = "not_a_source"
    case sourceHeldBack = "source_held_back"
    case noPorts = "no_ports"
    case linkRefused = "link_refused"
    case deviceLost = "device_lost"
    case deviceBusy = "device_busy"
    case deviceDenied = "device_denied"
    case unsupportedRole = "unsupported_role"
    case unsupportedFormat = "unsupported_format"
    case foreignLink = "foreign_link"
    case starting = "starting"
    case streamGone = "stream_gone"
    case streamFixed = "stream_fixed"
    case badLevel = "bad_level"
    case tooMany = "too_many"
  }

  /// What helps.
  public enum Recovery: String, Sendable {
    case retrySoon = "retry_soon"
    case waitForDevice = "wait_for_device"
    case waitForServer = "wait_for_server"
    case permanent
  }

  public var code: Code
  public var message: String
  public var hint: String?

  public init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  public var recovery: Recovery {
    switch code {
    case .serverUnavailable: .waitForServer
    case .noSink, .sinkNotFound, .notASink, .noSource, .sourceNotFound, .notASource, .sourceHeldBack, .deviceLost,
      .deviceBusy, .deviceDenied:
      .waitForDevice
    case .noPorts, .linkRefused, .foreignLink, .starting: .retrySoon
    case .unsupportedRole, .unsupportedFormat, .streamGone, .streamFixed, .badLevel, .tooMany: .permanent
    }
  }

  public var description: String { hint.map { "\(message) (\($0))" } ?? message }
}
