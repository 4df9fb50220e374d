public import AudioCore

/// The times of the law that keeps a virtual microphone alive. The defaults are for a real server; tests use milliseconds.
public struct PumpTuning: Hashable, Sendable {
  /// Wait after the first failed open. It doubles with every further failure, up to the cap, so that a machine without a
  /// server is not hammered.
  public var backoffStart: HostDuration
  public var backoffCap: HostDuration
  /// How long a device goes unasked whether it lives while nobody talks.
  public var heartbeat: HostDuration
  /// A pause longer than this makes what the device still holds stale.
  public var staleGap: HostDuration
  /// A device that lived this long was good. One that died younger is a failed open in disguise.
  public var stableAfter: HostDuration
  /// A talker unheard for this long gives up its decoder and its lanes.
  public var voiceIdle: HostDuration

  public init(
    backoffStart: HostDuration = .seconds(2), backoffCap: HostDuration = .seconds(60),
    heartbeat: HostDuration = .seconds(1), staleGap: HostDuration = .milliseconds(600),
    stableAfter: HostDuration = .seconds(5), voiceIdle: HostDuration = .seconds(30)
  ) {
    precondition(backoffStart > .zero && backoffCap >= backoffStart && heartbeat > .zero)
    precondition(staleGap >= .zero && stableAfter >= .zero && voiceIdle >= staleGap)
    self.backoffStart = backoffStart
    self.backoffCap = backoffCap
    self.heartbeat = heartbeat
    self.staleGap = staleGap
    self.stableAfter = stableAfter
    self.voiceIdle = voiceIdle
  }
}
