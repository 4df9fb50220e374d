import AudioCore
import Control

/// What one line can say of the daemon.
struct StatusFacts: Hashable {
  /// Nil while the daemon is there; else why it is not.
  var absence: String?
  var state = ""
  var problems: [String] = []
  var sessions: [String] = []
  /// Nil where there is none.
  var mic: String?
  var talkers = 0
  var profile: String?
  var isBypassed = false
  /// The loudest of buses and microphone since the last line.
  var peak: Decibels?

  static func gone(_ reason: String) -> StatusFacts { StatusFacts(absence: reason) }

  init(absence: String? = nil) { self.absence = absence }

  init(status: JSON) {
    let word = { (json: JSON, key: String) in json[key]?.plain ?? "" }
    state = word(status, "state")
    problems = (status["problems"]?.arrayValue ?? []).map { "\(word($0, "target")): \(word($0, "message"))" }
    sessions = (status["sessions"]?.arrayValue ?? []).map { session in
      let name = word(session, "name").isEmpty ? word(session, "to") : word(session, "name")
      let muted = session["muted"] == true ? ", muted" : ""
      return "\(word(session, "session")) \(name): \(word(session, "state")), \(word(session, "channels")) ch\(muted)"
    }
    if let mic = status["mic"], !mic.isNull {
      self.mic = word(mic, "state")
      talkers = mic["mics"]?.arrayValue?.count ?? 0
    }
    profile = status["profile"]?.stringValue
    isBypassed = status["bypass"] == true
  }

  /// The highest level an event of `meters` tells.
  mutating func hear(_ meters: JSON) {
    for list in ["buses", "mics"] {
      for item in meters[list]?.arrayValue ?? [] {
        for level in item["peak_dbfs"]?.arrayValue ?? [] {
          guard let value = level.doubleValue else { continue }
          peak = max(peak ?? .floor, Decibels(value))
        }
      }
    }
  }
}
