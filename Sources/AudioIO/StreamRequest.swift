public import AudioCore

/// Which sink a stream concerns, in the words a user writes: `default-sink` or `sink:<node name>`.
public enum SinkTarget: Hashable, Sendable, CustomStringConvertible {
  /// Whatever is the default, now and after it changes.
  case defaultSink
  /// The sink with this node name and no other.
  case named(String)

  public init?(_ text: String) {
    if text == "default-sink" {
      self = .defaultSink
    } else if text.hasPrefix("sink:"), text.utf8.count > 5 {
      self = .named(String(text.dropFirst(5)))
    } else {
      return nil
    }
  }

  public var description: String {
    switch self {
    case .defaultSink: "default-sink"
    case .named(let name): "sink:\(name)"
    }
  }
}

/// What a stream is for. A role, not a direction: a backend that cannot play a role says so and never plays another.
public enum StreamRole: Hashable, Sendable {
  case playback(to: SinkTarget)
  /// Plays into a real sink through links of our own: the one with this node name where it exists, else another; never
  /// into a sink of this process.
  case feed(preferring: String?)
  /// A microphone by its node name, nil for the user's default. Never a monitor, nor a source of our own unless the request
  /// says so.
  case capture(source: String?)
  /// What a sink plays. By construction never a microphone.
  case monitor(of: SinkTarget)
  /// What plays into a sink, heard beside it in the same cycle: a quantum earlier than its monitor.
  case streams(of: SinkTarget)
  case virtualSource
  /// A sink of our own: what others play into it arrives in the same cycle.
  case virtualSink

  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case playback, feed, capture, monitor, streams
    case virtualSource = "virtual_source"
    case virtualSink = "virtual_sink"
  }

  public var kind: Kind {
    switch self {
    case .playback: .playback
    case .feed: .feed
    case .capture: .capture
    case .monitor: .monitor
    case .streams: .streams
    case .virtualSource: .virtualSource
    case .virtualSink: .virtualSink
    }
  }
}

public struct StreamRequest: Sendable {
  public var role: StreamRole
  /// Stable node name.
  public var name: String
  /// What a person reads in a mixer.
  public var description: String
  /// Nil asks for the device's own channels.
  public var layout: ChannelLayout?
  public var rate: SampleRate
  /// The quantum to ask the graph for; nil leaves it as it is.
  public var quantum: FrameCount?
  /// Streams of one group run in the cycles of one driver, linked or not.
  public var group: String?
  /// What a `streams` capture hears of what plays into its sink; nil for all of it.
  public var filter: SourceFilter?
  /// A feed of what applications play: captures beside its sink hear it as they hear applications.
  public var isHeard = false
  /// A microphone of our own may be captured, by its name: for who only listens.
  public var hearsOwn = false

  public init(
    role: StreamRole, name: String, description: String, layout: ChannelLayout? = nil, rate: SampleRate = .codec,
    quantum: FrameCount? = nil, group: String? = nil, filter: SourceFilter? = nil
  ) {
    self.group = group
    self.filter = filter
    self.role = role
    self.name = name
    self.description = description
    self.layout = layout
    self.rate = rate
    self.quantum = quantum
  }
}
