/// What the host itself plays while clients listen.
public enum HostAudioMode: String, Hashable, Sendable, CaseIterable {
  /// The host plays on, and nothing of the user's is changed.
  case keep
  /// Our own sink is made the default, so players move to it and the host falls silent.
  case mute
  /// Our own sink is made the default, and the sink that was it plays what ours plays.
  case mirror
  /// Our own sink exists and is captured; who plays into it is the user's business.
  case virtualOnly = "virtual_only"

  /// Hears what the default sink plays, wherever that is; else our own sink, whatever the default is.
  public var followsDefault: Bool { self == .keep || self == .mirror }
  public var needsSink: Bool { self != .keep }
  public var needsDefault: Bool { self == .mute || self == .mirror }
}
