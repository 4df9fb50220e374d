public import AudioCore

/// One stream that an application plays, as the audio system shows it.
public struct AppStream: Sendable, Hashable, Identifiable {
  /// A stream that no other can be mistaken for: node numbers come back, serial numbers do not while the server lives.
  public struct ID: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var node: UInt32
    public var serial: UInt64

    public init(node: UInt32, serial: UInt64) {
      self.node = node
      self.serial = serial
    }

    /// Older first.
    public static func < (a: Self, b: Self) -> Bool { (a.serial, a.node) < (b.serial, b.node) }
    public var description: String { "\(node)#\(serial)" }
  }

  public enum State: String, Sendable, Hashable, CaseIterable {
    /// Sound flows.
    case running
    /// Paused, or not linked to anything.
    case idle
    /// The server has said that it cannot be played.
    case failed
  }

  /// Where it is to play by the metadata that session managers follow. Raw: the values are anybody's to write.
  public struct Target: Sendable, Hashable {
    /// `target.object`: a serial number or a node name.
    public var object: String?
    /// `target.node`: a node's number, or -1 for the default.
    public var node: String?

    public init(object: String? = nil, node: String? = nil) {
      self.object = object
      self.node = node
    }
  }

  public var id: ID
  /// What the stream and its client say of themselves, by PipeWire's names: those of `AppLabel`, and no others.
  public var labels: [String: String]
  /// Everything that is to be known of it has been told. Rules decide only then: a label may still be missing before.
  public var isComplete: Bool
  public var state: State
  /// Names of the channels of its ports, in order; what is measured has these. A session manager may change them with each
  /// sink.
  public var channels: [String]
  /// One linear factor for each of its own channels, which need not be as many as its ports.
  public var volumes: [Float]
  public var isMuted: Bool
  public var target: Target
  /// Names of the nodes that its ports are linked to, sorted; no capture of ours among them.
  public var sinks: [String]
  /// A stream of this process.
  public var isOurs: Bool

  public init(
    id: ID, labels: [String: String] = [:], isComplete: Bool = true, state: State = .idle, channels: [String] = [],
    volumes: [Float] = [], isMuted: Bool = false, target: Target = Target(), sinks: [String] = [], isOurs: Bool = false
  ) {
    self.id = id
    self.labels = labels
    self.isComplete = isComplete
    self.state = state
    self.channels = channels
    self.volumes = volumes
    self.isMuted = isMuted
    self.target = target
    self.sinks = sinks
    self.isOurs = isOurs
  }

  public subscript(label: AppLabel) -> String? { labels[label.rawValue] }

  /// Whether it may be sent elsewhere: not what is ours, not what its program wants to stay, and not what its program links
  /// by itself.
  public var isRoutable: Bool {
    let staysPut = [AppLabel.dontMove, .dontReconnect].contains { self[$0] == "true" || self[$0] == "1" }
    return isComplete && !isOurs && !staysPut && self[.autoconnect] != "false"
  }

  /// By what a session manager remembers volumes and targets, and gives them to the next stream of which the same is said: so
  /// a stream may begin with a level that was ours for another. WirePlumber's rule.
  public var memoryKey: String? {
    let kind = self[.mediaClass] ?? "Stream/Output/Audio"
    for label in [AppLabel.mediaRole, .applicationID, .applicationName, .mediaName, .nodeName] {
      if let value = self[label] { return "\(kind):\(label.rawValue):\(value)" }
    }
    return nil
  }

  /// What to call it before people.
  public var displayName: String {
    for label in [AppLabel.applicationName, .binary, .nodeDescription, .nodeName] {
      if let text = self[label], !text.isEmpty { return text }
    }
    return "stream \(id.node)"
  }
}

/// What a stream may say of itself. The stream's own word counts; what it leaves out is its client's.
public enum AppLabel: String, Sendable, Hashable, CaseIterable {
  case binary = "application.process.binary"
  case applicationName = "application.name"
  case applicationID = "application.id"
  case processID = "application.process.id"
  case user = "application.process.user"
  case host = "application.process.host"
  case machine = "application.process.machine-id"
  case session = "application.process.session-id"
  case language = "application.language"
  case icon = "application.icon-name"
  /// The server's own knowledge of who speaks to it, which the application cannot choose: from the client.
  case trustedProcessID = "pipewire.sec.pid"
  case portalID = "pipewire.access.portal.app_id"
  case access = "pipewire.access.effective"
  case flatpakID = "flatpak.app.id"
  case steamID = "steam.app.id"
  case clientAPI = "client.api"
  case mediaRole = "media.role"
  case mediaName = "media.name"
  case mediaTitle = "media.title"
  case mediaArtist = "media.artist"
  case mediaClass = "media.class"
  case mediaCategory = "media.category"
  case nodeName = "node.name"
  case nodeDescription = "node.description"
  case nodeNick = "node.nick"
  case nodeGroup = "node.group"
  case linkGroup = "node.link-group"
  case dontMove = "node.dont-move"
  case dontReconnect = "node.dont-reconnect"
  case autoconnect = "node.autoconnect"
  case rate = "node.rate"
  case latency = "node.latency"
  case targetObject = "target.object"
  case nodeTarget = "node.target"
}

/// A link from an application's port, by the channels that the two ports carry.
public struct AppStreamLink: Sendable, Hashable {
  public var output: String
  public var input: String
  /// The other node's name.
  public var node: String
  /// That node is a sink; else a capture, a filter or a recorder beside it.
  public var isSink: Bool

  public init(output: String, input: String, node: String, isSink: Bool) {
    self.output = output
    self.input = input
    self.node = node
    self.isSink = isSink
  }
}

/// A sink as far as routing needs to know it.
public struct SinkFacts: Sendable, Hashable {
  /// The server's number for it.
  public var node: UInt32
  public var name: String
  public var description: String
  public var serial: UInt64
  /// Channels of its playback ports, in order.
  public var channels: [String]
  /// The device's own rate, while it says so.
  public var rate: SampleRate?
  public var isDefault: Bool
  /// A sink of this process.
  public var isOurs: Bool

  public init(
    node: UInt32 = 0, name: String, description: String = "", serial: UInt64 = 0, channels: [String] = [],
    rate: SampleRate? = nil,
    isDefault: Bool = false, isOurs: Bool = false
  ) {
    self.node = node
    self.name = name
    self.description = description
    self.serial = serial
    self.channels = channels
    self.rate = rate
    self.isDefault = isDefault
    self.isOurs = isOurs
  }
}
