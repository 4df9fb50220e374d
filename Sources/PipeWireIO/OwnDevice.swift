import AudioCore
import CPipeWireSystem

/// What a device of this process is to the rest of the graph: a sink that others play into, or a source that they record.
enum OwnDevice: String {
  case sink, source

  var direction: StreamNode.Direction { self == .sink ? .sink : .source }

  /// The application that a device of ours names, whatever program makes it: so that none records its own microphone.
  static let application = "streamd"

  var usualLayout: ChannelLayout { self == .sink ? .stereo : .mono }

  /// What is said of it to the session manager.
  func properties(_ layout: ChannelLayout) -> [(String, String)] {
    [
      ("application.name", Self.application), ("node.autoconnect", "false"), ("audio.channels", "\(layout.count)"),
      ("audio.position", layout.names.joined(separator: ",")),
      // Idle it costs nothing; suspended it would have to negotiate anew before the first sample.
      ("session.suspend-timeout-seconds", "0"), ("state.restore-props", "false"), ("state.restore-target", "false"),
    ]
      + (self == .sink ? Self.sinkProperties : Self.sourceProperties)
  }

  private static let sinkProperties = [
    ("media.class", "Audio/Sink"), ("node.virtual", "true"),
    // Taken as default when there is nothing better, never over a real device.
    ("priority.session", "100"), ("monitor.channel-volumes", "false"),
  ]

  /// A plain source: applications hide monitors, and some hide `Audio/Source/Virtual` or whatever is marked as virtual.
  ///
  /// Its volume and mute are the user's, as with any microphone: they act on what is recorded, after what we render. They
  /// are at unity whenever the node is made.
  private static let sourceProperties = [
    ("media.class", "Audio/Source"), ("device.class", "sound"), ("device.icon-name", "audio-input-microphone"),
    // Below every microphone, also below those that nobody has given a priority.
    ("priority.session", "-1"),
  ]

  /// Whether somebody who wants to play or record finds all its ports.
  func isComplete(_ ports: [GraphMirror.Port], _ layout: ChannelLayout) -> Bool {
    ports.count { $0.isOutput == (self == .source) && !$0.isMonitor } == layout.count
  }
}
