import AudioIO
import Control
import Settings
import Wiring

/// A place that sound passes on its way through us.
struct FlightHop: Equatable {
  let name: String
  /// As `stream_start` calls it.
  let device: String
  /// The hops that it is made of: one of them should have each click that it has.
  let fedBy: [String]

  static let prefix = "flight://"
  var uri: String { Self.prefix + name }
}

extension FlightHop {
  static let capture = FlightHop(name: "capture", device: "desktop", fedBy: [])

  /// All there are now. Microphones only if somebody asks.
  @ControlActor
  static func all(in daemon: Daemon, hasMicrophones: Bool) -> [FlightHop] {
    var hops = [capture]
    func add(_ hop: FlightHop) { if !hops.contains(where: { $0.name == hop.name }) { hops.append(hop) } }
    for bus in daemon.graph.ends.fed { add(FlightHop(name: "bus/" + bus, device: "bus:" + bus, fedBy: [capture.name])) }
    for session in daemon.allSessions {
      var from = capture.name
      if let bus = session.heard.bus {
        from = "bus/" + bus
      } else if case .named(let sink) = session.heard.target, session.heard.ownSink == nil {
        from = "capture/" + sink
        add(FlightHop(name: from, device: "sink:" + sink, fedBy: []))
      }
      let id = session.identifier
      add(FlightHop(name: "encoder/" + id, device: "session:" + id, fedBy: [from]))
    }
    guard hasMicrophones, let microphones = daemon.microphones else { return hops }
    let voices = microphones.entries.map(\.identifier)
    for entry in microphones.entries {
      let voice = FlightHop(name: "voice/" + entry.identifier, device: "mic:" + entry.identifier, fedBy: [])
      add(voice)
      guard let own = entry.ownSource else { continue }
      add(FlightHop(name: "microphone/" + entry.identifier, device: own, fedBy: [voice.name]))
    }
    add(FlightHop(name: "microphone", device: microphones.settings.name, fedBy: voices.map { "voice/" + $0 }))
    return hops
  }
}
