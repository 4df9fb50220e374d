import AudioCore

/// What the receiver's thread works on: datagrams in, sound and counts out. Reads no socket and no clock.
///
/// Sendable because the receiver's lock surrounds every call.
protocol Reception: AnyObject, Sendable {
  /// Takes one datagram. `wallOffset` leads from the host's time to nanoseconds since 1970.
  func take(_ datagram: UnsafeRawBufferPointer, at now: HostTime, wallOffset: Int64)
  /// Plays everything due. Returns when to be called again at the latest; nil: when a packet comes.
  func play(at now: HostTime) -> HostTime?
  /// What is to be sent to the peer now, one datagram a call.
  func outgoing(at now: HostTime) -> [UInt8]?
  /// Levels are those since the snapshot before.
  func snapshot() -> ReceiverSnapshot
  /// Facts for the summary, and each channel's newest samples: the spectrum is worked out elsewhere.
  func facts() -> (summary: Summary, newest: [[Float]])
}

extension Reception {
  /// Most listeners only listen.
  func outgoing(at now: HostTime) -> [UInt8]? { nil }
}
