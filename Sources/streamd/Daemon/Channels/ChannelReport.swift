import AudioCore
import AudioIO
import Control
import Settings
import Wiring

/// Duplex channels as they cross the socket.
@ControlActor
enum ChannelReport {
  /// VU meters go no lower.
  nonisolated static let vuRange = -60.0...0.0

  static func status(_ room: DuplexRoom) -> JSON {
    let now = renderNow()
    var list: JSONObject = [:]
    var xruns: UInt64 = 0
    var load = 0.0
    var isWhole = true
    for (number, channel) in room.running {
      let facts = channel.facts(at: now)
      xruns += facts.xruns
      load += facts.load
      if case .running = facts.condition, facts.isFed {} else { isWhole = false }
      list["\(number)"] = self.channel(channel, facts, room)
    }
    return [
      "state": .string(list.isEmpty ? "stopped" : isWhole ? "running" : "degraded"),
      "uptime_s": JSON(rounded(room.uptime.milliseconds / 1000)), "xruns": JSON(xruns),
      "cpu_pct": JSON(rounded(load * 100)), "sample_rate": JSON(room.settings.sampleRate),
      "sample_format": .string(room.settings.format.rawValue), "channels": JSON(room.settings.count),
      "blocksize": JSON(room.settings.blockSize), "logical_channels": .object(list),
      "configuration": .string(room.origin),
    ]
  }

  private static func channel(_ channel: DuplexChannel, _ facts: DuplexChannel.Facts, _ room: DuplexRoom) -> JSON {
    let number = channel.plan.number
    let asked = room.settings.logical[number]
    var input: JSONObject = ["asked": .string(asked?.input ?? ""), "state": facts.isFed ? "running" : "waiting"]
    if let device = room.inputDevice(number) {
      input["name"] = .string(device.name)
      input["description"] = .string(device.title)
      input["id"] = .string(device.id.text)
    }
    if let trouble = facts.inputTrouble { input["message"] = .string(trouble) }
    var output: JSONObject = [
      "asked": .string(asked?.output ?? ""), "backend": .string(channel.plan.output.system),
    ]
    switch facts.condition {
    case .running(let name):
      output["state"] = "running"
      output["name"] = .string(name)
      if let device = room.outputDevice(number) {
        output["description"] = .string(device.title)
        output["id"] = .string(device.id.text)
      }
    case .waiting(let error):
      output["state"] = "waiting"
      output["message"] = .string(facts.deviceTrouble?.description ?? error.description)
    case .stopped, .stopping: output["state"] = "stopped"
    }
    return [
      "name": .string(asked?.name ?? ""), "input": .object(input), "output": .object(output),
      "mute": JSON(channel.isMuted), "gate_open": JSON(channel.isGateOpen), "xruns": JSON(facts.xruns),
      "starved": JSON(facts.starved), "cpu_pct": JSON(rounded(facts.load * 100)),
      "latency_ms": JSON(rounded(facts.latency.milliseconds)), "clock_ppm": JSON(rounded(facts.clockPPM)),
      "reduction_db": ["comp": JSON(rounded(facts.compression)), "limiter": JSON(rounded(facts.limiting))],
    ]
  }

  static func vu(_ room: DuplexRoom) -> JSON {
    let now = renderNow()
    return [
      "channels": .object(
        JSONObject(
          room.running.map { number, channel in
            let (arriving, leaving) = channel.levels(at: now)
            return (
              "\(number)",
              [
                "dbfs": JSON(clamped(leaving.power)), "input_dbfs": JSON(clamped(arriving.power)),
                "output_channels": .array(leaving.powers.map { JSON(clamped($0)) }),
                "input_channels": .array(arriving.powers.map { JSON(clamped($0)) }),
                "peak_dbfs": JSON(clamped(leaving.peaks.max() ?? vuRange.lowerBound)),
              ]
            )
          }))
    ]
  }

  /// What a log says of it.
  static func line(_ channel: DuplexChannel) -> (text: String, isTrouble: Bool) {
    let facts = channel.facts(at: renderNow())
    switch facts.condition {
    case .running(let device): return ("plays to \(device)", false)
    case .waiting(let error):
      return ("waiting: \(facts.deviceTrouble?.description ?? error.description)", error.code != .starting)
    case .stopped, .stopping: return ("stopped", true)
    }
  }

  nonisolated static func clamped(_ level: Double) -> Double {
    rounded(min(max(level, vuRange.lowerBound), vuRange.upperBound))
  }

  private nonisolated static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
