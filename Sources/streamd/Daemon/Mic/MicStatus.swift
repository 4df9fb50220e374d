import AudioCore
import AudioIO
import Control
import Settings
import VirtualMic
import Wiring

// What `status` and the mic verbs say.
extension Microphones {
  func report() -> JSON {
    let now = renderNow()
    let (word, reason) = state(at: now)
    var result: JSONObject = [
      "state": .string(word), "source": .string(settings.name), "muted": JSON(isMuted),
    ]
    if let reason { result["reason"] = .string(reason) }
    if let facts = uplink.device(settings.name) {
      result["recorders"] = JSON(facts.stream.users)
      result["level_dbfs"] = rounded(facts.feed.meter.level.value)
      result["peak_dbfs"] = rounded(facts.feed.meter.peak.value)
      result["quantum"] = JSON(facts.feed.quantum.value)
      result["underruns"] = JSON(facts.feed.underruns)
    }
    result["make_default"] = .string(settings.makeDefault.rawValue)
    if let makeDefault { result["default"] = .string(makeDefault.standing.rawValue) }
    if let localPath, settings.local || entries.contains(where: { $0.way == .local }) {
      result["local_socket"] = .string(localPath)
    }
    result["scheduling"] = .string(uplink.scheduling)
    result["dropped"] = JSON(uplink.report.dropped)
    result["ports"] = .array(uplink.ports.map { .object(report(of: $0)) })
    result["mics"] = .array(entries.map { .object(report(of: $0)) })
    return .object(result)
  }

  /// Of the source everybody is heard through, and why it cannot be recorded.
  private func state(at now: HostTime) -> (word: String, reason: String?) {
    if isMuted { return ("muted", nil) }
    if keepsSilent(nil) { return ("muted", "push_to_talk") }
    if case .waiting(let error) = sources[settings.name] { return ("degraded", error.description) }
    let device = uplink.report.devices.first { $0.id.name == settings.name }
    guard let state = device?.state(at: now) else { return ("degraded", "starting") }
    if case .degraded(let reason) = state { return (state.code, reason.code) }
    return (state.code, nil)
  }

  /// Datagrams that are nobody's.
  private func report(of port: Uplink.PortFacts) -> JSONObject {
    [
      "port": JSON(Int(port.port)), "datagrams": JSON(port.door.datagrams), "dropped": JSON(port.dropped),
      "refused": .object(counts(port.door.refused)),
    ]
  }

  func report(of entry: Entry) -> JSONObject {
    let facts = uplink.facts(of: entry.talker)
    let playout = facts.playout
    let isKept = keepsSilent(entry) || keepsSilent(nil)
    var result: JSONObject = [
      "mic": .string(entry.identifier), "name": .string(entry.name), "protocol": .string(entry.way.rawValue),
      "state": .string(entry.isMuted || isMuted || isKept ? "muted" : playout.state.rawValue),
      "muted": JSON(entry.isMuted), "push_to_talk": .string(isKept ? "shut" : "open"),
    ]
    if let port = entry.port { result["port"] = JSON(Int(port)) }
    if let session = entry.session { result["session_id"] = .string("\(session)") }
    if let pid = entry.pid { result["pid"] = JSON(Int(pid)) }
    if let own = entry.ownSource { result["own_source"] = .string(own) }
    if let source = facts.door?.source { result["from"] = .string("\(source)") }
    result["level_dbfs"] = rounded(playout.level.value)
    result["buffer_ms"] = rounded(playout.buffered.milliseconds)
    result["delay_ms"] = rounded(playout.delay.milliseconds)
    result["target_ms"] = rounded(playout.target.milliseconds)
    result["ppm"] = rounded(playout.ppm)
    result["sender_ppm"] = rounded(playout.senderPPM)
    result["received"] = JSON(playout.received)
    result["lost"] = JSON(playout.lost)
    result["late"] = JSON(playout.late)
    result["duplicates"] = JSON(playout.duplicates)
    result["restarts"] = JSON(playout.restarts)
    result["garbage"] = JSON(playout.garbage)
    result["concealed_ms"] = rounded(Double(playout.concealedFrames) / 48)
    result["recovered_ms"] = rounded(Double(playout.recoveredFrames) / 48)
    result["played_ms"] = rounded(Double(playout.playedFrames) / 48)
    result["underruns"] = JSON(playout.underruns)
    result["muted_packets"] = JSON(facts.pump.muted)
    if let refused = facts.door?.refused ?? facts.local?.refused { result["refused"] = .object(counts(refused)) }
    return result
  }

  private func counts(_ refused: MicRefusals) -> JSONObject {
    var result: JSONObject = [:]
    for reason in MicRefusal.allCases where refused[reason] > 0 {
      result[reason.rawValue] = JSON(refused[reason])
    }
    return result
  }

  private func rounded(_ value: Double) -> JSON { JSON((value * 100).rounded() / 100) }
}
