import AudioCore
import Control

/// Everything the monitor shows, and where the user is in it. A value: reports and keys go in, the layout draws it.
struct MonitorState {
  enum Link: Hashable {
    case connecting
    case connected
    /// Why, and when it is tried again.
    case lost(String, retry: HostTime)
  }

  enum Panel: Int, Hashable, CaseIterable {
    case levels, sessions, mic, streams, events
  }

  enum Overlay: Hashable {
    case help
    case details(title: String, lines: [String], from: Int)
    case profiles(selected: Int)
  }

  struct Daemon: Hashable {
    var name = "streamd"
    var version = ""
    var state = ""
    var uptime = 0.0
    var backend = ""
    var profile: String?
    var isBypassed: Bool?
    var problems: [String] = []
  }

  struct Channel: Hashable {
    var label: String
    var meter = PeakMeter()
    var peak: Decibels?
    var rms: Decibels?
  }

  /// One thing that is measured.
  struct Levels: Hashable {
    var id: String
    var kind = ""
    var channels: [Channel] = []
    var figures: [String: Double] = [:]

    /// For a row that has room for one.
    var loudest: Channel? { channels.max { $0.meter.level < $1.meter.level } }
  }

  struct Session {
    var id: String
    var report: JSON
    var gain: Double { report["gain_db"]?.doubleValue ?? 0 }
    var isMuted: Bool { report["muted"] == true }
  }

  struct Talker {
    var id: String
    var report: JSON
    var isMuted: Bool { report["muted"] == true }
  }

  struct Stream {
    var id: String
    var app: String
    var route: String
    var report: JSON
  }

  struct Profile: Hashable {
    var name: String
    var isActive: Bool
    var summary: String
  }

  struct Event: Hashable {
    /// Of the day.
    var clock: String
    var isTrouble: Bool
    var text: String
  }

  var link = Link.connecting
  var now = HostTime(nanoseconds: 0)
  var clock = ""
  var daemon = Daemon()
  /// What the daemon can do, by the name of the operation.
  var operations: Set<String> = []
  var buses: [Levels] = []
  var nodes: [Levels] = []
  /// By the session's, microphone's and talker's id.
  var sessionLevels: [String: Levels] = [:]
  var micLevels: [String: Levels] = [:]
  var talkerLevels: [String: Levels] = [:]
  /// When levels came last.
  var measuredAt: HostTime?
  var sessions: [Session] = []
  /// Nil where the daemon has none.
  var mic: JSON?
  var talkers: [Talker] = []
  var streams: [Stream] = []
  var profiles: [Profile] = []
  var events: [Event] = []

  var focus = Panel.sessions
  var selected: [Panel: Int] = [:]
  var overlay: Overlay?
  var isPaused = false
  /// What the last key led to, and until when it is worth saying.
  var message: String?
  var messageEnds = HostTime(nanoseconds: 0)

  static let eventLimit = 200

  /// A daemon without routes has no such panel.
  var hasStreams: Bool { operations.contains("route.list") }
  var panels: [Panel] { Panel.allCases.filter { $0 != .streams || hasStreams } }

  /// Rows that the user can choose among.
  func count(in panel: Panel) -> Int {
    switch panel {
    case .levels: buses.count + nodes.count
    case .sessions: sessions.count
    // The microphone itself comes first.
    case .mic: mic == nil ? 0 : 1 + talkers.count
    case .streams: streams.count
    case .events: events.count
    }
  }

  func selection(in panel: Panel) -> Int { min(max(selected[panel] ?? 0, 0), max(count(in: panel) - 1, 0)) }

  mutating func say(_ text: String) {
    message = text
    messageEnds = now + .seconds(4)
  }

  mutating func note(_ text: String, isTrouble: Bool = false) {
    events.insert(Event(clock: clock, isTrouble: isTrouble, text: text), at: 0)
    if events.count > Self.eventLimit { events.removeLast() }
  }
}
