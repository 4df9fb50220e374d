/// What the daemon was asked to do: the values of every configuration key, checked.
///
/// The properties hold the defaults; `SettingTable` says how each is spelled in a file. Thread: any, it is a value.
public struct Settings: Sendable {
  /// The only `config_version` this release reads.
  public static let version = 1
  /// Sessions opened at start, over all files.
  public static let sessionLimit = 64
  /// The size of one file.
  public static let fileSizeLimit = 1 << 20

  public var capture = Capture()
  public var stream = Stream()
  public var mic = Mic()
  public var graph = Graph()
  public var routing = Routing()
  public var talk = Talk()
  public var recording = Recording()
  /// Duplex channels that run from the start.
  public var channels = Channels()
  public var control = Control()
  public var http = HTTP()
  public var log = Log()
  public var pipewire = PipeWire()
  /// Sessions opened when the daemon starts.
  public var sessions: [Session] = []

  /// The files these settings were read from, in the order they were merged; none when all is default.
  public internal(set) var files: [String] = []
  var origins: [String: SettingOrigin] = [:]

  public init() {}

  /// What is captured, and how promptly the graph is asked to deliver it.
  public struct Capture: Sendable, Equatable {
    public var target = CaptureTarget.defaultSink
    public var latency = Latency.balanced
    public var mode = CaptureMode.auto

    public init() {}
  }

  /// How sound is encoded and sent.
  public struct Stream: Sendable, Equatable {
    /// Bits per second, all channels together; 0 leaves the choice to the channel count.
    public var bitrate = 0
    public var frame = FrameLength.ms5
    public var complexity = 10
    /// Variable bit rate; constant when false.
    public var vbr = false
    public var channels = 2
    public var payloadType = 97
    /// Whether packets carry the time their sound was captured.
    public var captureTime = false
    /// Whether true peaks stay below −1 dBTP.
    public var limiter = true

    public init() {}
  }

  /// The microphone that applications see, and who may speak into it without being asked.
  public struct Mic: Sendable, Equatable {
    public var enabled = true
    /// Its node name, by which recorders remember it.
    public var name = "streamd.mic"
    /// What people read where they choose a microphone.
    public var description = "Game stream microphone"
    public var channels = 1
    public var makeDefault = MakeDefault.never
    /// Whether programs of this user may hand in sound over a socket beside the control socket.
    public var local = false

    public init() {}
  }

  /// What the mixer graph runs on until somebody says otherwise.
  public struct Graph: Sendable, Equatable {
    public var backend = "pipewire"
    /// A sink's node name, a PCM; empty for the system's default.
    public var device = ""
    public var rate = 48_000
    public var channels = 2
    /// Frames asked of the device.
    public var period = 256
    /// Seconds without a cycle after which a device that says it runs is opened anew; 0 for never.
    public var watchdog = 10
    /// A graph to load and start with; empty for none.
    public var file = ""

    public init() {}
  }

  /// How applications' sound is treated and where it goes, until somebody says otherwise.
  public struct Routing: Sendable, Equatable {
    /// The profile in use; empty for none: then nothing is routed.
    public var profile = ""
    /// A folder of profiles besides the usual ones; its profiles count most.
    public var folder = ""
    /// The processed sink is the default while a profile is in use.
    public var makeDefault = false

    public init() {}

    public var profileFolders: [String] { folder.isEmpty ? [] : [folder] }
  }

  /// What is silent unless a key is held.
  public struct Talk: Sendable, Equatable {
    /// Separated by commas.
    public var targets = ""
    /// Milliseconds that it stays open after a release.
    public var release = 40

    public init() {}

    public var names: [String] { Settings.words(of: targets) }
  }

  /// The interface over HTTP.
  public struct HTTP: Sendable, Equatable {
    /// An address and a port or a socket's path; empty for none.
    public var listen = ""
    /// Names besides the loopback's by which it may be reached, separated by commas.
    public var hosts = ""
    /// Whether with a certificate of its own.
    public var isSecure = false

    public init() {}

    public var names: [String] { Settings.words(of: hosts) }
  }

  static func words(of text: String) -> [String] {
    text.split { $0 == "," || $0 == " " }.map(String.init)
  }

  /// Recordings into files.
  public struct Recording: Sendable, Equatable {
    /// Where those go whose folder nobody names; empty for the user's data directory.
    public var folder = ""
    public var maxStreams = 32
    /// MiB that recordings may have on the disk; 0 for as much as there is.
    public var quota = 0
    /// Seconds of sound in memory, for a disk that stands still.
    public var buffer = 5
    /// A content-addressed store of sealed chunks; empty for none.
    public var store = ""
    /// Seconds of each hop that are kept for a report from the start; 0 for none until somebody asks.
    public var flight = 0

    public init() {}
  }

  public struct Control: Sendable, Equatable {
    /// The path of the control socket; empty for the place in the runtime directory.
    public var socket = ""
    /// Where headroom's protocol is spoken: a path, `auto`, or empty for nowhere.
    public var headroomSocket = ""
    public var maxClients = 64

    public init() {}
  }

  public struct Log: Sendable, Equatable {
    public var level = LogLevel.info

    public init() {}
  }

  public struct PipeWire: Sendable, Equatable {
    /// The name of the server's socket or its absolute path; empty for the environment's choice.
    public var remote = ""

    public init() {}
  }

  /// One session to open at start, with everything it did not say itself filled in from the file's sections.
  public struct Session: Sendable {
    public var name: String
    public var to: Endpoint
    public var capture: Capture
    public var stream: Stream
    var origins: [String: SettingOrigin] = [:]

    public init(name: String, to: Endpoint, capture: Capture = Capture(), stream: Stream = Stream()) {
      self.name = name
      self.to = to
      self.capture = capture
      self.stream = stream
    }

    /// Where the session itself set a key, named without its section ("bitrate"); nil when it is inherited.
    public func origin(of key: String) -> SettingOrigin? { origins[key] }
  }
}

/// The place in a file that gave a value.
public struct SettingOrigin: Sendable, Equatable, CustomStringConvertible {
  public var file: String
  public var line: Int
  public var column: Int

  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  public var description: String { "\(printable(file, limit: 4096)):\(line)" }
}

extension Settings {
  /// Every key a file may hold, in the order of the example file; those of `[[session]]` last.
  public static var keys: [SettingKey] {
    SettingTable.sections.flatMap { $0.slots.map(\.key) } + SettingTable.sessionKeys
  }

  /// The value of a key by its dotted name ("stream.bitrate").
  public func value(of key: String) -> SettingValue? { SettingTable.slots[key]?.get(self) }

  /// Where a key was set; nil when it has its default.
  public func origin(of key: String) -> SettingOrigin? { origins[key] }
}

/// Equal when they ask for the same, wherever it was written. Compared through the table, so no key is forgotten.
extension Settings: Equatable {
  public static func == (left: Settings, right: Settings) -> Bool {
    SettingTable.slots.values.allSatisfy { $0.get(left) == $0.get(right) } && left.sessions == right.sessions
      && left.channels == right.channels
  }
}

extension Settings.Session: Equatable {
  public static func == (left: Self, right: Self) -> Bool {
    left.name == right.name && left.to == right.to && left.capture == right.capture && left.stream == right.stream
  }
}
