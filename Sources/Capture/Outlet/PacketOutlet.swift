public import AudioCore

/// One client's end of an encoder: numbers, protects and sends what is encoded once for all.
public protocol PacketOutlet: AnyObject, Sendable {
  /// Packets that are protected together: a client joins, leaves and skips at multiples of it.
  var block: Int { get }
  /// Packets sent so far, modulo the block: where in its block the client is.
  var phase: Int { get }
  /// Whether there is anybody to send to: until then the client does not join.
  var isReady: Bool { get }
  /// One packet, valid during the call; nil when it could not be encoded and only its time passes. `skipped` frames passed
  /// unsent right before it. Thread: the encoder's.
  func deliver(_ payload: UnsafeRawBufferPointer?, skipped: FrameCount, capturedAt: HostTime)
}

/// What an outlet counts.
public struct OutletCounts: Sendable, Equatable {
  public var packets: UInt64 = 0
  public var bytes: UInt64 = 0
  public var sendErrors: UInt64 = 0
  public var lastSendError: Int32 = 0
  /// Packets that this wire could not carry.
  public var unsendable: UInt64 = 0

  public init() {}

  mutating func add(_ outcome: SendOutcome, bytes count: Int) {
    switch outcome {
    case .sent:
      packets += 1
      bytes += UInt64(count)
    case .failed(let errno):
      sendErrors += 1
      lastSendError = errno
    }
  }
}
