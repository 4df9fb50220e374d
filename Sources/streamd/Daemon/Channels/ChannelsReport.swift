import AudioCore
import AudioIO
import Control
import Glibc
import Wiring

// What is said about duplex channels, and of the daemon in their words.
extension Daemon {
  /// Without channels it is what the captures and the graph have to say.
  func channelsStatus() -> JSON {
    let health = health()
    let own = channels.status()
    var devices = JSONObject()
    var lost = own["xruns"]?.intValue ?? 0
    for (number, channel) in own["logical_channels"]?.objectValue ?? [:] {
      for side in ["input", "output"] {
        devices["channel:\(number):\(side)"] = channel[side]?["name"] ?? channel[side]?["asked"] ?? .null
      }
    }
    for (key, entry) in captures {
      if case .running(let device) = entry.state { devices["capture:\(key.title)"] = .string(device) }
      lost += Int(entry.incidents.missedCycles)
    }
    if case .running(let device) = graph.station.state { devices["graph"] = .string(device) }
    lost += graph.lostCycles
    var members: JSONObject = [
      "state": health["state"] ?? .null, "devices": .object(devices), "xruns": JSON(lost),
      "uptime_s": JSON(((renderNow() - startedAt).milliseconds / 100).rounded() / 10),
      "cpu_percent": JSON((processorLoad.percent * 10).rounded() / 10), "problems": health["problems"] ?? [],
    ]
    if !channels.running.isEmpty { members["channels"] = own["logical_channels"] ?? .null }
    return .object(members)
  }

  /// A mute that push-to-talk does not undo.
  func setMuted(_ muted: Bool, _ target: TalkTarget) throws(ControlError) {
    switch target {
    case .everybody: try requireMicrophones().setMuted(muted)
    case .mic(let name):
      let mics = try requireMicrophones()
      _ = try mics.setMuted(muted, of: try mics.entry(name))
    case .node:
      throw ControlError(
        .badArgs, "a node has one mute, which its gate is", path: "mute", hint: "set gate_open, or use set_param")
    case .channel(let name): try channels.set(channels.number(name), mute: muted)
    }
  }
}

/// How busy the process is: all its threads, of one processor.
struct ProcessorLoad {
  private(set) var percent = 0.0
  private var last: (used: Double, at: HostTime)?

  /// Twice a second.
  mutating func sample(at now: HostTime) {
    var usage = rusage()
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return }
    let used = [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
    if let last {
      let span = (now - last.at).milliseconds / 1000
      if span > 0.05 { percent = (used - last.used) / span * 100 }
    }
    last = (used, now)
  }
}
